"""Whether two streams of sound are one voice, whatever was made of it on the way: coded anew, delayed, made louder.

Speech is known by how its loudness changes from syllable to syllable, which no coding alters much and no two people say
alike; who speaks in turn with whom is the same in many calls, and left out of it. So is what was lost: a hole in the
capture is in all calls at the same moment. A few moments in common, as where a whole network falters, prove nothing.
What does not change, such as a tone, is known by its brightness alone, which can tell two of them apart but not that
they are one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.calls.voices import Voice, coding_of
from plugins.pbx_sip.media.g711 import Samples
from plugins.pbx_sip.media.lanes import Stretch, lay
from plugins.pbx_sip.rtp.packets import Mask, RtpPackets
from plugins.pbx_sip.rtp.runs import find_runs

_RATE_HZ, _STEP, _STEP_NS = 8000, 160, 20_000_000
_LISTENED_NS = 30_000_000_000  # from the answer on: enough to know any voice by
_LAG_MAX = 25  # steps: a relay delays by half a second at most
_EDGE = 15  # steps at the beginning and the end, which may be heard on one hop alone
_COMMON_MIN, _SURE_MIN = 50, 150  # steps that are heard of both
_STRESSED_DB, _SYLLABLES_MIN = 3.0, 8  # a dip looks like two, before it and behind it
_WHOLE = 0.9  # of a step that counts as received
_SILENT_DB, _AUDIBLE_DB = 35.0, 45.0  # of samples of 16 bits
_RANGE_DB, _STEADY_DB, _BRIGHTER_DB = 30.0, 2.0, 1.5
_AROUND = 15  # steps: longer than a syllable, shorter than a sentence
_SAME_MIN, _OTHER_MAX = 0.8, 0.7

Decibels = npt.NDArray[np.float64]


class Likeness(Enum):
    """What the ear would say of two streams. ALIKE: by few syllables. UNKNOWN: they are silent, short or steady."""

    SAME = "same"
    ALIKE = "alike"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contour:
    """What a voice is known by, in steps of 20 ms and in dB; first: number of the first one since 1970.

    loudest: how loud it is while somebody speaks. loudness: not below what is heard beside that. stress: how much
    louder each moment is than those around it. brightness: how much of it is at high frequencies. received: which
    steps are known at all, be it that the sender was silent.
    """

    first: int
    loudest: float
    loudness: Decibels
    stress: Decibels
    brightness: Decibels
    received: Mask

    @property
    def end(self) -> int:
        """Number of the step behind its last one."""
        return self.first + len(self.loudness)

    def within(self, first: int, end: int) -> slice:
        """Where its steps from one number to another are."""
        return slice(first - self.first, end - self.first)


def draw_contour(voice: Voice, since_ns: int) -> Contour | None:
    """The contour of half a minute of a voice; None if nothing of it can be decoded."""
    origin_ns = max(since_ns, int(voice.packets.time_ns[0])) // _STEP_NS * _STEP_NS
    times_ns = voice.packets.time_ns
    within = (times_ns >= origin_ns) & (times_ns < origin_ns + _LISTENED_NS)
    if not within.any():
        return None
    stretches = []
    for codec, packets in voice.take(within).by_codec():
        if (coding := coding_of(codec)) is not None:
            runs = find_runs(packets, coding.clock_hz, origin_ns)
            stretches += [Stretch(packets=packets, run=run, coding=coding) for run in runs]
    sound = lay(stretches, _RATE_HZ).astype(np.int16)[: _LISTENED_NS * _RATE_HZ // 10**9]
    received = _find_received(stretches, voice.packets, len(sound) // _STEP)
    return _measure(sound, received, origin_ns // _STEP_NS) if received.any() else None


def _find_received(stretches: Sequence[Stretch], packets: RtpPackets, steps: int) -> Mask:
    """Which steps nothing is missing of; packets: all of the voice, also those that bear no sound of their own."""
    received = np.zeros(steps, np.bool_)
    known = np.unique(_number(packets))
    for each in stretches:
        run = each.run
        numbers = _number(each.packets)[run.rows]
        follows = np.diff(np.searchsorted(known, numbers)) == np.diff(numbers)
        size = round(run.packet_s * run.clock_hz)
        ends = np.append(np.where(follows, run.ticks[1:], run.ticks[:-1] + size), run.ticks[-1] + size)
        breaks = np.flatnonzero(ends[:-1] < run.ticks[1:])
        spans = np.stack([run.ticks[np.append(0, breaks + 1)], ends[np.append(breaks, len(ends) - 1)]], axis=1)
        places = (run.began_s + spans / run.clock_hz) * _RATE_HZ / _STEP
        for begins, is_over in places.tolist():
            received[max(math.ceil(begins - 1 + _WHOLE), 0) : max(math.floor(is_over + 1 - _WHOLE), 0)] = True
    return received


def _number(packets: RtpPackets) -> npt.NDArray[np.int64]:
    """What each packet is numbered by its sender, apart from those of other senders."""
    return packets.ssrc.astype(np.int64) << 16 | packets.sequence


def _measure(sound: Samples, received: Mask, first: int) -> Contour:
    steps = sound[: len(received) * _STEP].astype(np.float32).reshape(-1, _STEP)
    edges = np.diff(steps, axis=1)
    power = np.einsum("ij,ij->i", steps, steps).astype(np.float64) / _STEP
    sharpness = np.einsum("ij,ij->i", edges, edges).astype(np.float64) / _STEP
    level = 10 * np.log10(power + 1)
    loudest = float(np.percentile(level[received], 95))
    # Steps of two hops do not begin at the same moments.
    loudness = _smooth(np.maximum(level, loudest - _RANGE_DB), received, np.array([0.25, 0.5, 0.25]))
    return Contour(
        first=first,
        loudest=loudest,
        loudness=loudness,
        stress=loudness - _smooth(loudness, received, np.ones(_AROUND)),
        brightness=10 * np.log10(sharpness + 1) - level,
        received=received,
    )


def _smooth(curve: Decibels, received: Mask, weights: Decibels) -> Decibels:
    """A curve made even over its neighbourhood, as far as that was received."""
    total = np.convolve(np.pad(curve * received, len(weights) // 2), weights, "valid")
    return np.asarray(total / np.maximum(np.convolve(np.pad(received, len(weights) // 2), weights, "valid"), 1e-9))


def compare(one: Contour, other: Contour) -> Likeness:
    """Whether two contours are of one voice, over the time that both last."""
    first = max(one.first, other.first) + _EDGE
    end = max(first, min(one.end, other.end) - _EDGE)
    here, there = one.within(first, end), other.within(first, end)
    both = one.received[here] & other.received[there]
    if end - first < _COMMON_MIN + 2 * _LAG_MAX or np.count_nonzero(both) < _COMMON_MIN:
        return Likeness.UNKNOWN
    if min(one.loudest, other.loudest) < _SILENT_DB:
        return Likeness.OTHER if max(one.loudest, other.loudest) > _AUDIBLE_DB else Likeness.UNKNOWN
    are_steady = [float(each[both].std()) < _STEADY_DB for each in (one.loudness[here], other.loudness[there])]
    if all(are_steady):
        brightness, beside = one.brightness[here][both], other.brightness[there][both]
        brighter = abs(float(np.median(brightness) - np.median(beside)))
        return Likeness.OTHER if brighter > _BRIGHTER_DB else Likeness.UNKNOWN
    alike, common, syllables = _correlate(one, other, here, there)
    if any(are_steady) or alike < _OTHER_MAX:
        return Likeness.OTHER
    if alike <= _SAME_MIN or common < _SURE_MIN:
        return Likeness.UNKNOWN
    return Likeness.SAME if syllables >= _SYLLABLES_MIN else Likeness.ALIKE


def _correlate(one: Contour, other: Contour, here: slice, there: slice) -> tuple[float, int, int]:
    """How alike two voices are where they lie upon each other best, and of how many steps and syllables in common.

    1.0: the same but for loudness.
    """
    middle = slice(there.start + _LAG_MAX, there.stop - _LAG_MAX)
    curve, known = one.stress[here], one.received[here].astype(np.float64)
    beside, also = other.stress[middle], other.received[middle].astype(np.float64)
    sums, squares = (np.correlate(each * known, also, "valid") for each in (curve, curve**2))
    other_sums, other_squares = (np.correlate(known, each * also, "valid") for each in (beside, beside**2))
    counts = np.correlate(known, also, "valid")
    some = np.maximum(counts, 1)
    shared = np.correlate(curve * known, beside * also, "valid") - sums * other_sums / some
    spread = (squares - sums**2 / some) * (other_squares - other_sums**2 / some)
    alike = np.where(counts < _COMMON_MIN, 0.0, shared / np.sqrt(np.maximum(spread, 1e-9)))
    best = int(alike.argmax())
    again = slice(best, best + len(beside))
    is_stressed = (np.minimum(curve[again], beside) > _STRESSED_DB) & (known[again] * also > 0)
    syllables = np.count_nonzero(is_stressed[1:] & ~is_stressed[:-1])
    return float(alike[best]), round(counts[best]), int(syllables)
