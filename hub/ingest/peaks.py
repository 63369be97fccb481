"""Waveform peaks in several resolutions, made while a recording is decoded, so that no player decodes it to draw it.

A peaks object, all numbers little-endian:
     0  4s   b"RHPK"
     4  u8   version, 1
     5  u8   channels
     6  u16  levels
     8  u32  sample rate [Hz]
    12  u64  samples in each channel
    20  16 bytes for each level: u32 samples in a point, u32 points, u32 offset of its data in this object, u32 0
    ... data of the levels: for each point and channel, the lowest and highest sample as two int8 (127: full scale)
Levels: 0 the whole recording in at most 4000 points, 1 ten points a second, 2 twenty-five points a second.
"""

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hub.ingest.frames import frame_samples
from hub.ingest.pcm import Samples

MAGIC = b"RHPK"
FIT_POINTS_MAX = 4000
FIT, COARSE, FINE = 0, 1, 2
LEVELS = 3
_VERSION = 1
_HEADER = struct.Struct("<4sBBHIQ")
_LEVEL = struct.Struct("<IIII")
_COARSE_FRAMES, _FINE_FRAMES = 5, 2
HEADER_BYTES = _HEADER.size + LEVELS * _LEVEL.size

Points = npt.NDArray[np.int8]


class PeakMeter:
    """Takes frames of shape (frames, samples, channels) and keeps the lowest and highest sample of each."""

    def __init__(self, sample_rate_hz: int, channels: int) -> None:
        self._rate = sample_rate_hz
        self._channels = channels
        self._parts: list[Points] = []

    def add(self, frames: Samples) -> None:
        """Measure more frames."""
        if self._channels == 1:
            flat = frames[:, :, 0]
            extremes = np.stack([flat.min(axis=1), flat.max(axis=1)], axis=1)[:, None, :]
        else:
            extremes = np.stack([frames.min(axis=1), frames.max(axis=1)], axis=2)
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
        content = [_HEADER.pack(MAGIC, _VERSION, self._channels, LEVELS, self._rate, samples)]
        offset = HEADER_BYTES
        for level, points in enumerate(levels):
            content.append(_LEVEL.pack(groups[level] * frame_samples(self._rate), len(points), offset, 0))
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


@dataclass(frozen=True, slots=True)
class PeakLevel:
    """Where the data of one level is in a peaks object."""

    header: bytes
    samples_per_point: int
    points: int
    offset: int
    size_bytes: int

    def wrap(self, data: bytes) -> bytes:
        """A peaks object that holds this level alone."""
        magic, version, channels, _, rate, samples = _HEADER.unpack(self.header)
        head = _HEADER.pack(magic, version, channels, 1, rate, samples)
        return head + _LEVEL.pack(self.samples_per_point, self.points, _HEADER.size + _LEVEL.size, 0) + data


def find_level(head: bytes, level: int) -> PeakLevel:
    """Where `level` is, by the first HEADER_BYTES of a peaks object.

    Raises: ValueError if `head` is none, or there is no such level.
    """
    if len(head) < _HEADER.size or head[:4] != MAGIC:
        raise ValueError("no peaks object")
    _, version, channels, levels, _, _ = _HEADER.unpack_from(head)
    at = _HEADER.size + level * _LEVEL.size
    if version != _VERSION or not 0 <= level < levels or len(head) < at + _LEVEL.size:
        raise ValueError(f"no level {level}")
    samples_per_point, points, offset, _ = _LEVEL.unpack_from(head, at)
    return PeakLevel(head[: _HEADER.size], samples_per_point, points, offset, points * channels * 2)
