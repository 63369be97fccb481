"""A slow decoder in plain Python, one packet at a time, that the fast one must agree with."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address

from plugins.pbx_sip.packets.blocks import PacketBlock
from plugins.pbx_sip.packets.datagrams import Endpoints
from plugins.pbx_sip.packets.decoder import Decoded

HEADERS_MAX = 32
PART = tuple[bool, bytes, int]
ENDS = tuple[str, str]


class No(Exception):
    """The packet is not understood."""


@dataclass
class Found:
    datagrams: list[tuple[int, str, str, bytes]] = field(default_factory=list)
    segments: list[tuple[int, str, str, int, int, bytes]] = field(default_factory=list)
    not_understood: Counter[str] = field(default_factory=Counter)


def show(decoded: Iterable[Decoded], endpoints: Endpoints) -> Found:
    """What the fast decoder found, in the same form."""
    found = Found()
    for one in decoded:
        for datagrams in one.datagrams:
            assert (datagrams.offset[1:] > datagrams.offset[:-1]).all()  # in the order captured
            for row in range(len(datagrams)):
                ends = [endpoints.text(int(key)) for key in (datagrams.source[row], datagrams.target[row])]
                found.datagrams.append((int(datagrams.time_ns[row]), ends[0], ends[1], datagrams.payload(row)))
        for segment in one.segments:
            source, target = endpoints.text(segment.source), endpoints.text(segment.target)
            found.segments.append((segment.time_ns, source, target, segment.sequence, segment.flags, segment.payload))
        found.not_understood += one.counters.not_understood
    found.datagrams.sort()
    found.segments.sort()
    return found


def decode(blocks: Iterable[PacketBlock]) -> Found:
    """What is in packets; fragments are kept for ever."""
    reference = Reference()
    for block in blocks:
        for row in range(len(block)):
            start, length = int(block.offset[row]), int(block.length[row])
            data = bytes(block.buffer[start : start + length])
            reference.follow(f"link {block.link_type[row]}", data, int(block.time_ns[row]))
    reference.found.datagrams.sort()
    reference.found.segments.sort()
    return reference.found


def number(data: bytes, at: int, size: int = 2) -> int:
    return int.from_bytes(data[at : at + size])


def need(data: bytes, size: int) -> None:
    if len(data) < size:
        raise No("shorter than its headers")


def place(address: bytes, port: int) -> str:
    shown = ip_address(address)
    return f"[{shown}]:{port}" if shown.version == 6 else f"{shown}:{port}"


def holds_frame(data: bytes) -> bool:
    """Whether it seems to be a frame with IP."""
    data = data[12:]
    for _ in range(2):
        data = data[4:] if data[:2] in {b"\x81\0", b"\x88\xa8", b"\x91\0"} else data
    versions = {b"\x08\0": 4, b"\x86\xdd": 6}
    return holds_ip(data[2:]) and data[2] >> 4 == versions.get(data[:2])


def holds_ip(data: bytes) -> bool:
    """Whether it seems to be a packet of IP that is whole."""
    size, total = (data[0] & 15) * 4 if data else 0, number(data, 2)
    if data and data[0] >> 4 == 4:
        return len(data) >= 20 <= size <= total <= len(data)
    return len(data) >= 40 and data[0] >> 4 == 6 and number(data, 4) <= len(data) - 40


class Reference:
    def __init__(self) -> None:
        self.found = Found()
        self.parts: dict[tuple[object, ...], dict[int, PART]] = {}
        self.refused: set[tuple[object, ...]] = set()
        self.source = self.target = b""

    def follow(self, kind: str, data: bytes, time: int) -> None:
        readers = {
            "link 1": self.ethernet, "link 0": self.loopback, "link 108": self.loopback, "link 113": self.cooked,
            "link 276": self.cooked_v2, "link 12": self.raw, "link 14": self.raw, "link 101": self.raw,
            "link 228": self.ipv4, "link 229": self.ipv6, "type 0x0800": self.ipv4, "type 0x86dd": self.ipv6,
            "type 0x6558": self.ethernet, "type 0x8847": self.mpls, "type 0x8848": self.mpls,
            "type 0x8864": self.pppoe, "type 0x88be": self.erspan2, "type 0x22eb": self.erspan3,
            **{f"type 0x{tag}": self.vlan for tag in ("8100", "88a8", "9100", "9200")},
            **{f"ip {ext}": self.extension for ext in (0, 43, 60, 135, 139, 140)},
            "ip 51": self.authentication, "ip 44": self.fragment6, "ip 4": self.ipv4, "ip 41": self.ipv6,
            "ip 47": self.gre, "ip 17": self.udp, "ip 6": self.tcp, "snap": self.snap,
            "vxlan": self.vxlan, "geneve": self.geneve,
        }  # fmt: skip
        self.time = time
        try:
            for _ in range(HEADERS_MAX):
                if kind == "done":
                    return
                if kind not in readers:
                    words = {"type": "EtherType", "ip": "IP protocol", "link": "link type"}
                    name, value = kind.split()
                    raise No(f"{words[name]} {value}")
                kind, data = readers[kind](data)
            if kind != "done":
                raise No("too many headers")
        except No as reason:
            self.found.not_understood[str(reason)] += 1

    def by_type(self, kind: int) -> str:
        return f"type 0x{kind:04x}" if kind >= 0x600 else "snap"

    def ethernet(self, data: bytes) -> tuple[str, bytes]:
        need(data, 14)
        return self.by_type(number(data, 12)), data[14:]

    def vlan(self, data: bytes) -> tuple[str, bytes]:
        need(data, 4)
        return self.by_type(number(data, 2)), data[4:]

    def snap(self, data: bytes) -> tuple[str, bytes]:
        need(data, 8)
        if data[:3] != b"\xaa\xaa\x03" or data[3:6] not in {b"\0\0\0", b"\0\0\xf8"}:
            raise No("802.3 without SNAP")
        return f"type 0x{number(data, 6):04x}", data[8:]

    def cooked(self, data: bytes) -> tuple[str, bytes]:
        need(data, 16)
        return self.by_type(number(data, 14)), data[16:]

    def cooked_v2(self, data: bytes) -> tuple[str, bytes]:
        need(data, 20)
        return self.by_type(number(data, 0)), data[20:]

    def loopback(self, data: bytes) -> tuple[str, bytes]:
        need(data, 4)
        families = {2, 10, 23, 24, 28, 30}
        if number(data, 0, 4) not in families and int.from_bytes(data[:4], "little") not in families:
            raise No("loopback of another family")
        return "link 101", data[4:]

    def raw(self, data: bytes) -> tuple[str, bytes]:
        need(data, 1)
        kinds = {4: "type 0x0800", 6: "type 0x86dd"}
        if data[0] >> 4 not in kinds:
            raise No("neither IPv4 nor IPv6")
        return kinds[data[0] >> 4], data

    def mpls(self, data: bytes) -> tuple[str, bytes]:
        need(data, 4)
        is_last, data = data[2] & 1, data[4:]
        if not is_last:
            return "type 0x8847", data
        if data[:1] < b"\x10" and holds_frame(data[4:]):
            return "link 1", data[4:]
        return "link 1" if holds_frame(data) else "link 101", data

    def pppoe(self, data: bytes) -> tuple[str, bytes]:
        need(data, 8)
        kinds = {0x21: "type 0x0800", 0x57: "type 0x86dd"}
        if data[:2] != b"\x11\0" or number(data, 6) not in kinds:
            raise No("PPPoE without IP")
        return kinds[number(data, 6)], data[8 : 6 + number(data, 4)]

    def ipv4(self, data: bytes) -> tuple[str, bytes]:
        need(data, 20)
        size, total = (data[0] & 15) * 4, number(data, 2)
        if data[0] >> 4 != 4 or size < 20 or 0 < total < size:
            raise No("wrong IPv4 header")
        data = data[: total or None]
        self.source, self.target = data[12:16], data[16:20]
        flags = number(data, 6)
        if flags & 0x3FFF:
            key = (self.source, self.target, number(data, 4), data[9])
            return self.part(key, data[9], (flags & 0x1FFF) * 8, bool(flags & 0x2000), data[size:])
        return f"ip {data[9]}", data[size:]

    def ipv6(self, data: bytes) -> tuple[str, bytes]:
        need(data, 40)
        if data[0] >> 4 != 6:
            raise No("wrong IPv6 header")
        self.source, self.target = data[8:24], data[24:40]
        length = number(data, 4)
        return f"ip {data[6]}", data[40 : 40 + length if length else None]

    def extension(self, data: bytes) -> tuple[str, bytes]:
        need(data, 8)
        return f"ip {data[0]}", data[(data[1] + 1) * 8 :]

    def authentication(self, data: bytes) -> tuple[str, bytes]:
        need(data, 8)
        return f"ip {data[0]}", data[(data[1] + 2) * 4 :]

    def fragment6(self, data: bytes) -> tuple[str, bytes]:
        need(data, 8)
        place = number(data, 2)
        if not place & 0xFFF9:
            return f"ip {data[0]}", data[8:]
        key = (self.source, self.target, number(data, 4, 4))
        return self.part(key, data[0], place & 0xFFF8, bool(place & 1), data[8:])

    def part(self, key: tuple[object, ...], protocol: int, start: int, more: bool, data: bytes) -> tuple[str, bytes]:
        parts = self.parts.setdefault(key, {})
        if key in self.refused or parts.get(start) == (more, data, protocol):
            return "done", b""
        taken = {byte for begin, (_, piece, _) in parts.items() for byte in range(begin, begin + len(piece))}
        ends = {begin + len(piece) for begin, (is_more, piece, _) in parts.items() if not is_more}
        end = start + len(data)
        is_wrong = not data or (more and len(data) % 8) or end > 65535 or taken & set(range(start, end))
        if is_wrong or any(end > other for other in ends) or (not more and taken and max(taken) >= end):
            self.refused.add(key)
            return "done", b""
        parts[start] = (more, data, protocol)
        whole = b"".join(parts[begin][1] for begin in sorted(parts))
        if not parts[max(parts)][0] and len(whole) == max(parts) + len(parts[max(parts)][1]):
            del self.parts[key]
            kind = f"ip {parts[0][2]}"
            self.follow(kind, whole, self.time)
        return "done", b""

    def gre(self, data: bytes) -> tuple[str, bytes]:
        need(data, 4)
        flags, kind = number(data, 0), number(data, 2)
        if flags & 0x4007:
            raise No("GRE of another version")
        rest = data[4 + 4 * sum(flags >> bit & 1 for bit in (15, 13, 12)) :]
        return "link 1" if kind == 0x88BE and not flags & 0x1000 else f"type 0x{kind:04x}", rest

    def erspan2(self, data: bytes) -> tuple[str, bytes]:
        need(data, 8)
        if data[0] >> 4 != 1:
            raise No("wrong ERSPAN header")
        return "link 1", data[8:]

    def erspan3(self, data: bytes) -> tuple[str, bytes]:
        need(data, 12)
        flags = number(data, 10)
        kinds = {0: "link 1", 2: "link 101"}
        if data[0] >> 4 != 2 or flags >> 10 & 31 not in kinds:
            raise No("wrong ERSPAN header")
        return kinds[flags >> 10 & 31], data[20 if flags & 1 else 12 :]

    def udp(self, data: bytes) -> tuple[str, bytes]:
        need(data, 8)
        source, target, length = number(data, 0), number(data, 2), number(data, 4)
        if 0 < length < 8:
            raise No("wrong UDP header")
        self.ends = place(self.source, source), place(self.target, target)
        payload = data[8 : length or None]
        kind = {4789: "vxlan", 8472: "vxlan", 6081: "geneve"}.get(target)
        return (kind, payload) if kind and len(payload) >= 8 else self.plain(payload)

    def plain(self, payload: bytes) -> tuple[str, bytes]:
        self.found.datagrams.append((self.time, *self.ends, payload))
        return "done", b""

    def vxlan(self, data: bytes) -> tuple[str, bytes]:
        return ("link 1", data[8:]) if data[0] & 0x7F == 8 and len(data) >= 22 else self.plain(data)

    def geneve(self, data: bytes) -> tuple[str, bytes]:
        size, kind = 8 + 4 * (data[0] & 63), number(data, 2)
        if data[0] >> 6 or data[1] & 0xBF or len(data) <= size or kind not in {0x6558, 0x0800, 0x86DD}:
            return self.plain(data)
        return f"type 0x{kind:04x}", data[size:]

    def tcp(self, data: bytes) -> tuple[str, bytes]:
        need(data, 20)
        size = (data[12] >> 4) * 4
        if size < 20 or size > len(data):
            raise No("wrong TCP header")
        if data[size:] or data[13] & 7:
            ends = place(self.source, number(data, 0)), place(self.target, number(data, 2))
            self.found.segments.append((self.time, *ends, number(data, 4, 4), data[13], data[size:]))
        return "done", b""
