"""How two recordings of one call lie to each other: found by listening, as clocks of two machines differ.

Both hold the same packets' sound, so that a stretch of one is found in the other by correlation, to the sample. Some
loud stretches of each channel are searched for in every channel of the other; most of what is found must agree.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hub.ingest.sounds import Sound

LIKE = 0.6
"""The correlation from which on two stretches are the same sound; strangers' speech stays below a third."""

_STRETCHES, _STRETCH_S, _SHORTEST_S = 6, 2.0, 0.25
_SEARCHES_S = (10.0, 300.0)
_AGREE_S = 0.02
_ALIKE = 1e-3  # a steady tone is found at every period; the place nearest to the clocks' is meant
_LOUD = 30.0
_STEP_S = 0.25
_FFT = 1 << 18

Signal = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Aligned:
    """Where a channel is found in the other recording: in its `channel`, `offset` samples later."""

    channel: int
    offset: int


@dataclass(frozen=True, slots=True)
class _Found:
    channel: int
    other: int
    offset: int
    likeness: float


def align(base: Sound, take: Sound, offset: int, on_progress: Callable[[], None]) -> dict[int, Aligned]:
    """Channel of `base` -> where it is in `take`; nothing if these are not the same sound.

    offset: how many samples later than in `base` the clocks say that a moment comes in `take`.
    """
    for search_s in _SEARCHES_S:
        slack = round(search_s * base.rate_hz)
        stretches = _choose(base, take, offset, slack, on_progress)
        found = [each for stretch in stretches for each in _search(base, take, stretch, offset, slack, on_progress)]
        agreed = _agree(found, min(len(stretches), 2), offset, round(_AGREE_S * base.rate_hz))
        if agreed:
            return _assign(agreed, base.channels, take.channels)
        if slack >= base.length + take.length:
            break
    return {}


def locate(stretch: Signal, within: Signal, expected: int) -> tuple[int, float]:
    """Where `stretch` is most like a part of `within`, and how like, 0 to 1; of equals the nearest to `expected`."""
    length = len(stretch)
    norm = float(np.sqrt(stretch @ stretch))
    if len(within) < length or not norm:
        return 0, 0.0
    whole = 1 << (len(within) + length - 1).bit_length()
    size = min(whole, max(_FFT, 1 << (2 * length - 1).bit_length()))
    pattern = np.conj(np.fft.rfft(stretch, size))
    step = size - length + 1
    likeness = np.concatenate(
        [
            np.fft.irfft(np.fft.rfft(within[at : at + size], size) * pattern, size)[:step]
            for at in range(0, len(within) - length + 1, step)
        ]
    )[: len(within) - length + 1]
    power = np.concatenate([[0.0], np.cumsum(within * within)])
    energy = np.sqrt(np.maximum(power[length:] - power[:-length], 0.0))
    likeness /= norm * np.maximum(energy, _LOUD)
    best = float(likeness.max())
    places = np.flatnonzero(likeness >= best - _ALIKE)
    return int(places[np.abs(places - expected).argmin()]), best


def refine(base: Sound, take: Sound, channel: int, aligned: Aligned, span: tuple[int, int], slack: int) -> int:
    """The offset as it is within `span` of `base`, at most `slack` samples from the known one; that one if in doubt."""
    start, stop = span
    stretch = base.read(start, stop)[:, channel].astype(np.float64)
    if len(stretch) < _SHORTEST_S * base.rate_hz or _rms(stretch) < _LOUD:
        return aligned.offset
    first = start + aligned.offset - slack
    within = take.read(first, stop + aligned.offset + slack)[:, aligned.channel].astype(np.float64)
    place, likeness = locate(stretch, within, slack)
    return first + place - start if likeness >= LIKE else aligned.offset


def _choose(
    base: Sound, take: Sound, offset: int, slack: int, on_progress: Callable[[], None]
) -> list[tuple[int, int, int]]:
    """Loud stretches of each channel that the other may have, too: (channel, start, stop)."""
    first, last = max(0, -offset - slack), min(base.length, take.length - offset + slack)
    return [
        (channel, start, stop)
        for channel in range(base.channels)
        for start, stop in _loud_stretches(base, channel, first, last, on_progress)
    ]


def _search(
    base: Sound, take: Sound, stretch: tuple[int, int, int], offset: int, slack: int, on_progress: Callable[[], None]
) -> Iterator[_Found]:
    """Where a stretch is found in the channels of the other."""
    channel, start, stop = stretch
    samples = base.read(start, stop)[:, channel].astype(np.float64)
    first = max(start + offset - slack, 0)
    within = take.read(first, min(stop + offset + slack, take.length))
    for other in range(take.channels):
        on_progress()
        place, likeness = locate(samples, within[:, other].astype(np.float64), start + offset - first)
        if likeness >= LIKE:
            yield _Found(channel, other, first + place - start, likeness)


def _loud_stretches(
    sound: Sound, channel: int, first: int, last: int, on_progress: Callable[[], None]
) -> Iterator[tuple[int, int]]:
    """The loudest stretch of each of some equal parts between `first` and `last`."""
    rate = sound.rate_hz
    length = min(round(_STRETCH_S * rate), last - first)
    if length < _SHORTEST_S * rate:
        return
    parts = min(_STRETCHES, (last - first) // length)
    for part in range(parts):
        begins, ends = (first + (last - first) * each // parts for each in (part, part + 1))
        best: tuple[float, int] = (_LOUD, -1)
        # Not all of a call of hours is looked through: the first minutes of each part are enough.
        ends = min(ends, begins + 120 * rate)
        on_progress()
        samples = sound.read(begins, ends)[:, channel].astype(np.float64)
        power = np.concatenate([[0.0], np.cumsum(samples * samples)])
        for at in range(0, ends - begins - length + 1, max(round(_STEP_S * rate), 1)):
            loudness = float(np.sqrt((power[at + length] - power[at]) / length))
            best = max(best, (loudness, at))
        if best[1] >= 0:
            yield begins + best[1], begins + best[1] + length


def _agree(found: list[_Found], least: int, offset: int, slack: int) -> list[_Found]:
    """The largest number of findings that say the same; none if they are fewer than `least`."""
    groups = [[each for each in found if abs(each.offset - centre.offset) <= slack] for centre in found]
    best = max(groups, key=lambda group: (len(group), -abs(group[0].offset - offset)), default=[])
    return best if len(best) >= max(least, 1) else []


def _assign(found: list[_Found], channels: int, others: int) -> dict[int, Aligned]:
    """Each channel with the one in which most of it was found; the last pair by what is left."""
    counts = Counter((each.channel, each.other) for each in found)
    aligned: dict[int, Aligned] = {}
    for (channel, other), _ in counts.most_common():
        if channel not in aligned and all(known.channel != other for known in aligned.values()):
            same = [each for each in found if (each.channel, each.other) == (channel, other)]
            aligned[channel] = Aligned(other, max(same, key=lambda each: each.likeness).offset)
    free = [channel for channel in range(channels) if channel not in aligned]
    left = [other for other in range(others) if all(known.channel != other for known in aligned.values())]
    if aligned and len(free) == len(left) == 1:
        aligned[free[0]] = Aligned(left[0], next(iter(aligned.values())).offset)
    return aligned


def _rms(samples: Signal) -> float:
    return float(np.sqrt(np.mean(samples * samples))) if len(samples) else 0.0
