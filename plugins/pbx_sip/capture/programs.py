"""Classic BPF: programs by which the kernel drops what is not wanted before it costs anything.

Source: bpf(4) of the BSDs; Linux Documentation/networking/filter.rst; linux/filter.h.
"""

import ctypes
import socket
import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from plugins.pbx_sip.capture.interfaces import ETHERNET, RAW_IP

INSTRUCTIONS_MAX = 4096

_SO_ATTACH_FILTER = 26
_LOAD_BYTE, _LOAD_HALF = 0x30, 0x28
_LOAD_BYTE_AT_X, _LOAD_HALF_AT_X = 0x50, 0x48
_X_FROM_IHL = 0xB1
_EQUAL, _GREATER, _AT_LEAST, _ANY_BIT = 0x15, 0x25, 0x35, 0x45
_RETURN = 0x06
_WHOLE_PACKET = 0x40000

_IPV4, _IPV6 = 0x0800, 0x86DD
_TAGS = (0x8100, 0x88A8, 0x9100)
_TAGS_MAX = 2
_UDP, _FRAGMENT = 17, 44


class Instruction(NamedTuple):
    """struct sock_filter; jumps are counted from the instruction after this one."""

    code: int
    if_true: int
    if_false: int
    value: int


Program = tuple[Instruction, ...]

DROP_ALL: Program = (Instruction(_RETURN, 0, 0, 0),)


class _Line(NamedTuple):
    """An instruction whose jumps are labels; an empty one leads to the next line."""

    code: int
    value: int
    if_true: str = ""
    if_false: str = ""
    label: str = ""


def udp_ports(low: int, high: int, link_type: int = ETHERNET) -> Program:
    """Passes UDP to the ports from low to high, over IPv4 and IPv6, and what fragments carry no port.

    Frames may have up to two VLAN tags. Of packets in fragments the first is judged by its port, the others pass.
    Raises: ValueError (no such ports or link type).
    """
    if not 0 <= low <= high <= 0xFFFF:
        raise ValueError(f"no range of ports: {low}-{high}")
    if link_type == RAW_IP:
        lines = [_Line(_LOAD_BYTE, 0), _Line(_AT_LEAST, 0x60, "six@0", "four@0")]
        lines += [*_ports_in_ipv4(0, low, high), *_ports_in_ipv6(0, low, high)]
    elif link_type == ETHERNET:
        lines = [line for tags in range(_TAGS_MAX + 1) for line in _ports_in_frame(tags, low, high)]
    else:
        raise ValueError(f"packets of link type {link_type} have no ports that are known")
    return _assemble([*lines, _Line(_RETURN, _WHOLE_PACKET, label="pass"), _Line(_RETURN, 0, label="drop")])


def _ports_in_frame(tags: int, low: int, high: int) -> Iterable[_Line]:
    at = 14 + 4 * tags
    yield _Line(_LOAD_HALF, at - 2, label=f"type@{tags}")
    yield _Line(_EQUAL, _IPV4, f"four@{at}")
    yield _Line(_EQUAL, _IPV6, f"six@{at}")
    deeper = f"type@{tags + 1}" if tags < _TAGS_MAX else "drop"
    for tag in _TAGS[:-1]:
        yield _Line(_EQUAL, tag, deeper)
    yield _Line(_EQUAL, _TAGS[-1], deeper, "drop")
    yield from _ports_in_ipv4(at, low, high)
    yield from _ports_in_ipv6(at, low, high)


def _ports_in_ipv4(at: int, low: int, high: int) -> Iterable[_Line]:
    """Source: RFC 791 3.1."""
    yield _Line(_LOAD_BYTE, at + 9, label=f"four@{at}")
    yield _Line(_EQUAL, _UDP, "", "drop")
    yield _Line(_LOAD_HALF, at + 6)
    yield _Line(_ANY_BIT, 0x1FFF, "pass")
    yield _Line(_X_FROM_IHL, at)
    yield _Line(_LOAD_HALF_AT_X, at + 2)
    yield from _in_range(low, high)


def _ports_in_ipv6(at: int, low: int, high: int) -> Iterable[_Line]:
    """Source: RFC 8200 3, 4.5."""
    yield _Line(_LOAD_BYTE, at + 6, label=f"six@{at}")
    yield _Line(_EQUAL, _FRAGMENT, f"fragment@{at}")
    yield _Line(_EQUAL, _UDP, "", "drop")
    yield _Line(_LOAD_HALF, at + 42)
    yield from _in_range(low, high)
    yield _Line(_LOAD_BYTE, at + 40, label=f"fragment@{at}")
    yield _Line(_EQUAL, _UDP, "", "drop")
    yield _Line(_LOAD_HALF, at + 42)
    yield _Line(_ANY_BIT, 0xFFF8, "pass")
    yield _Line(_LOAD_HALF, at + 50)
    yield from _in_range(low, high)


def _in_range(low: int, high: int) -> Iterable[_Line]:
    yield _Line(_AT_LEAST, low, "", "drop")
    yield _Line(_GREATER, high, "drop", "pass")


def _assemble(lines: Sequence[_Line]) -> Program:
    places = {line.label: place for place, line in enumerate(lines) if line.label}

    def distance(label: str, place: int) -> int:
        return places[label] - place - 1 if label else 0

    return tuple(
        Instruction(line.code, distance(line.if_true, place), distance(line.if_false, place), line.value)
        for place, line in enumerate(lines)
    )


def attach(taker: socket.socket, program: Program) -> None:
    """Let the kernel drop what a socket is to have none of.

    Raises: OSError (the kernel refuses the program).
    """
    content = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    room = ctypes.create_string_buffer(content, len(content))
    taker.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(program), ctypes.addressof(room)))
