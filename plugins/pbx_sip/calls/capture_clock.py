"""The clock of a capture: where somebody set it while calls went on, their media shows by how much.

Packets of a sender that are numbered on, with timestamps that go on, came one after the other, whatever the clock of
the capture says. Set back, time runs backwards; set forward, all senders at once seem to have been silent, none of them
longer than another.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.packets.blocks import PacketBlock
from plugins.pbx_sip.packets.datagrams import Endpoints, TooManyAddresses
from plugins.pbx_sip.packets.decoder import Decoder
from plugins.pbx_sip.rtp.packets import Rows, RtpPackets, read_rtp

_BACK_NS, _FORWARD_NS = 400_000_000, 1_000_000_000
_LOOKED_AT = 4000  # packets before and behind a leap
_LEAPS_MAX, _STEPS_MAX = 50, 1000  # a capture that leaps more often is not in order, and has no clock to speak of
_BEFORE_MIN = 5
_LOST_MAX = 50
_STANDING_MIN = 25
_APART_NS = 100_000_000  # by how much the network may delay packets of different senders
_ALIKE_NS = 5_000_000


@dataclass(frozen=True, slots=True)
class ClockStep:
    """When the clock was set, by what it showed before, and how far: forward, or back where that is negative."""

    at_ns: int
    by_ns: int


class StandingClock:
    """Sets packets apart that all have the same time, as in a capture that was converted from one without times.

    What depends on the order of packets goes by their times, so each gets a nanosecond of its own: far less than would
    be taken for a clock that runs.
    """

    def __init__(self) -> None:
        self._stands_ns: int | None = None
        self._packets = 0

    @property
    def is_standing(self) -> bool:
        """Whether so many packets have one time that it is none."""
        return self._stands_ns is not None and self._packets >= _STANDING_MIN

    def set_apart(self, block: PacketBlock) -> PacketBlock:
        """A block with times that differ where its clock stands still; nothing else is changed."""
        if not len(block):
            return block
        first_ns = int(block.time_ns[0])
        stands_on = first_ns == self._stands_ns
        if (block.time_ns != first_ns).any() or (len(block) == 1 and not stands_on):
            self._stands_ns = None
            return block
        if not stands_on:
            self._stands_ns, self._packets = first_ns, 0
        numbers = np.arange(self._packets + 1, self._packets + 1 + len(block), dtype=np.int64)
        self._packets += len(block)
        return replace(block, time_ns=block.time_ns + numbers)


class CaptureClock:
    """Gives blocks of packets the times that they would have if nobody had set the clock. steps: when somebody did."""

    def __init__(self) -> None:
        self.steps: list[ClockStep] = []
        self._ahead_ns = 0

    def set_right(self, block: PacketBlock) -> PacketBlock:
        """A block, in the order captured, with the times of a clock that runs evenly."""
        leaps = _find_leaps(block.time_ns)
        if not len(leaps):
            return replace(block, time_ns=block.time_ns - self._ahead_ns) if self._ahead_ns else block
        ahead_ns = np.zeros(len(block), np.int64)
        ahead_ns[0] = self._ahead_ns
        media = _Media(block)
        for leap in leaps.tolist():
            by_ns = media.measure(leap)
            if by_ns and len(self.steps) < _STEPS_MAX:
                ahead_ns[leap + 1] = by_ns
                self._ahead_ns += by_ns
                self.steps.append(ClockStep(int(block.time_ns[leap + 1]) - self._ahead_ns, by_ns))
        return replace(block, time_ns=block.time_ns - np.cumsum(ahead_ns))


def _find_leaps(time_ns: npt.NDArray[np.int64]) -> Rows:
    """Behind which packets the time leaps; none where it does so all the time."""
    passed_ns = np.diff(time_ns)
    if not len(passed_ns) or (passed_ns.min() > -_BACK_NS and passed_ns.max() < _FORWARD_NS):
        return np.empty(0, np.intp)
    leaps = np.flatnonzero((passed_ns < -_BACK_NS) | (passed_ns > _FORWARD_NS))
    return leaps if len(leaps) <= _LEAPS_MAX else leaps[:0]


class _Media:
    """The RTP of a block, by the row of each packet in it."""

    def __init__(self, block: PacketBlock) -> None:
        self._time_ns = block.time_ns
        numbered = replace(block, time_ns=np.arange(len(block), dtype=np.int64))
        self._parts: list[tuple[RtpPackets, npt.NDArray[np.uint64]]] = []
        try:
            decoded = Decoder(Endpoints()).decode(numbered)
        except TooManyAddresses:
            return
        for each in decoded.datagrams[:1]:  # those that came in one piece
            packets, is_rtp = read_rtp(each.buffer, each.time_ns, each.offset, each.length)
            ways = np.stack([each.source[is_rtp], each.target[is_rtp], packets.ssrc.astype(np.uint64)], axis=1)
            self._parts.append((packets, ways))

    def measure(self, leap: int) -> int:
        """How far the clock was set between a packet and the next one; 0 if it was not, as far as media shows."""
        passed_ns = int(self._time_ns[leap + 1] - self._time_ns[leap])
        found = [each for packets, ways in self._parts for each in self._compare(packets, ways, leap)]
        if not found:
            return 0
        by_ns = round(float(np.median(found)))
        apart_ns = max(found) - min(found)
        if passed_ns < 0:
            return by_ns if by_ns < -_BACK_NS and apart_ns < _APART_NS else 0
        return by_ns if len(found) > 1 and by_ns > _FORWARD_NS - _APART_NS and apart_ns < _ALIKE_NS else 0

    def _compare(self, packets: RtpPackets, ways: npt.NDArray[np.uint64], leap: int) -> Iterable[int]:
        """Of each sender that goes on behind the leap: how much more time passed than between its packets before."""
        rows = packets.time_ns
        near = np.flatnonzero((rows > leap - _LOOKED_AT) & (rows <= leap + _LOOKED_AT))
        if not len(near):
            return
        _, senders = np.unique(ways[near], axis=0, return_inverse=True)
        order = np.lexsort((rows[near], senders.reshape(-1)))
        ends = np.flatnonzero(np.diff(senders.reshape(-1)[order])) + 1
        sequence, timestamp = packets.sequence, packets.timestamp
        for first, end in pairwise([0, *ends.tolist(), len(order)]):
            mine = near[order[first:end]]
            split = int(np.searchsorted(rows[mine], leap, "right"))
            if split < _BEFORE_MIN or split == len(mine):
                continue
            before, next_one = mine[:split], int(mine[split])
            times_ns = self._time_ns[rows[before]]
            numbers = np.diff(sequence[before]).astype(np.int64)
            one_ns, ticks = _usual(np.diff(times_ns), numbers), _usual(np.diff(timestamp[before]), numbers)
            last = int(before[-1])
            number = int(sequence[next_one] - sequence[last])
            counted = int(timestamp[next_one] - timestamp[last])
            if 0 < number <= _LOST_MAX and abs(counted - number * ticks) <= max(ticks, 1):
                yield int(self._time_ns[rows[next_one]] - times_ns[-1]) - round(number * one_ns)


def _usual(steps: npt.NDArray[np.integer], numbers: npt.NDArray[np.int64]) -> float:
    """The median step from one packet to the next by its number."""
    following = steps[numbers == 1]
    return float(np.median(following)) if len(following) else 0.0
