"""From packets as captured to UDP datagrams and TCP segments.

Every header is read for all packets at once that stand before one of its kind, so a tunnel costs little more than a
plain packet; only fragments and TCP segments are looked at one by one.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from plugins.pbx_sip.packets.blocks import PacketBlock
from plugins.pbx_sip.packets.datagrams import Datagrams, Endpoints
from plugins.pbx_sip.packets.fragments import Payload, Reassembly, lay_out, read_fragments4, read_fragments6
from plugins.pbx_sip.packets.hidden_frames import HIDDEN_HEADERS
from plugins.pbx_sip.packets.internet import internet_headers
from plugins.pbx_sip.packets.links import LINK_HEADERS
from plugins.pbx_sip.packets.other_links import OTHER_LINK_HEADERS
from plugins.pbx_sip.packets.rows import (
    DATAGRAM,
    END,
    FOREIGN,
    FRAGMENT4,
    FRAGMENT6,
    LINK,
    ORDINARY,
    PROTOCOL,
    SEGMENT,
    TOO_DEEP,
    TOO_SHORT,
    Column,
    Rows,
    Step,
    join_rows,
    make_table,
    split_rows,
    tell_kind,
)
from plugins.pbx_sip.packets.tcp import TcpSegment
from plugins.pbx_sip.packets.transport import make_datagrams, make_segments, transport_headers
from plugins.pbx_sip.packets.tunnels import TUNNEL_HEADERS

VXLAN_PORTS = (4789, 8472)
GENEVE_PORTS = (6081,)
HEADERS_MAX = 32
FRAGMENTED_TUNNELS_MAX = 4
_SENTENCES = {
    "all": "none of {packets} packets is understood: {reason}",
    "most": "hardly any of {packets} packets is understood: {reason}",
}


@dataclass(slots=True)
class Counters:
    """What became of packets; not_understood: how many went no further, by reason.

    truncated: of how many packets fewer bytes were captured than were on the wire. fragments_given_up: fragments whose
    packets never became whole or were refused.
    """

    packets: int = 0
    not_understood: Counter[str] = field(default_factory=Counter)
    truncated: int = 0
    fragments_given_up: int = 0

    def add(self, other: "Counters") -> None:
        """Count those of another block too."""
        self.packets += other.packets
        self.not_understood.update(other.not_understood)
        self.truncated += other.truncated
        self.fragments_given_up += other.fragments_given_up

    def since(self, before: "Counters") -> "Counters":
        """What was counted since."""
        return Counters(
            packets=self.packets - before.packets,
            not_understood=self.not_understood - before.not_understood,
            truncated=self.truncated - before.truncated,
            fragments_given_up=self.fragments_given_up - before.fragments_given_up,
        )

    def copied(self) -> "Counters":
        """As they are now."""
        return replace(self, not_understood=Counter(self.not_understood))

    def find_unread(self) -> str:
        """Why hardly a packet is understood, where it is not that there is nothing but ordinary traffic without IP."""
        if not self.packets or self.not_understood.total() * 100 < self.packets * 99:
            return ""
        for reason, count in self.not_understood.most_common():
            is_most = 2 * count > self.packets and not reason.startswith(ORDINARY)
            if is_most or reason.startswith(FOREIGN):
                is_all = self.not_understood.total() >= self.packets
                return _SENTENCES["all" if is_all else "most"].format(packets=self.packets, reason=reason)
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What was in a block: datagrams captured in one piece, then those of fragments; segments of TCP in order."""

    datagrams: tuple[Datagrams, ...]
    segments: tuple[TcpSegment, ...]
    counters: Counters


