"""Packets and capture files made byte by byte, for tests."""

import struct
from ipaddress import ip_address

import numpy as np

from plugins.pbx_sip.packets.blocks import PacketBlock

ALICE, BOB = "192.0.2.1", "198.51.100.2"
ALICE6, BOB6 = "2001:db8::1", "2001:db8::2"
START_S = 1_750_000_000
START_NS = START_S * 1_000_000_000


def udp(payload: bytes = b"hello", source: int = 5060, target: int = 5070, length: int | None = None) -> bytes:
    return struct.pack("!HHHH", source, target, 8 + len(payload) if length is None else length, 0) + payload


def tcp(payload: bytes = b"", sequence: int = 1, flags: int = 0x18, options: bytes = b"") -> bytes:
    size = (20 + len(options)) // 4 << 4
    return struct.pack("!HHIIBBHHH", 5060, 5070, sequence & 0xFFFFFFFF, 0, size, flags, 512, 0, 0) + options + payload


def ipv4(
    payload: bytes,
    protocol: int = 17,
    *,
    options: bytes = b"",
    total: int | None = None,
    ident: int = 7,
    fragment: int = 0,
    ends: tuple[str, str] = (ALICE, BOB),
) -> bytes:
    size = 20 + len(options)
    head = struct.pack(
        "!BBHHHBBH",
        0x40 | size // 4,
        0,
        size + len(payload) if total is None else total,
        ident,
        fragment,
        64,
        protocol,
        0,
    )
    return head + ip_address(ends[0]).packed + ip_address(ends[1]).packed + options + payload


def ipv6(
    payload: bytes, following: int = 17, *, length: int | None = None, ends: tuple[str, str] = (ALICE6, BOB6)
) -> bytes:
    head = struct.pack("!IHBB", 6 << 28, len(payload) if length is None else length, following, 64)
    return head + ip_address(ends[0]).packed + ip_address(ends[1]).packed + payload


def fragment6(payload: bytes, start: int, *, more: bool, following: int = 17, ident: int = 9) -> bytes:
    return struct.pack("!BBHI", following, 0, start | more, ident) + payload


def ethernet(payload: bytes, kind: int = 0x0800) -> bytes:
    return b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02" + struct.pack("!H", kind) + payload


def vlan(payload: bytes, kind: int = 0x0800) -> bytes:
    return struct.pack("!HH", 100, kind) + payload


def snap(payload: bytes, kind: int = 0x0800) -> bytes:
    return b"\xaa\xaa\x03\0\0\0" + struct.pack("!H", kind) + payload


def cooked(payload: bytes, kind: int = 0x0800) -> bytes:
    return struct.pack("!HHH8sH", 0, 1, 6, b"", kind) + payload


def cooked_v2(payload: bytes, kind: int = 0x0800) -> bytes:
    return struct.pack("!HHIHBB8s", kind, 0, 1, 1, 0, 6, b"") + payload


def mpls(payload: bytes, *, last: bool = True) -> bytes:
    return struct.pack("!I", 16 << 12 | last << 8 | 64) + payload


def pppoe(payload: bytes, protocol: int = 0x21) -> bytes:
    return struct.pack("!BBHHH", 0x11, 0, 1, 2 + len(payload), protocol) + payload


def gre(payload: bytes, kind: int = 0x0800, flags: int = 0) -> bytes:
    fields = sum(flags >> bit & 1 for bit in (15, 13, 12))
    return struct.pack("!HH", flags, kind) + b"\x01\x02\x03\x04" * fields + payload


def erspan2(frame: bytes) -> bytes:
    return gre(struct.pack("!HHI", 0x1000, 5, 1) + frame, 0x88BE, 0x1000)


def erspan3(frame: bytes, *, more: bool = False, frame_type: int = 0) -> bytes:
    head = struct.pack("!HHIHH", 0x2000, 5, 1, 0, frame_type << 10 | more)
    return gre(head + b"platform" * more + frame, 0x22EB, 0x1000)


def vxlan(frame: bytes) -> bytes:
    return udp(struct.pack("!II", 0x08000000, 77 << 8) + frame, 49152, 4789)


def geneve(payload: bytes, kind: int = 0x6558, options: bytes = b"") -> bytes:
    return udp(struct.pack("!BBHI", len(options) // 4, 0, kind, 77 << 8) + options + payload, 49152, 6081)


def block(*frames: bytes, link_type: int = 1, gap: bytes = b"", wire: int | None = None) -> PacketBlock:
    """Frames a millisecond apart in one buffer, with `gap` between them."""
    lengths = np.array([len(frame) for frame in frames], np.int64)
    return PacketBlock(
        buffer=np.frombuffer(b"".join(frame + gap for frame in frames), np.uint8),
        offset=np.cumsum(lengths + len(gap)) - lengths - len(gap),
        length=lengths.astype(np.int32),
        wire_length=np.maximum(lengths, wire or 0).astype(np.int32),
        time_ns=START_NS + np.arange(len(frames), dtype=np.int64) * 1_000_000,
        link_type=np.full(len(frames), link_type, np.int32),
    )


def pcap(*frames: bytes, order: str = "<", magic: int = 0xA1B2C3D4, link_type: int = 1, fraction: int = 250) -> bytes:
    file = struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 65535, link_type)
    more = b"\1\0\0\0\0\0\0\0" if magic == 0xA1B2CD34 else b""
    for number, frame in enumerate(frames):
        file += struct.pack(f"{order}IIII", START_S + number, fraction, len(frame), len(frame)) + more + frame
    return file


def ng(kind: int, body: bytes, order: str = "<") -> bytes:
    body += b"\0" * (-len(body) % 4)
    return struct.pack(f"{order}II", kind, 12 + len(body)) + body + struct.pack(f"{order}I", 12 + len(body))


def ng_section(order: str = "<") -> bytes:
    return ng(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def ng_interface(order: str = "<", link_type: int = 1, options: bytes = b"", snap_length: int = 0) -> bytes:
    return ng(1, struct.pack(f"{order}HHI", link_type, 0, snap_length) + options, order)


def ng_option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(f"{order}HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def ng_packet(frame: bytes, ticks: int, order: str = "<", interface: int = 0, captured: int | None = None) -> bytes:
    length = len(frame) if captured is None else captured
    head = struct.pack(f"{order}IIIII", interface, ticks >> 32, ticks & 0xFFFFFFFF, length, len(frame))
    return ng(6, head + frame, order)


def ng_obsolete(frame: bytes, ticks: int, order: str = "<", interface: int = 0) -> bytes:
    head = struct.pack(f"{order}HHIIII", interface, 9, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame))
    return ng(2, head + frame, order)


def ng_simple(frame: bytes, wire: int, order: str = "<") -> bytes:
    return ng(3, struct.pack(f"{order}I", wire) + frame, order)


def ng_secrets(text: bytes, order: str = "<") -> bytes:
    return ng(10, struct.pack(f"{order}II", 0x544C534B, len(text)) + text, order)
