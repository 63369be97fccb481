"""Waveform peaks in several resolutions, measured while a recording is decoded; `hub.vault.peaks` has the layout."""

import numpy as np
import numpy.typing as npt

from hub.ingest.frames import frame_samples
from hub.ingest.pcm import Samples
from hub.vault.peaks import COARSE, FINE, FIT, FIT_POINTS_MAX, HEADER, HEADER_BYTES, LEVEL, LEVELS, MAGIC, VERSION

_COARSE_FRAMES, _FINE_FRAMES = 5, 2

Points = npt.NDArray[np.int8]


class PeakMeter:
    """Takes frames of shape (frames, samples, channels) and keeps the lowest and highest sample of each."""

    def __init__(self, sample_rate_hz: int, channels: int) -> None:
        self._rate = sample_rate_hz
        self._channels = channels
        self._parts: list[Points] = []

    def add(self, frames: Samples) -> None:
        """Measure more frames."""
        lanes = np.ascontiguousarray(frames.transpose(0, 2, 1))  # samples side by side are compared 16 at a time
        extremes = np.stack([lanes.min(axis=2), lanes.max(axis=2)], axis=2)
        self._parts.append(np.minimum((extremes.astype(np.int32) + 128) >> 8, 127).astype(np.int8))

    def encode(self, samples: int) -> bytes:
        """The peaks object of a recording with `samples` in each channel."""
        finest = np.concatenate(self._parts) if self._parts else np.empty((0, self._channels, 2), np.int8)
        groups = {
            FIT: max(-(-len(finest) // FIT_POINTS_MAX), 1),
            COARSE: _COARSE_FRAMES,
            FINE: _FINE_FRAMES,
        }
        levels = [_condense(finest, groups[level]) for level in range(LEVELS)]
        content = [HEADER.pack(MAGIC, VERSION, self._channels, LEVELS, self._rate, samples)]
        offset = HEADER_BYTES
        for level, points in enumerate(levels):
            content.append(LEVEL.pack(groups[level] * frame_samples(self._rate), len(points), offset, 0))
            offset += points.nbytes
        return b"".join([*content, *(points.tobytes() for points in levels)])


def _condense(points: Points, group: int) -> Points:
    """Each `group` of points as one."""
    if group == 1 or not len(points):
        return points
    starts = np.arange(0, len(points), group)
    lowest = np.minimum.reduceat(points[:, :, 0], starts)
    highest = np.maximum.reduceat(points[:, :, 1], starts)
    return np.stack([lowest, highest], axis=2)
