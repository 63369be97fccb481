"""Lanes: what one party sent in a call, as samples on the call's time line.

Samples lie where their sender's clock says, whenever their packets came: reordering and duplicates resolve themselves,
what was lost for a moment is concealed, what was lost for longer or never sent stays silent. Where a sender's clock
drifts from ours, single samples are repeated or left out, which nobody hears, so that both sides of a call of hours
stay together.

A lane that is G.711 throughout stays the octets that came, which is exact and spares two look-ups of every sample.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import av
import numpy as np
from av.audio.resampler import AudioResampler

from plugins.pbx_sip.media.coding import Coding
from plugins.pbx_sip.media.concealment import NO_HOLES, Holes, fill, find_cut, find_holes
from plugins.pbx_sip.media.g711 import LAWS, Law, Octets, Samples, Sound
from plugins.pbx_sip.packets.windows import gather, windows
from plugins.pbx_sip.rtp.packets import RtpPackets, find_values
from plugins.pbx_sip.rtp.runs import Run, Seconds

_SNAP_S = 0.06  # a new run this near to the end of the last one goes on from it
_FADE_S = 0.005
_DRIFT_MIN_S = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One run of packets and the coding of their payloads."""

    packets: RtpPackets
    run: Run
    coding: Coding


def lay(stretches: Sequence[Stretch], rate_hz: int, origin_s: float = 0.0, law: Law | None = None) -> Sound:
    """One lane at `rate_hz` to the end of its last run.

    origin_s: where it begins, on the clock of the runs. law: that of all stretches, whose octets are then given.
    """
    lane = _silence(0, law)
    for stretch in sorted(stretches, key=lambda each: each.run.began_s):
        sound = _scatter(stretch, law) if law else resample(decode(stretch), stretch.coding.rate_hz, rate_hz)
        sound = follow_drift(sound, stretch.run.drift, rate_hz)
        start = round((stretch.run.began_s - origin_s) * rate_hz)
        if len(lane) and abs(start - len(lane)) <= _SNAP_S * rate_hz:
            start = len(lane)
        lane = _place(lane, sound, start, round(_FADE_S * rate_hz), law)
    return lane


def decode(stretch: Stretch) -> Samples:
    """The samples of one run at its coding's own rate, silent where nothing came."""
    run, coding = stretch.run, stretch.coding
    if (law := LAWS.get(coding.name)) and coding.clock_hz == coding.rate_hz:
        return law.table[_scatter(stretch, law)]
    payloads = [stretch.packets.payload(row) for row in run.rows.tolist()]
    pieces = coding.decode(payloads)
    starts = run.ticks * coding.rate_hz // coding.clock_hz
    ends = [start + len(piece) for start, piece in zip(starts.tolist(), pieces, strict=True)]
    sound = np.zeros(max(ends, default=0), np.int16)
    for start, end, piece in zip(starts.tolist(), ends, pieces, strict=True):
        sound[start:end] = piece
    holes = find_holes(stretch.packets, run).at_rate(coding.rate_hz, coding.clock_hz)
    fill(sound, holes, coding.rate_hz)
    return sound


def measure_concealed(stretch: Stretch) -> float:
    """How many seconds of one run were lost and are concealed."""
    missing = int(find_holes(stretch.packets, stretch.run).length.sum()) + int(_find_cut(stretch).length.sum())
    return missing / stretch.run.clock_hz


def measure_cut(stretch: Stretch) -> float:
    """Which share of one run was cut off as it was captured, 0 to 1."""
    return int(_find_cut(stretch).length.sum()) / max(int(stretch.run.ticks[-1]), 1)


def _find_cut(stretch: Stretch) -> Holes:
    """Where packets of G.711, whose octets last a tick each, are cut off."""
    if stretch.coding.name not in LAWS or stretch.coding.clock_hz != stretch.coding.rate_hz:
        return NO_HOLES
    return find_cut(stretch.packets, stretch.run)


