"""Keys that are heard: their two tones found among speech, so that they can be silenced.

Source: ITU-T Q.23 (the tones, within 1.8 %), ITU-T Q.24 (40 ms or longer, one tone up to 8 dB louder than the other).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.media.g711 import LAWS, Samples, Sound

Span = tuple[float, float]
_Numbers = npt.NDArray[np.floating]

_TONES_HZ = np.array([697.0, 770.0, 852.0, 941.0, 1209.0, 1336.0, 1477.0, 1633.0])  # of rows, then of columns
_FRAME_S, _STEP_S = 0.032, 0.005
_AT_ONCE = 1 << 13
_FRAMES_MIN = 3  # in a row with the same key: a key of 40 ms has them
_LEVEL_MIN = 40.0  # amplitude of a tone of which samples go up to 32767
_TWIST_MAX = 10 ** (12 / 10)
_HARMONIC_MAX = 10 ** (-8 / 10)  # speech has harmonics, keys have none
_OFF_MAX = 0.022  # of the frequency


@dataclass(frozen=True, slots=True)
class _Bounds:
    """share_min: of both tones in all that is heard. others_max: of the other tones of a group in the loudest."""

    share_min: float
    others_max: float


_SURE = _Bounds(0.7, 10 ** (-8 / 10))
_LIKELY = _Bounds(0.15, 10 ** (-5 / 10))  # before and after what is sure: somebody speaks into it


def find_tones(sound: Sound, rate_hz: int, law: str = "") -> list[Span]:
    """The spans in seconds in which somebody presses a key; at the edges up to 30 ms too long.

    law: "PCMU" or "PCMA" if the sound is octets of it, "" if it is samples.
    """
    samples: Samples = LAWS[law].table[sound] if law else sound.view(np.int16)
    size, step = round(_FRAME_S * rate_hz), round(_STEP_S * rate_hz)
    keys = np.concatenate([np.empty((2, 0), np.int64), *_read_keys(samples, rate_hz, size, step)], axis=1)
    sure = [run for run in _find_runs(keys[0]) if run[1] - run[0] >= _FRAMES_MIN]
    starts = np.array([first for first, _ in sure])
    return [
        (first * step / rate_hz, ((last - 1) * step + size) / rate_hz)
        for first, last in _find_runs(keys[1])
        if np.searchsorted(starts, first) < np.searchsorted(starts, last)
    ]


def _find_runs(keys: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """Frames in a row that have the same key: the first, and the one after the last."""
    if not len(keys):
        return []
    ends = np.concatenate([[0], np.flatnonzero(np.diff(keys)) + 1, [len(keys)]])
    return [(first, last) for first, last in pairwise(ends.tolist()) if keys[first] >= 0]


def _read_keys(samples: Samples, rate_hz: int, size: int, step: int) -> Iterator[npt.NDArray[np.int64]]:
    """The key that is surely in each frame, and the one that is likely, -1 where there is none; some frames at a time.

    Shape: (2, frames).
    """
    if len(samples) < size + step:
        return
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[::step]
    window = np.hanning(size).astype(np.float32)
    waves = _make_waves(window, rate_hz)
    for first in range(0, len(frames) - 1, _AT_ONCE):
        some = frames[first : first + _AT_ONCE + 1].astype(np.float32)  # the last one is the first of the next
        power = (some * window) ** 2
        yield _read_some(some @ waves, power.sum(axis=1) / (window**2).sum(), step / rate_hz)


def _make_waves(window: _Numbers, rate_hz: int) -> npt.NDArray[np.complex64]:
    """What tells the amplitude and phase of each tone, and of its second harmonic. Shape: (samples, 16)."""
    at_s = np.arange(len(window)) / rate_hz
    waves = np.exp(-2j * np.pi * np.outer(at_s, np.concatenate([_TONES_HZ, 2 * _TONES_HZ])))
    windowed: npt.NDArray[np.complex64] = (waves * window[:, None] * 2 / window.sum()).astype(np.complex64)
    return windowed


def _read_some(heard: npt.NDArray[np.complex64], power: _Numbers, step_s: float) -> npt.NDArray[np.int64]:
    """The keys in each frame but the last. heard: shape (frames, 16). power: of all that is heard, by frame."""
    level = np.abs(heard[:-1]) ** 2
    is_key = np.ones(len(level), np.bool_)
    tones: list[_Numbers] = []
    others = np.zeros(len(level))
    for first in (0, 4):
        group = level[:, first : first + 4]
        chosen, loudest = group.argmax(axis=1) + first, np.maximum(group.max(axis=1), 1)
        off_hz = _measure_off(heard, chosen, step_s)
        is_key &= np.abs(off_hz) < _OFF_MAX * _TONES_HZ[chosen]
        is_key &= np.take_along_axis(level, (chosen + 8)[:, None], axis=1)[:, 0] < _HARMONIC_MAX * loudest
        others = np.maximum(others, np.partition(group, -2, axis=1)[:, -2] / loudest)
        tones.append(loudest / _window_gain(off_hz) ** 2)
    low, high = tones
    is_key &= (np.minimum(low, high) > _LEVEL_MIN**2) & (np.maximum(low, high) < _TWIST_MAX * np.minimum(low, high))
    share = (low + high) / np.maximum(2 * power[:-1], 1)
    found = [is_key & (share > each.share_min) & (others < each.others_max) for each in (_SURE, _LIKELY)]
    return np.where(found, level[:, :4].argmax(axis=1) * 4 + level[:, 4:8].argmax(axis=1), -1)


def _measure_off(heard: npt.NDArray[np.complex64], chosen: npt.NDArray[np.int64], step_s: float) -> _Numbers:
    """How far from its frequency a tone is, in Hz: what its phase goes on more from one frame to the next."""
    before, after = (np.take_along_axis(part, chosen[:, None], axis=1)[:, 0] for part in (heard[:-1], heard[1:]))
    turned = np.angle(after * before.conj() * np.exp(-2j * np.pi * _TONES_HZ[chosen] * step_s))
    off_hz: _Numbers = (turned / (2 * np.pi * step_s)).astype(np.float32)
    return off_hz


def _window_gain(off_hz: _Numbers) -> _Numbers:
    """How much of its amplitude a tone has that is a little off, through the window (Hann)."""
    places = np.abs(off_hz * _FRAME_S)
    beside = np.where(np.abs(1 - places) < 1e-3, 0.999, np.minimum(places, 1.3))
    gain: _Numbers = np.sinc(beside) / (1 - beside**2)
    return gain
