"""What this machine allows a recorder, what stands in its way, and how to mend it."""

import ctypes
import errno
import os
import resource
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from plugins.pbx_sip.capture.capacity import (
    CALL_BYTES_S,
    Capacity,
    estimate,
    try_disk,
    try_ring,
    try_sockets,
)
from plugins.pbx_sip.capture.errors import CaptureDenied, NoInterface
from plugins.pbx_sip.capture.interfaces import (
    PROMISCUOUS,
    Interface,
    find_features,
    find_interface,
    missed_packets,
)
from plugins.pbx_sip.capture.ports import NftRefused, try_nft
from plugins.pbx_sip.capture.ring import BLOCK_BYTES, BLOCKS
from plugins.pbx_sip.capture.sockets import ROOM_BYTES

FILES_WANTED = 20_000
BACKLOG_WANTED = 10_000
ETHERNET_MTU_BYTES = 1500

MEMORY_WANTED_BYTES = 4 * BLOCK_BYTES * BLOCKS

_NEWER = "Linux 4.20 or later has it."
_FIREWALL = "Let UDP pass between ports of the loopback: the firewall of this machine may hold it back."
_MORE_FILES = f"LimitNOFILE={FILES_WANTED} in the systemd unit"
_MORE_MEMORY = "Give the machine more memory; the kernel ends processes without it."

_SYSCTL = Path("/proc/sys/net/core")
_MEMORY = Path("/proc/meminfo")
_STA_UNSYNC = 0x40  # linux/timex.h
_TIMEX_BYTES, _TIMEX_STATUS = 208, 40