def _scatter(stretch: Stretch, law: Law) -> Octets:
    """The octets of one run of G.711."""
    packets, run = stretch.packets, stretch.run
    offset, length = packets.offset[run.rows], packets.length[run.rows]
    if (run.ticks[1:] - run.ticks[:-1] == length[:-1]).all():  # each begins where the last one ends, as nearly always
        sound = gather(packets.buffer, offset, length)
    else:
        sound = np.full(int((run.ticks + length).max(initial=0)), law.silence, np.uint8)
        for size in filter(None, find_values(length)):  # all packets of one size at once
            same = length == size
            windows(sound, size)[run.ticks[same]] = windows(packets.buffer, size)[offset[same]]
    for holes in (find_holes(packets, run), _find_cut(stretch)):
        fill(sound, holes, stretch.coding.rate_hz, law)
    return sound


def resample(sound: Samples, from_hz: int, to_hz: int) -> Samples:
    """The same sound at another rate, of the same length within one sample."""
    if from_hz == to_hz or not len(sound):
        return sound
    resampler = AudioResampler("s16", "mono", to_hz)
    frame = av.AudioFrame.from_ndarray(sound.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = from_hz
    pieces = [piece.to_ndarray().reshape(-1) for given in (frame, None) for piece in resampler.resample(given)]
    made = np.concatenate([sound[:0], *pieces]).astype(np.int16)  # of a few samples the resampler makes none
    wanted = len(sound) * to_hz // from_hz
    return np.concatenate([made, np.zeros(max(wanted - len(made), 0), np.int16)])[:wanted]


def follow_drift(sound: Sound, drift: Seconds, rate_hz: int) -> Sound:
    """Repeat or leave out single samples, evenly, so that `sound` keeps our time.

    drift: shape (windows, 2), seconds since its beginning and how much later than its own clock says it then is.
    """
    if not len(drift) or np.abs(drift[:, 1]).max() < _DRIFT_MIN_S:
        return sound
    knots = np.concatenate([[0.0], drift[:, 0] * rate_hz, [float(len(sound))]])
    slips = np.round(np.concatenate([[0.0], drift[:, 1], drift[-1:, 1]]) * rate_hz).astype(np.int64)
    repeated: list[np.ndarray] = []
    left_out: list[np.ndarray] = []
    for place, steps in enumerate(np.diff(slips).tolist()):
        spread = (np.arange(abs(steps)) + 0.5) / max(abs(steps), 1)
        at = (knots[place] + spread * (knots[place + 1] - knots[place])).astype(np.int64)
        (repeated if steps > 0 else left_out).append(at[at < len(sound)])
    more = np.concatenate([np.zeros(0, np.int64), *repeated])
    fewer = np.concatenate([np.zeros(0, np.int64), *left_out])
    kept = np.ones(len(sound), np.int64)
    kept[more] = 2
    kept[fewer] = 0
    return cast("Sound", np.repeat(sound, kept))


def _silence(length: int, law: Law | None) -> Sound:
    return np.zeros(length, np.int16) if law is None else np.full(length, law.silence, np.uint8)


def _place(lane: Sound, sound: Sound, start: int, fade: int, law: Law | None) -> Sound:
    """`lane` with `sound` from `start` on; where they overlap, the new one takes over within `fade` samples."""
    if start < 0:
        sound, start = sound[-start:], 0
    end = start + len(sound)
    if not len(lane) and not start:
        return sound
    made = _silence(max(len(lane), end), law)
    made[: len(lane)] = lane
    fade = max(min(fade, len(lane) - start, len(sound)), 0)
    before, after = made[start : start + fade], sound[:fade]
    if law:
        before, after = law.table[before], law.table[after]
    rising = np.arange(1, fade + 1) / (fade + 1)
    faded = (before * (1 - rising) + after * rising).astype(np.int16)
    made[start:end] = sound
    made[start : start + fade] = law.compress(faded) if law else faded
    return made
