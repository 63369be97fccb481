"""Captures whose clock shows whole seconds only, as tools write them that know no fractions."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.packets.blocks import PacketBlock

_S = 1_000_000_000
_PACKETS_MIN = 25
_SECONDS_MIN = 2
_NEAR = 2  # so many seconds before and behind tell how many packets a whole one has

_Times = npt.NDArray[np.int64]


class CoarseClock:
    """Spreads the packets of each second over it, as evenly as those of the seconds beside it came.

    is_coarse: whether the last capture has no fractions of seconds.
    """

    def __init__(self) -> None:
        self.is_coarse = False
        self._last_ns = 0

    def set_apart(self, block: PacketBlock) -> PacketBlock:
        """A block with times within their seconds, where it has none; nothing else is changed."""
        times = block.time_ns
        if not len(times) or (times % _S).any():
            self.is_coarse = False
            return block
        self.is_coarse = self.is_coarse or _is_coarse(times)
        if not self.is_coarse:
            return block
        spread = np.maximum.accumulate(np.maximum(_spread(times), self._last_ns + 1))
        if times[0] < self._last_ns // _S * _S:  # set back, or another capture: its own times are what counts
            spread = _spread(times)
        self._last_ns = int(spread[-1])
        return replace(block, time_ns=spread)


def _is_coarse(times: _Times) -> bool:
    """Whether so many packets have so few times that these are no accident."""
    return len(times) >= _PACKETS_MIN and _SECONDS_MIN <= len(np.unique(times)) <= len(times) // 2


def _spread(times: _Times) -> _Times:
    """Times of packets, those of one second at equal distances.

    Of a second that has fewer than usual they came at the end it shares with the fuller of the seconds beside it.
    """
    starts = np.concatenate([[0], np.flatnonzero(np.diff(times)) + 1])
    counts = np.diff(starts, append=len(times))
    seconds = times[starts] // _S
    before, behind = np.zeros_like(counts), np.zeros_like(counts)
    follows = np.diff(seconds) == 1
    before[1:], behind[:-1] = counts[:-1] * follows, counts[1:] * follows
    usual = np.max([np.roll(np.pad(counts, _NEAR), by) for by in range(-_NEAR, _NEAR + 1)], axis=0)[_NEAR:-_NEAR]
    is_whole = (counts >= before) & (counts >= behind) & (before > 0) & (behind > 0)
    room = np.where(is_whole, counts, usual)
    first = np.where(~is_whole & (behind > before), room - counts, 0)
    places = np.arange(len(times)) - np.repeat(starts, counts) + np.repeat(first, counts)
    spread: _Times = times + places * _S // np.repeat(room, counts)
    return spread
