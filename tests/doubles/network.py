"""Two network namespaces with a cable between them, of the test's own: no packet of theirs meets this machine's network.

Each end is an Ethernet interface; "lan0" is where a recorder listens, "pbx0" where others send from. Beside them each
namespace has a loopback. They end with the processes that hold them.
"""

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import BinaryIO

import pytest

LAN, PBX = "lan0", "pbx0"
LAN_ADDRESS, PBX_ADDRESS = "198.51.100.2", "198.51.100.1"
LAN_ADDRESS6, PBX_ADDRESS6 = "2001:db8::2", "2001:db8::1"
LAN_MAC, PBX_MAC = bytes.fromhex("020000000002"), bytes.fromhex("020000000001")

_CLONE_NEWNET = 0x40000000
_TUNSETIFF = 0x400454CA
_TUN_WITHOUT_HEADER = 0x1001


class NetworkPair:
    """The namespaces; `at_lan()` and `at_pbx()` take the calling thread into one of them."""

    def __init__(self) -> None:
        self._lan, self._pbx = _hold_namespace(), _hold_namespace()
        try:
            self._connect()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let the namespaces go, with all that is in them."""
        for holder in (self._lan, self._pbx):
            _end(holder)

    def at_lan(self):
        """Where the recorder is."""
        return _inside(self._lan.pid)

    def at_pbx(self):
        """Where the senders are."""
        return _inside(self._pbx.pid)

    def lan_command(self, *command: str) -> list[str]:
        """A command line that runs another one where the recorder is."""
        return ["nsenter", f"--net=/proc/{self._lan.pid}/ns/net", "--", *command]

    def pbx_command(self, *command: str) -> list[str]:
        """The same where the senders are."""
        return ["nsenter", f"--net=/proc/{self._pbx.pid}/ns/net", "--", *command]

    def remove_cable(self) -> None:
        """Take both interfaces away."""
        _run(*self.lan_command("ip", "link", "delete", LAN))

    def set_link(self, state: str) -> None:
        """Take the recorder's interface "down" or "up"."""
        _run(*self.lan_command("ip", "link", "set", LAN, state))

    def connect(self) -> None:
        """Lay the cable anew."""
        self._connect()

    def _connect(self) -> None:
        ends = (
            (PBX, PBX_MAC, self._pbx, PBX_ADDRESS, PBX_ADDRESS6),
            (LAN, LAN_MAC, self._lan, LAN_ADDRESS, LAN_ADDRESS6),
        )
        pbx, lan = ([name, "address", mac.hex(":"), "netns", str(holder.pid)] for name, mac, holder, _, _ in ends)
        _run("ip", "link", "add", *pbx, "type", "veth", "peer", *lan)
        for (name, _, holder, address, address6), (_, other_mac, _, other, other6) in zip(
            ends, ends[::-1], strict=True
        ):
            inside = ["nsenter", f"--net=/proc/{holder.pid}/ns/net", "--", "ip"]
            _run(*inside, "link", "set", "lo", "up")
            _run(*inside, "address", "add", f"{address}/24", "dev", name)
            _run(*inside, "address", "add", f"{address6}/64", "dev", name, "nodad")
            _run(*inside, "link", "set", name, "up")
            for neighbour in (other, other6):
                _run(
                    *inside,
                    "neigh",
                    "replace",
                    neighbour,
                    "lladdr",
                    other_mac.hex(":"),
                    "dev",
                    name,
                    "nud",
                    "permanent",
                )


@contextmanager
def network_pair() -> Iterator[NetworkPair]:
    """A pair of namespaces; skips the test where the machine does not allow them."""
    if reason := _refusal():
        pytest.skip(reason)
    pair = NetworkPair()
    try:
        yield pair
    finally:
        pair.close()


def send_frames(frames, interface: str = PBX) -> None:
    """Put frames on the wire as they are, from the namespace in which the calling thread is."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
        sender.bind((interface, 0))
        for frame in frames:
            sender.send(frame)


def without_rights() -> list[str]:
    """Begin of a command line that runs the rest without the rights of root, if the tests have them."""
    return ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"] if os.geteuid() == 0 else []


@contextmanager
def tunnel(name: str) -> Iterator[BinaryIO]:
    """A tunnel from the namespace in which the calling thread is to this process: packets that are written come in."""
    with Path("/dev/net/tun").open("r+b", buffering=0) as end:
        fcntl.ioctl(end, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _TUN_WITHOUT_HEADER))
        _run("ip", "link", "set", name, "up")
        yield end


@cache
def _refusal() -> str:
    """Why namespaces cannot be had here; empty if they can."""
    try:
        pair = NetworkPair()
        with pair.at_pbx(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0):
            pass
    except (OSError, subprocess.CalledProcessError) as error:
        return f"this machine lets the tests have no network namespaces and raw sockets: {error}"
    pair.close()
    return ""


def _hold_namespace() -> subprocess.Popen[bytes]:
    """A process in a network namespace of its own, which ends with its standard input."""
    holder = subprocess.Popen(
        ["unshare", "--net", "--", "sh", "-c", "echo here; exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    if holder.stdout.readline() != b"here\n":
        _end(holder)
        raise PermissionError("unshare --net was refused")
    return holder


def _end(holder: subprocess.Popen[bytes]) -> None:
    holder.communicate()


@contextmanager
def _inside(pid: int) -> Iterator[None]:
    libc = ctypes.CDLL(None, use_errno=True)
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    other = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _enter(libc, other)
        yield
    finally:
        _enter(libc, own)
        os.close(own)
        os.close(other)


def _enter(libc: ctypes.CDLL, namespace: int) -> None:
    if libc.setns(namespace, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
