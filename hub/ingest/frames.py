"""Audio cut into frames of 20 ms, on which peaks and the search for speech work."""

import numpy as np

from hub.ingest.pcm import Samples

FRAMES_PER_S = 50


def frame_samples(sample_rate_hz: int) -> int:
    """Samples in one frame: 20 ms, rounded to whole samples."""
    return max(round(sample_rate_hz / FRAMES_PER_S), 1)


class Framer:
    """Cuts blocks of any length into whole frames and keeps the rest for the next block."""

    def __init__(self, sample_rate_hz: int, channels: int) -> None:
        self._length = frame_samples(sample_rate_hz)
        self._rest = np.empty((0, channels), np.int16)

    def cut(self, block: Samples) -> Samples:
        """Whole frames, shape (frames, samples, channels), of what came so far."""
        if len(self._rest):
            block = np.concatenate([self._rest, block])
        count = len(block) // self._length
        self._rest = block[count * self._length :].copy()
        return block[: count * self._length].reshape(count, self._length, block.shape[1])

    def finish(self) -> Samples:
        """The last frame, filled up with silence; none if nothing is left."""
        if not len(self._rest):
            return np.empty((0, self._length, self._rest.shape[1]), np.int16)
        last = np.zeros((1, self._length, self._rest.shape[1]), np.int16)
        last[0, : len(self._rest)] = self._rest
        self._rest = self._rest[:0]
        return last
