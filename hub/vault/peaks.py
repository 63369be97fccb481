"""The layout of waveform peaks, which are drawn without decoding a recording.

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

MAGIC = b"RHPK"
FIT_POINTS_MAX = 4000
FIT, COARSE, FINE = 0, 1, 2
LEVELS = 3
VERSION = 1
HEADER = struct.Struct("<4sBBHIQ")
LEVEL = struct.Struct("<IIII")
HEADER_BYTES = HEADER.size + LEVELS * LEVEL.size


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
        magic, version, channels, _, rate, samples = HEADER.unpack(self.header)
        head = HEADER.pack(magic, version, channels, 1, rate, samples)
        return head + LEVEL.pack(self.samples_per_point, self.points, HEADER.size + LEVEL.size, 0) + data


def find_level(head: bytes, level: int) -> PeakLevel:
    """Where `level` is, by the first HEADER_BYTES of a peaks object.

    Raises: ValueError if `head` is none, or there is no such level.
    """
    if len(head) < HEADER.size or head[:4] != MAGIC:
        raise ValueError("no peaks object")
    _, version, channels, levels, _, _ = HEADER.unpack_from(head)
    at = HEADER.size + level * LEVEL.size
    if version != VERSION or not 0 <= level < levels or len(head) < at + LEVEL.size:
        raise ValueError(f"no level {level}")
    samples_per_point, points, offset, _ = LEVEL.unpack_from(head, at)
    return PeakLevel(head[: HEADER.size], samples_per_point, points, offset, points * channels * 2)
