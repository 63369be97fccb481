"""How many calls this machine can take, from short trials: packets over the loopback, a file in the folder."""

import ctypes
import os
import socket
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import numpy as np

from plugins.pbx_sip.capture.inbox import MESSAGE, PART, places
from plugins.pbx_sip.capture.ports import HoldingSockets
from plugins.pbx_sip.capture.programs import udp_ports
from plugins.pbx_sip.capture.ring import PacketRing
from plugins.pbx_sip.capture.sockets import PortSockets
from plugins.pbx_sip.packets.datagrams import Endpoints
from plugins.pbx_sip.packets.decoder import Decoder

PACKETS_S = 100  # two streams with a packet every 20 ms
CALL_BYTES_S = 18_000  # 16 kB of sound, the rest headers
KERNEL_US = 1.0  # from the card to ring or socket, which the loopback cannot tell; 0.6 on a Xeon of 2023
LOAD_MAX = 0.7  # of a core or a disk; the rest is for bursts

_PORTS = 256
_ROUNDS = 20
_BURSTS = 8  # what a ring gives at once when it is busy: about a block of it
_ROUND_S = 1.0
_RTP_BYTES = 172
_HERE = IPv4Address("127.0.0.1")
_DISK_BYTES = 64 << 20
_DISK_S = 2.0
_PIECE_BYTES = 4 << 20
_RING_BLOCKS = 16


class TrialFailed(OSError):
    """Packets that were sent over the loopback did not come, or not once each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """How many G.711 calls at once, and what sets the limit: "cores" or "disk".

    packet_us: what this process takes to receive one, by `way`, "ring" or "sockets". disk_bytes_s: None if no folder
    was tried.
    """

    calls: int
    limited_by: str
    way: str
    packet_us: float
    disk_bytes_s: float | None


def estimate(way: str, packet_us: float, disk_bytes_s: float | None, cores: int) -> Capacity:
    """The capacity when half of the cores capture; the others are for signalling, files and the hub."""
    by_cores = round(max(1, cores // 2) * LOAD_MAX * 1e6 / (packet_us + KERNEL_US) / PACKETS_S)
    by_disk = by_cores if disk_bytes_s is None else round(LOAD_MAX * disk_bytes_s / CALL_BYTES_S)
    return Capacity(
        calls=min(by_cores, by_disk),
        limited_by="disk" if by_disk < by_cores else "cores",
        way=way,
        packet_us=packet_us,
        disk_bytes_s=disk_bytes_s,
    )


def try_ring() -> float:
    """What a packet costs this process through a ring on the loopback, until it is a datagram, in microseconds.

    Raises: CaptureDenied; TrialFailed; OSError.
    """
    held = HoldingSockets((_HERE,))
    ports = _find_ports(held.open)
    try:
        ring = PacketRing("lo", program=udp_ports(min(ports), max(ports)), blocks=_RING_BLOCKS)
        decoder, own = Decoder(Endpoints()), np.array(ports)

        def receive() -> int:
            block = ring.read(_ROUND_S)
            found = decoder.decode(block).datagrams if block else ()
            return sum(int(np.isin(each.target & np.uint64(0xFFFF), own).sum()) for each in found)

        try:
            return _try(ports, _BURSTS, receive)
        finally:
            ring.close()
    finally:
        held.release()


def try_sockets() -> float:
    """What a packet costs this process through a socket for each port, in microseconds.

    Raises: TrialFailed; OSError.
    """
    sockets = PortSockets((_HERE,), Endpoints())
    try:
        return _try(_find_ports(sockets.open), 1, lambda: len(sockets.read(_ROUND_S) or ()))
    finally:
        sockets.close_all()


def try_disk(folder: Path) -> float:
    """How many bytes a second can be made durable in a folder, one behind the other.

    Raises: OSError.
    """
    piece = os.urandom(_PIECE_BYTES)
    with tempfile.TemporaryFile(dir=folder) as file:
        began_s = time.monotonic()
        written = 0
        while written < _DISK_BYTES and time.monotonic() - began_s < _DISK_S:
            written += os.write(file.fileno(), piece)
            os.fdatasync(file.fileno())
        return written / (time.monotonic() - began_s)


def _try(ports: list[int], bursts: int, receive: Callable[[], int]) -> float:
    """Send packets to each port and wait for all, some times; the first round is for warming up."""
    sender = _Sender(ports)
    count, spent_ns = bursts * len(ports), 0
    try:
        for number in range(_ROUNDS + 1):
            for _ in range(bursts):
                sender.send()
            awaited, end_s, began_ns = count, time.monotonic() + _ROUND_S, time.thread_time_ns()
            while awaited > 0 and time.monotonic() < end_s:
                awaited -= receive()
            if awaited:
                raise TrialFailed(f"of {count} packets over the loopback {count - awaited} came")
            spent_ns += time.thread_time_ns() - began_ns if number else 0
    finally:
        sender.close()
    return spent_ns / (_ROUNDS * count) / 1000


class _Sender:
    """Sends a packet as of G.711 to each of some ports by one call of the kernel.

    Source: sendmmsg(2), ip(7).
    """

    def __init__(self, ports: list[int]) -> None:
        name = np.dtype([("family", "=u2"), ("port", ">u2"), ("address", ">u4"), ("zero", "V8")])
        self._names = np.zeros(len(ports), name)
        self._names["family"], self._names["port"], self._names["address"] = socket.AF_INET, ports, int(_HERE)
        self._data = np.zeros(_RTP_BYTES, np.uint8)
        self._part = np.array([(self._data.ctypes.data, _RTP_BYTES)], PART)
        self._messages = np.zeros(len(ports), MESSAGE)
        self._messages["name"], self._messages["name_size"] = places(self._names), name.itemsize
        self._messages["parts"], self._messages["part_count"] = self._part.ctypes.data, 1
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._send = ctypes.CDLL(None, use_errno=True).sendmmsg
        self._send.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)

    def send(self) -> None:
        """One packet to each."""
        sent = self._send(self._socket.fileno(), self._messages.ctypes.data, len(self._messages), 0)
        if sent != len(self._messages):
            reason = f" ({os.strerror(ctypes.get_errno())})" if sent < 0 else ""
            raise TrialFailed(f"of {len(self._messages)} packets the kernel sent {max(sent, 0)}{reason}")

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()


def _find_ports(take: Callable[[int], None]) -> list[int]:
    """Ports that were free and are taken now."""
    found: list[int] = []
    for _ in range(4 * _PORTS):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((str(_HERE), 0))
            port: int = probe.getsockname()[1]
        try:
            take(port)
        except OSError:
            continue
        found.append(port)
        if len(found) == _PORTS:
            return found
    raise TrialFailed("the loopback has no free ports")