class State(StrEnum):
    """How well something is suited to recording; what is bad must be mended first."""

    GOOD = "good"
    FAIR = "fair"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and what to do about it."""

    name: str
    state: State
    text: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Examination:
    """All that was found, and the calls at once that can be expected; None if not even sockets work."""

    findings: tuple[Finding, ...]
    capacity: Capacity | None

    @property
    def is_good(self) -> bool:
        """Whether nothing has to be mended first."""
        return all(finding.state is not State.BAD for finding in self.findings)


def examine_host(interface: str | None = None, folder: Path | None = None) -> Examination:
    """Look at the machine, and try its loopback and the folder for some seconds; nothing is changed.

    interface: from which packets are to be captured. folder: where what they carry is to be written.
    """
    way, packet_us, findings = _try_receiving()
    findings += [
        _examine_nft(),
        _examine_time(),
        _examine_rooms(),
        _examine_backlog(),
        _examine_files(),
        _examine_memory(),
    ]
    if interface is not None:
        findings += _examine_interface(interface)
    disk_bytes_s = None
    if folder is not None:
        disk_bytes_s, finding = _examine_disk(folder)
        findings.append(finding)
    cores = len(os.sched_getaffinity(0))
    text = f"{cores} cores" if cores > 1 else "1 core, on which capture and all else take turns"
    findings.append(Finding("cores", State.GOOD if cores > 1 else State.FAIR, text))
    capacity = None if packet_us is None else estimate(way, packet_us, disk_bytes_s, cores)
    return Examination(tuple(findings), capacity)


def _try_receiving() -> tuple[str, float | None, list[Finding]]:
    """By which way packets come best, what one costs in microseconds, and what was found on the way."""
    try:
        cost_us = try_ring()
    except CaptureDenied as denied:
        text = f"{denied}: ordinary sockets serve a recording session, but nothing a mirror port"
        found = [Finding("raw sockets", State.BAD, text, denied.hint)]
    except OSError as error:
        found = [
            Finding("raw sockets", State.GOOD, "packets may be captured"),
            Finding("ring", State.BAD, f"packets do not come through a ring: {error}", _advise(error, _NEWER)),
        ]
    else:
        text = f"each packet over the loopback came once, for {cost_us:.2f} us"
        return (
            "ring",
            cost_us,
            [
                Finding("raw sockets", State.GOOD, "packets may be captured"),
                Finding("ring", State.GOOD, text),
            ],
        )
    try:
        cost_us = try_sockets()
    except OSError as error:
        text = f"packets over the loopback do not come: {error}"
        found.append(Finding("sockets", State.BAD, text, _advise(error, _FIREWALL)))
        return "sockets", None, found
    found.append(Finding("sockets", State.GOOD, f"a packet through a socket costs {cost_us:.2f} us"))
    return "sockets", cost_us, found


def _advise(error: OSError, otherwise: str) -> str:
    """What helps where packets over the loopback did not come."""
    if error.errno in {errno.EMFILE, errno.ENFILE}:
        return _MORE_FILES
    if error.errno in {errno.ENOMEM, errno.ENOBUFS}:
        return _MORE_MEMORY
    return otherwise if find_interface("lo").is_up else "The loopback is down: ip link set lo up"


def _examine_nft() -> Finding:
    try:
        try_nft()
    except NftRefused as error:
        remedy = "Install nftables and grant CAP_NET_ADMIN; without them a socket holds each port."
        return Finding("nftables", State.FAIR, str(error), remedy)
    return Finding("nftables", State.GOOD, "one rule can hold all ports of a recorder")


def _examine_time() -> Finding:
    """Source: adjtimex(2); with no modes it only tells."""
    content = ctypes.create_string_buffer(_TIMEX_BYTES)
    ctypes.CDLL(None, use_errno=True).adjtimex(content)
    status: int = struct.unpack_from("=i", content, _TIMEX_STATUS)[0]
    if status & _STA_UNSYNC:
        remedy = "Run chrony or systemd-timesyncd, unless the host of this virtual machine keeps its clock right."
        return Finding("time", State.FAIR, "nothing says that the clock is synchronised", remedy)
    return Finding("time", State.GOOD, "the clock is synchronised")


def _examine_rooms() -> Finding:
    room_bytes = _read_sysctl("rmem_max")
    if room_bytes < ROOM_BYTES:
        text = f"a socket may hold {room_bytes} bytes; that matters where there is no ring"
        return Finding("socket buffers", State.FAIR, text, f"sysctl -w net.core.rmem_max={4 * ROOM_BYTES}")
    return Finding("socket buffers", State.GOOD, f"a socket may hold {room_bytes} bytes")


def _examine_backlog() -> Finding:
    packets = _read_sysctl("netdev_max_backlog")
    if not packets:
        return Finding("backlog", State.GOOD, "how many packets may wait for a core is set outside of this container")
    if packets < BACKLOG_WANTED:
        text = f"{packets} packets may wait for a core; that matters for virtual interfaces and steered packets (RPS)"
        return Finding("backlog", State.FAIR, text, f"sysctl -w net.core.netdev_max_backlog={2 * BACKLOG_WANTED}")
    return Finding("backlog", State.GOOD, f"{packets} packets may wait for a core")


def _read_sysctl(name: str) -> int:
    """A setting; 0 where the namespace shows none."""
    try:
        return int((_SYSCTL / name).read_text(encoding="ascii"))
    except OSError:
        return 0


def _examine_files() -> Finding:
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if files < FILES_WANTED:
        text = f"{files} files may be open, which limits calls where each port takes a socket"
        return Finding("open files", State.FAIR, text, _MORE_FILES)
    return Finding("open files", State.GOOD, f"{files} files may be open")


def _examine_memory() -> Finding:
    """Source: proc(5), /proc/meminfo."""
    lines = dict(line.split(":", 1) for line in _MEMORY.read_text(encoding="ascii").splitlines())
    free_bytes = int(lines["MemAvailable"].split()[0]) << 10
    ring_bytes = BLOCK_BYTES * BLOCKS
    text = f"{free_bytes >> 20} MiB are available, of which each ring takes {ring_bytes >> 20}"
    if free_bytes < ring_bytes:
        return Finding("memory", State.BAD, text, _MORE_MEMORY)
    if free_bytes < MEMORY_WANTED_BYTES:
        return Finding("memory", State.FAIR, text, "Let one ring capture, not several.")
    return Finding("memory", State.GOOD, text)


def _examine_disk(folder: Path) -> tuple[float | None, Finding]:
    try:
        speed_bytes_s = try_disk(folder)
    except OSError as error:
        text = f"{folder} cannot be written to: {error.strerror}"
        return None, Finding("disk", State.BAD, text, _advise_disk(folder, error))
    calls = round(speed_bytes_s / CALL_BYTES_S)
    text = f"{folder} takes {speed_bytes_s / 1e6:.0f} MB/s durably, as {calls} calls write at once"
    if calls < FILES_WANTED // 100:
        return speed_bytes_s, Finding("disk", State.FAIR, text, "Use a local disk, at best a solid-state one.")
    return speed_bytes_s, Finding("disk", State.GOOD, text)


def _advise_disk(folder: Path, error: OSError) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "Make room on its disk."
    if error.errno in {errno.EACCES, errno.EPERM}:
        return f"Give it to the hub's user (uid {os.geteuid()})."
    if folder.exists():
        return "Choose a folder on a disk that can be written to."
    return "Make the folder and give it to the hub's user."


def _examine_interface(name: str) -> Iterator[Finding]:
    try:
        found = find_interface(name)
    except NoInterface as error:
        yield Finding(name, State.BAD, str(error), error.hint)
        return
    if found.is_up:
        yield Finding(name, State.GOOD, "is up")
    else:
        yield Finding(name, State.BAD, "is down", f"ip link set {name} up")
    yield _examine_size(found)
    yield from _examine_features(found)
    if missed := missed_packets(name):
        text = f"the card had no room for {missed} packets since it was started"
        yield Finding(f"{name} losses", State.FAIR, text, f"ethtool -G {name} rx 4096, or the most that it has")
    if found.flags & PROMISCUOUS:
        yield Finding(f"{name} mirror", State.GOOD, "takes packets to others in already, as a mirror port needs")


def _examine_size(interface: Interface) -> Finding:
    name = f"{interface.name} MTU"
    if interface.mtu_bytes < ETHERNET_MTU_BYTES:
        text = f"{interface.mtu_bytes} bytes: longer packets that are mirrored to it are lost"
        return Finding(name, State.FAIR, text, f"ip link set {interface.name} mtu {ETHERNET_MTU_BYTES}")
    return Finding(name, State.GOOD, f"{interface.mtu_bytes} bytes")


def _examine_features(interface: Interface) -> Iterator[Finding]:
    features = find_features(interface.name)
    for feature, harm in (
        ("rx-udp-gro-forwarding", "joins UDP packets of a stream into one before they are captured"),
        ("rx-gro-list", "joins UDP packets of a stream into one before they are captured"),
        ("rx-lro", "joins TCP segments in hardware, with headers that no sender wrote"),
    ):
        if features.get(feature):
            option = "lro" if feature == "rx-lro" else feature
            remedy = f"ethtool -K {interface.name} {option} off"
            yield Finding(f"{interface.name} {feature}", State.FAIR, harm, remedy)
    if features.get("rx-gro"):
        yield Finding(f"{interface.name} rx-gro", State.GOOD, "joins TCP segments, which does no harm")