class Decoder:
    """Reads blocks one after the other; fragments wait in it for the rest of their packets."""

    def __init__(
        self,
        endpoints: Endpoints,
        *,
        vxlan_ports: Iterable[int] = VXLAN_PORTS,
        geneve_ports: Iterable[int] = GENEVE_PORTS,
    ) -> None:
        self._headers = {
            **LINK_HEADERS,
            **OTHER_LINK_HEADERS,
            **TUNNEL_HEADERS,
            **HIDDEN_HEADERS,
            **internet_headers(endpoints),
            **transport_headers(vxlan_ports, geneve_ports),
        }
        self._known = make_table((*self._headers, DATAGRAM, SEGMENT, FRAGMENT4, FRAGMENT6))
        self._reassembly = Reassembly()

    def decode(self, block: PacketBlock) -> Decoded:
        """Datagrams, segments and counters of a block."""
        counters = Counters(packets=len(block), truncated=int(np.count_nonzero(block.length < block.wire_length)))
        given_up = self._reassembly.given_up
        nobody = np.zeros(len(block), np.uint64)
        at = block.offset
        step = Step(
            block.link_type.astype(np.int64) + LINK,
            Rows(block.buffer, np.arange(len(block), dtype=np.int64), at, at + block.length, nobody, nobody),
        )
        datagrams: list[Datagrams] = []
        segments: list[TcpSegment] = []
        time_ns: Column = block.time_ns
        for _ in range(1 + FRAGMENTED_TUNNELS_MAX):
            ends = self._walk(step, counters)
            if DATAGRAM in ends:
                datagrams.append(make_datagrams(join_rows(ends[DATAGRAM]), time_ns))
            if SEGMENT in ends:
                segments += make_segments(join_rows(ends[SEGMENT]), time_ns)
            payloads = self._reassemble(ends, time_ns)
            if not payloads:
                break
            rows, protocols, time_ns = lay_out(payloads)
            step = Step(protocols + PROTOCOL, rows)
        else:
            counters.not_understood[tell_kind(TOO_DEEP)] += len(step.rows)
        counters.fragments_given_up = self._reassembly.given_up - given_up
        return Decoded(datagrams=tuple(datagrams), segments=tuple(segments), counters=counters)

    def _walk(self, first: Step, counters: Counters) -> dict[int, list[Rows]]:
        """Go with all packets from header to header until each came to an end of the way; counts those that do not."""
        ends: dict[int, list[Rows]] = defaultdict(list)
        steps = [first]
        for _ in range(HEADERS_MAX):
            waiting: dict[int, list[Rows]] = defaultdict(list)
            for step in steps:
                groups, others = split_rows(step, self._known)
                for kind, rows in groups:
                    (ends if kind > END else waiting)[kind].append(rows)
                for kind, count in others:
                    counters.not_understood[tell_kind(kind)] += count
            if not waiting:
                return ends
            steps = [self._read(kind, join_rows(parts), counters) for kind, parts in waiting.items()]
        counters.not_understood[tell_kind(TOO_DEEP)] += sum(len(step.rows) for step in steps)
        return ends

    def _read(self, kind: int, rows: Rows, counters: Counters) -> Step:
        header = self._headers[kind]
        has_all = rows.at + header.layout.itemsize <= rows.end
        if not has_all.all():
            counters.not_understood[tell_kind(TOO_SHORT)] += len(rows) - int(np.count_nonzero(has_all))
            rows = rows.pick(has_all)
        return header.read(rows, rows.headers(header.layout))

    def _reassemble(self, ends: dict[int, list[Rows]], time_ns: Column) -> list[Payload]:
        """Payloads that became whole by the fragments of a block, in the order captured."""
        fragments = [
            (int(row), fragment)
            for kind, read in ((FRAGMENT4, read_fragments4), (FRAGMENT6, read_fragments6))
            for rows in ends.get(kind, ())
            for row, fragment in zip(rows.row, read(rows, time_ns), strict=True)
        ]
        fragments.sort(key=lambda pair: pair[0])
        whole = (self._reassembly.add(fragment) for _, fragment in fragments)
        return [payload for payload in whole if payload is not None]
