"""Whether a recording holds speech: needed because two silent calls have the same bytes and are two calls all the same.

A frame of 20 ms is loud if it is above -50 dBFS and 9 dB above the recording's own noise floor (the level that a tenth
of its frames stay below), or above -30 dBFS whatever the floor: a short recording may be talk throughout. A recording
has speech if at least 15 of its frames are loud and the colour of the loud frames changes: speech moves its energy
between bands by many dB from sound to sound. So silence, noise of a line, comfort noise and steady or interrupted tones
are no speech; music is taken for speech. Once the beginning of a recording holds speech, the rest is not looked at.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from hub.ingest.pcm import Samples

_LOUD_DBFS = -50.0
_ABOVE_FLOOR_DB = 9.0
_CERTAINLY_LOUD_DBFS = -30.0
_LOUD_FRAMES_MIN = 15
_COLOUR_CHANGE_DB = 3.6
_FLOOR_SHARE = 10
_SAMPLED_FRAMES = 16  # of each block: colours need not be looked at more densely
_BANDS = 6
_FULL_SCALE = 32768.0

Levels = npt.NDArray[np.float32]


class SpeechMeter:
    """Takes frames of shape (frames, samples, channels); the louder channel of each frame counts."""

    def __init__(self) -> None:
        self._levels: list[Levels] = []
        self._colours: list[Levels] = []
        self._colour_levels: list[Levels] = []
        self._blocks = 0
        self._is_found = False

    def add(self, frames: Samples) -> None:
        """Measure more frames."""
        if self._is_found or not len(frames):
            return
        samples = frames.astype(np.float32)
        energy = np.einsum("fsc,fsc->fc", samples, samples)
        loudest = energy.argmax(axis=1)
        levels = _to_db(energy.max(axis=1) / (frames.shape[1] * _FULL_SCALE**2))
        self._levels.append(levels)
        loud = np.flatnonzero(levels > _LOUD_DBFS)
        chosen = loud[:: max(len(loud) // _SAMPLED_FRAMES, 1)]
        if len(chosen):
            self._colours.append(_measure_colour(samples[chosen, :, loudest[chosen]]))
            self._colour_levels.append(levels[chosen])
        self._blocks += 1
        if self._blocks.bit_count() == 1:  # at each doubling, so that hours of silence are not weighed again and again
            self._is_found = self._weigh()

    def decide(self) -> bool:
        """Whether what was measured holds speech."""
        return self._is_found or self._weigh()

    def _weigh(self) -> bool:
        if not self._colours:
            return False
        levels = np.concatenate(self._levels)
        floor = np.partition(levels, len(levels) // _FLOOR_SHARE)[len(levels) // _FLOOR_SHARE]
        limit = max(_LOUD_DBFS, min(floor + _ABOVE_FLOOR_DB, _CERTAINLY_LOUD_DBFS))
        if np.count_nonzero(levels > limit) < _LOUD_FRAMES_MIN:
            return False
        colours = np.concatenate(self._colours)[np.concatenate(self._colour_levels) > limit]
        return len(colours) > 2 and float(colours.std(axis=0).mean()) > _COLOUR_CHANGE_DB


@lru_cache(maxsize=8)
def _window(length: int) -> Levels:
    window: Levels = np.hanning(length).astype(np.float32)
    return window


@lru_cache(maxsize=8)
def _band_edges(bins: int) -> npt.NDArray[np.intp]:
    edges: npt.NDArray[np.intp] = np.unique(np.geomspace(1, bins - 1, _BANDS + 1).astype(np.intp))
    return edges[:-1]


def _measure_colour(frames: Levels) -> Levels:
    """Level of each band beside the frame's own, in dB, shape (frames, bands)."""
    spectrum = np.fft.rfft(frames * _window(frames.shape[1]), axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    bands = np.add.reduceat(power, _band_edges(power.shape[1]), axis=1)
    # What is 40 dB below the frame's own level is noise of the coding and no colour of it.
    return _to_db(np.maximum(bands / np.maximum(bands.sum(axis=1, keepdims=True), 1e-9), 1e-4))


def _to_db(power: npt.NDArray[np.floating]) -> Levels:
    levels: Levels = (10 * np.log10(np.maximum(power, 1e-12))).astype(np.float32)
    return levels
