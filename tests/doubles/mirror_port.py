"""A monitor port, as switches have it: all frames of one interface, sent out of others to whoever records there."""

import select
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tests.doubles.network import LAN, NetworkPair

Wrap = Callable[[bytes], Sequence[bytes]]
"""What goes out of a monitor port for a frame."""

_ALL = 3
_SO_TIMESTAMPNS = 35
_FRAME_BYTES_MAX = 9000  # more than a frame has: the kernel hands over segments before they are cut
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame as it passed, ns since 1970, UTC."""

    at_ns: int
    frame: bytes


@contextmanager
def mirror_port(pair: NetworkPair, ports: Mapping[str, Wrap]) -> Iterator[list[Seen]]:
    """Show what passes the recorder's interface on others beside it; `ports`: name -> what is shown there.

    Yields: the frames that passed, which grow.
    """
    seen: list[Seen] = []
    stop = threading.Event()
    with ExitStack() as stack:
        with pair.at_lan():
            outlets = {_lay(pair, name, stack): wrap for name, wrap in ports.items()}
            inlet = stack.enter_context(_open(LAN, _ALL))
            inlet.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            inlet.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        thread = threading.Thread(target=_pass_on, args=(inlet, outlets, seen, stop), name="mirror port")
        thread.start()
        try:
            yield seen
        finally:
            stop.set()
            thread.join()


def _lay(pair: NetworkPair, name: str, stack: ExitStack) -> socket.socket:
    """A cable whose far end has a name. Returns: a socket at its near end."""
    near = f"{name}x"
    for words in (
        f"link add {near} mtu {_FRAME_BYTES_MAX} type veth peer name {name} mtu {_FRAME_BYTES_MAX}",
        f"link set {near} up",
        f"link set {name} up",
    ):
        subprocess.run(pair.lan_command("ip", *words.split()), check=True)
    stack.callback(subprocess.run, pair.lan_command("ip", "link", "delete", near), check=True)
    return stack.enter_context(_open(near, 0))


def _open(interface: str, protocol: int) -> socket.socket:
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    opened.bind((interface, protocol))
    return opened


def _pass_on(
    inlet: socket.socket, outlets: Mapping[socket.socket, Wrap], seen: list[Seen], stop: threading.Event
) -> None:
    while not stop.is_set():
        if not select.select([inlet], [], [], _LOOK_S)[0]:
            continue
        frame, notes, _, _ = inlet.recvmsg(_FRAME_BYTES_MAX * 8, 64)
        [at_s, at_ns] = struct.unpack("qq", notes[0][2][:16])
        seen.append(Seen(at_s * 1_000_000_000 + at_ns, frame))
        for outlet, wrap in outlets.items():
            for shown in wrap(frame):
                outlet.send(shown)
