"""RTP off the wire, kept by where it came from and where it went until its call is known."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from plugins.pbx_sip.calls.reports import Reports
from plugins.pbx_sip.packets.datagrams import Datagrams
from plugins.pbx_sip.rtp.packets import COLUMNS, Mask, RtpPackets, read_rtp

_SHARED_BYTES_MAX = 256 << 20


@dataclass(slots=True)
class Flow:
    """RTP between two endpoints, one way, in parts as it was captured. is_known: some of it belongs to a call."""

    source: int
    target: int
    parts: list[RtpPackets] = field(default_factory=list)
    is_known: bool = False

    @property
    def first_ns(self) -> int:
        """When its first packet came."""
        return int(self.parts[0].time_ns[0])

    @property
    def last_ns(self) -> int:
        """When its last packet came."""
        return int(self.parts[-1].time_ns[-1])

    def last_before(self, until_ns: int) -> int:
        """When its last packet before a moment came; 0 if there is none."""
        if self.last_ns < until_ns:
            return self.last_ns
        return max((int(part.time_ns.max()) for part in self.between(0, until_ns)), default=0)

    def between(self, from_ns: int, until_ns: int) -> list[RtpPackets]:
        """Its packets of a time."""
        found = []
        for part in self.parts:
            if from_ns <= part.time_ns[0] and part.time_ns[-1] < until_ns:
                found.append(part)
                continue
            within = (part.time_ns >= from_ns) & (part.time_ns < until_ns)
            if within.any():
                found.append(part.take(within))
        return found


class Flows:
    """All flows that were seen and not yet dropped. reports: the RTCP beside them."""

    def __init__(self) -> None:
        self._by_target: dict[int, dict[int, Flow]] = {}
        self._by_source: dict[int, dict[int, Flow]] = {}
        self._shared_bytes = 0
        self.reports = Reports()

    def __len__(self) -> int:
        return sum(map(len, self._by_target.values()))

    def add(self, datagrams: Datagrams) -> Mask:
        """Take in what is RTP, and what RTCP reports of it.

        Returns: which of the datagrams were RTP.
        """
        packets, is_rtp = read_rtp(datagrams.buffer, datagrams.time_ns, datagrams.offset, datagrams.length)
        self.reports.add(datagrams, is_rtp)
        if not len(packets):
            return is_rtp
        source, target = datagrams.source[is_rtp], datagrams.target[is_rtp]
        order = np.lexsort((source, target))
        source, target = source[order], target[order]
        is_other = (source[1:] != source[:-1]) | (target[1:] != target[:-1])
        first = np.flatnonzero(np.concatenate([[True], is_other]))
        packets = packets.take(order).compact()
        ways = zip(source[first].tolist(), target[first].tolist(), strict=True)
        for way, part in zip(ways, packets.split(first), strict=True):
            self._flow(*way).parts.append(part)
        self._shared_bytes += len(packets.buffer)
        if self._shared_bytes > _SHARED_BYTES_MAX:
            self._part_company()
        return is_rtp

    def to(self, endpoint: int) -> list[Flow]:
        """Flows that arrive at an endpoint."""
        return list(self._by_target.get(endpoint, {}).values())

    def from_(self, endpoint: int) -> list[Flow]:
        """Flows that come from an endpoint."""
        return list(self._by_source.get(endpoint, {}).values())

    def all(self) -> list[Flow]:
        """Every flow."""
        return [flow for flows in self._by_target.values() for flow in flows.values()]

    def drop(self, flows: Iterable[Flow], before_ns: int) -> None:
        """Forget what came before a moment."""
        for flow in flows:
            flow.parts = flow.between(before_ns, 1 << 62) if flow.last_ns >= before_ns else []
            if not flow.parts:
                self._by_target.get(flow.target, {}).pop(flow.source, None)
                self._by_source.get(flow.source, {}).pop(flow.target, None)

    def _part_company(self) -> None:
        """Give each flow memory of its own: what is left of one would keep alive all that was captured beside it."""
        for flow in self.all():
            flow.parts = [join(flow.parts).compact()]
        self._shared_bytes = 0

    def _flow(self, source: int, target: int) -> Flow:
        flow = self._by_target.setdefault(target, {}).get(source)
        if flow is None:
            flow = self._by_target[target][source] = Flow(source, target)
            self._by_source.setdefault(source, {})[target] = flow
        return flow


def join(parts: Sequence[RtpPackets]) -> RtpPackets:
    """Parts of one flow, or of several, as one, in the order of arrival."""
    if len(parts) == 1:
        return parts[0]
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS}
    sizes = np.array([len(part.buffer) for part in parts])
    moved = np.repeat(np.cumsum(sizes) - sizes, [len(part) for part in parts])
    columns["start"] += moved
    columns["offset"] += moved
    joined = RtpPackets(buffer=np.concatenate([part.buffer for part in parts]), **columns)
    if (joined.time_ns[1:] >= joined.time_ns[:-1]).all():
        return joined
    return joined.take(np.argsort(joined.time_ns, kind="stable"))
