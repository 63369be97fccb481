"""What was lost for a moment, filled from the sound around it: the pitch before it goes on, that behind it comes up.

A recorder knows what came behind a hole, so it fills from both sides and leaves every sample that came as it was.

Source: ITU-T G.711 appendix I (09/99) sections I.2.2 (pitch) and I.2.7 (nothing is made for longer than 60 ms).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.media.g711 import Law, Sound
from plugins.pbx_sip.rtp.packets import RtpPackets
from plugins.pbx_sip.rtp.runs import Run

_LONGEST_S = 0.06
_PITCH_MIN_S, _PITCH_MAX_S, _MATCHED_S = 0.005, 0.015, 0.01
_CUT_SHARE = 0.9
_TOGETHER = 512  # holes: bounds the memory of one step

Places = npt.NDArray[np.int64]
Waves = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Holes:
    """Where sound is missing: the first sample, or tick, of each hole and how many there are."""

    start: Places
    length: Places

    def at_rate(self, rate_hz: int, clock_hz: int) -> "Holes":
        """Holes in ticks of a clock as holes in samples."""
        return (
            self if rate_hz == clock_hz else Holes(*(each * rate_hz // clock_hz for each in (self.start, self.length)))
        )


NO_HOLES = Holes(np.empty(0, np.int64), np.empty(0, np.int64))


def find_holes(packets: RtpPackets, run: Run) -> Holes:
    """Short holes in ticks between packets that follow each other in time, where packets were lost.

    A sender that was silent for a moment leaves no number out.
    """
    ticks = run.ticks
    if len(ticks) < 2 or ticks[-1] == ticks[1] * (len(ticks) - 1):  # all in step, as nearly always
        return NO_HOLES
    steps = np.diff(ticks)
    numbers = np.diff(packets.sequence[run.rows]).astype(np.int64)
    usual = steps[numbers == 1]
    longest = round(_LONGEST_S * run.clock_hz)
    size = int(np.median(usual)) if len(usual) else longest
    missing = steps - size
    is_lost = (numbers > 1) & (missing > 0) & (missing <= longest)
    is_lost &= np.abs((numbers - 1) * size - missing) * 2 < size
    return Holes(ticks[:-1][is_lost] + size, missing[is_lost])


def find_cut(packets: RtpPackets, run: Run) -> Holes:
    """What is missing behind packets that were cut off as they were captured: nearly all are shorter than they last.

    packets: of a coding whose octets last a tick each.
    """
    steps = run.ticks[1:] - run.ticks[:-1]
    ticks_held = packets.length[run.rows]
    missing = steps - ticks_held[:-1]
    is_cut = missing > 0
    if not is_cut.any():
        return NO_HOLES
    follows = (np.diff(packets.sequence[run.rows]) == 1) & (steps <= round(_LONGEST_S * run.clock_hz))
    is_cut &= follows
    if not follows.any() or np.count_nonzero(is_cut) < _CUT_SHARE * np.count_nonzero(follows):
        return NO_HOLES
    return Holes(run.ticks[:-1][is_cut] + ticks_held[:-1][is_cut], missing[is_cut])


def fill(sound: Sound, holes: Holes, rate_hz: int, law: Law | None = None) -> None:
    """Fill the holes of `sound` in place, but for what is behind its end; law: the one whose octets it is."""
    if not len(holes.start):
        return
    within = holes.start + holes.length <= len(sound)
    holes = Holes(holes.start[within], holes.length[within])
    for length in np.unique(holes.length).tolist():
        starts = holes.start[holes.length == length]
        for first in range(0, len(starts), _TOGETHER):
            _fill_alike(sound, starts[first : first + _TOGETHER], length, rate_hz, law)


def _fill_alike(sound: Sound, starts: Places, length: int, rate_hz: int, law: Law | None) -> None:
    context = round((_PITCH_MAX_S + _MATCHED_S) * rate_hz)
    before = _read(sound, starts[:, None] + np.arange(-context, 0), law)
    behind = _read(sound, (starts + length)[:, None] + np.arange(context), law)
    onward = _go_on(before, length, rate_hz)
    backward = _go_on(behind[:, ::-1], length, rate_hz)[:, ::-1]
    rising = (np.arange(length, dtype=np.float32) + 1) / (length + 1)
    made = (onward * (1 - rising) + backward * rising).astype(np.int16)
    sound[starts[:, None] + np.arange(length)] = law.compress(made) if law else made


def _read(sound: Sound, places: Places, law: Law | None) -> Waves:
    """The samples at `places`, silence beyond both ends."""
    found = sound[np.clip(places, 0, len(sound) - 1)]
    samples = law.table[found] if law else found
    return np.where((places >= 0) & (places < len(sound)), samples, 0).astype(np.float32)


def _go_on(before: Waves, length: int, rate_hz: int) -> Waves:
    """Each row of `before` continued for `length` samples with its last period."""
    matched = round(_MATCHED_S * rate_hz)
    lags = np.arange(round(_PITCH_MIN_S * rate_hz), round(_PITCH_MAX_S * rate_hz) + 1)
    last, end = before[:, -matched:], before.shape[1]
    likeness = np.empty((len(before), len(lags)), np.float32)
    for place, lag in enumerate(lags.tolist()):
        earlier = before[:, end - matched - lag : end - lag]
        power = np.einsum("ij,ij->i", earlier, earlier)
        likeness[:, place] = np.einsum("ij,ij->i", last, earlier) / np.sqrt(power + 1)
    period = lags[likeness.argmax(axis=1)][:, None]
    continued: Waves = np.take_along_axis(before, end - period + np.arange(length) % period, axis=1)
    return continued
