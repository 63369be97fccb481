"""A monitor port, as switches have it: all frames of one interface, sent out of another to whoever records there."""

import select
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.doubles.network import LAN, NetworkPair

MIRRORED = "span0"
_ALL = 3
_SO_TIMESTAMPNS = 35
_FRAME_BYTES_MAX = 9000  # more than a frame has: the kernel hands over segments before they are cut
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame as it passed, ns since 1970, UTC."""

    at_ns: int
    frame: bytes


def once(frame: bytes) -> Sequence[bytes]:
    """A frame as it is."""
    return [frame]


@dataclass(slots=True)
class MirrorPort:
    """wrap: what goes out for a frame; it may be changed at any time. seen: the frames that passed, which grow."""

    wrap: Callable[[bytes], Sequence[bytes]] = once
    seen: list[Seen] = field(default_factory=list)


@contextmanager
def mirror_port(pair: NetworkPair) -> Iterator[MirrorPort]:
    """Show what passes the recorder's interface on another one, MIRRORED, beside it."""
    port, stop, near = MirrorPort(), threading.Event(), f"{MIRRORED}x"
    for words in (
        f"link add {near} mtu {_FRAME_BYTES_MAX} type veth peer name {MIRRORED} mtu {_FRAME_BYTES_MAX}",
        f"link set {near} up",
        f"link set {MIRRORED} up",
    ):
        subprocess.run(pair.lan_command("ip", *words.split()), check=True)
    with pair.at_lan():
        inlet, outlet = _open(LAN, _ALL), _open(near, 0)
    with inlet, outlet:
        inlet.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        inlet.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        thread = threading.Thread(target=_pass_on, args=(inlet, outlet, port, stop), name="mirror port")
        thread.start()
        try:
            yield port
        finally:
            stop.set()
            thread.join()


def _open(interface: str, protocol: int) -> socket.socket:
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    opened.bind((interface, protocol))
    return opened


def _pass_on(inlet: socket.socket, outlet: socket.socket, port: MirrorPort, stop: threading.Event) -> None:
    while not stop.is_set():
        if not select.select([inlet], [], [], _LOOK_S)[0]:
            continue
        frame, notes, _, _ = inlet.recvmsg(_FRAME_BYTES_MAX * 8, 64)
        at_s, at_ns = struct.unpack("qq", notes[0][2][:16])
        port.seen.append(Seen(at_s * 1_000_000_000 + at_ns, frame))
        for shown in port.wrap(frame):
            outlet.send(shown)
