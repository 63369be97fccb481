"""Fragments of IP packets put together again, with bounded memory and time.

Source: RFC 791 3.2; RFC 8200 4.5; RFC 5722 4: a packet whose fragments overlap is dropped, with those still to come.
RFC 8200 lets an exact copy pass: a mirror may show each packet more than once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from plugins.pbx_sip.packets.internet import FRAGMENT6_LAYOUT, IPV4_LAYOUT
from plugins.pbx_sip.packets.rows import Column, Rows

WAIT_S = 30
PACKET_BYTES_MAX = 65_535
FRAGMENTS_MAX = 128  # a packet of 64 KiB over links of 576 bytes
PACKETS_MAX = 4096
HELD_BYTES_MAX = 16 << 20
_OVERHEAD_BYTES = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """A part of the payload of an IP packet; start: its place there, in bytes."""

    packet: tuple[int, ...]
    source: int
    target: int
    protocol: int
    start: int
    has_more: bool
    data: bytes
    time_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """What a fragmented packet carried; time_ns: that of the fragment that came last."""

    source: int
    target: int
    protocol: int
    data: bytes
    time_ns: int


@dataclass(slots=True)
class _Packet:
    """The fragments of a packet by their start; without any, one that was refused."""

    begun_ns: int
    parts: dict[int, Fragment] = field(default_factory=dict)
    held_bytes: int = _OVERHEAD_BYTES
    is_refused: bool = False


def read_fragments4(rows: Rows, time_ns: Column) -> Iterator[Fragment]:
    """The fragments of IPv4 in a block, from rows that stand before their IP headers."""
    fields = rows.headers(IPV4_LAYOUT)
    columns = zip(
        *_places(rows, rows.at + (fields["version"] & 15).astype(np.int64) * 4, time_ns),
        fields["id"].tolist(),
        fields["protocol"].tolist(),
        fields["fragment"].tolist(),
        strict=True,
    )
    for source, target, time, start, end, ident, protocol, flags in columns:
        yield Fragment(
            packet=(source, target, ident, protocol),
            source=source,
            target=target,
            protocol=protocol,
            start=(flags & 0x1FFF) * 8,
            has_more=flags & 0x2000 != 0,
            data=rows.buffer[start:end].tobytes(),
            time_ns=time,
        )


def read_fragments6(rows: Rows, time_ns: Column) -> Iterator[Fragment]:
    """The fragments of IPv6 in a block, from rows that stand before their fragment headers."""
    fields = rows.headers(FRAGMENT6_LAYOUT)
    columns = zip(
        *_places(rows, rows.at + FRAGMENT6_LAYOUT.itemsize, time_ns),
        fields["id"].tolist(),
        fields["next"].tolist(),
        fields["offset"].tolist(),
        strict=True,
    )
    for source, target, time, start, end, ident, protocol, flags in columns:
        yield Fragment(
            packet=(source, target, ident),
            source=source,
            target=target,
            protocol=protocol,
            start=flags & 0xFFF8,
            has_more=flags & 1 != 0,
            data=rows.buffer[start:end].tobytes(),
            time_ns=time,
        )


def _places(rows: Rows, start: Column, time_ns: Column) -> tuple[list[int], ...]:
    """Source, target, time, and where the data begins and ends, of each row."""
    columns = rows.source, rows.target, time_ns[rows.row], start, rows.end
    return tuple(column.tolist() for column in columns)


class Reassembly:
    """Packets of which some fragments came; given_up counts fragments that will never be part of a packet."""

    def __init__(self) -> None:
        self._packets: dict[tuple[int, ...], _Packet] = {}  # the oldest first
        self._held_bytes = 0
        self.given_up = 0

    def add(self, fragment: Fragment) -> Payload | None:
        """Take a fragment; the payload of its packet if that is whole now."""
        self._forget_old(fragment.time_ns)
        packet = self._packets.get(fragment.packet)
        if packet is None:
            packet = self._packets[fragment.packet] = _Packet(fragment.time_ns)
            self._held_bytes += packet.held_bytes
        if packet.is_refused:
            self.given_up += 1
            return None
        known = packet.parts.get(fragment.start)
        if known is not None and known.data == fragment.data and known.has_more == fragment.has_more:
            return None
        packet.parts[fragment.start] = fragment if known is None else known
        if known is not None or not _fits(fragment, packet.parts):
            self._refuse(packet, lost=len(packet.parts) + (known is not None))
            return None
        size = len(fragment.data) + _OVERHEAD_BYTES
        packet.held_bytes += size
        self._held_bytes += size
        payload = _join(fragment, packet.parts)
        if payload is not None:
            del self._packets[fragment.packet]
            self._held_bytes -= packet.held_bytes
        return payload

    def _forget_old(self, now_ns: int) -> None:
        while self._packets:
            key, oldest = next(iter(self._packets.items()))
            is_late = abs(now_ns - oldest.begun_ns) > WAIT_S * 1_000_000_000
            if not is_late and len(self._packets) <= PACKETS_MAX and self._held_bytes <= HELD_BYTES_MAX:
                return
            del self._packets[key]
            self._held_bytes -= oldest.held_bytes
            self.given_up += len(oldest.parts)

    def _refuse(self, packet: _Packet, *, lost: int) -> None:
        """Keep only that nothing of this packet is wanted any more."""
        packet.is_refused = True
        packet.parts.clear()
        self.given_up += lost
        self._held_bytes += _OVERHEAD_BYTES - packet.held_bytes
        packet.held_bytes = _OVERHEAD_BYTES


def _fits(new: Fragment, parts: dict[int, Fragment]) -> bool:
    """Whether a fragment, already among the parts, is well made and overlaps none of the others."""
    end = new.start + len(new.data)
    if not new.data or end > PACKET_BYTES_MAX or len(parts) > FRAGMENTS_MAX or (new.has_more and len(new.data) % 8):
        return False
    for other in parts.values():
        other_end = other.start + len(other.data)
        if other is new:
            continue
        if other.start < end and new.start < other_end:
            return False
        if (not new.has_more and other_end > end) or (not other.has_more and end > other_end):
            return False
    return True


def _join(last: Fragment, parts: dict[int, Fragment]) -> Payload | None:
    """The payload, if the parts, which do not overlap, leave no gap."""
    ordered = [parts[start] for start in sorted(parts)]
    length = sum(len(part.data) for part in ordered)
    final = ordered[-1]
    if final.has_more or ordered[0].start or final.start + len(final.data) != length:
        return None
    return Payload(
        source=last.source,
        target=last.target,
        protocol=ordered[0].protocol,
        data=b"".join(part.data for part in ordered),
        time_ns=last.time_ns,
    )


def lay_out(payloads: list[Payload]) -> tuple[Rows, Column, Column]:
    """Payloads one after the other in a new buffer: rows before what they carry, their protocols and times."""
    lengths = np.array([len(payload.data) for payload in payloads], np.int64)
    ends = np.cumsum(lengths)
    rows = Rows(
        np.frombuffer(b"".join(payload.data for payload in payloads), np.uint8),
        np.arange(len(payloads), dtype=np.int64),
        ends - lengths,
        ends,
        np.array([payload.source for payload in payloads], np.uint64),
        np.array([payload.target for payload in payloads], np.uint64),
    )
    protocols = np.array([payload.protocol for payload in payloads], np.int64)
    return rows, protocols, np.array([payload.time_ns for payload in payloads], np.int64)
