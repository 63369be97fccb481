"""What readers of capture formats have in common: portions of a file, and steps through records of equal length."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.packets.blocks import PacketBlock
from plugins.pbx_sip.packets.windows import windows

PACKET_BYTES_MAX = 1 << 20
RUN_MAX = 4096
RUN_FROM = 8  # a look ahead pays from so many records of equal length on

_SENTENCES = {"at": "{reason} at byte {byte}"}

Chunk = npt.NDArray[np.uint8]


class BadCapture(ValueError):
    """The file is no capture, or it is damaged at a byte; what stands before that byte was given.

    byte: where, counted from 0 in the uncompressed file.
    """

    def __init__(self, reason: str, byte: int) -> None:
        super().__init__(_SENTENCES["at"].format(reason=reason, byte=byte) if byte else reason)
        self.byte = byte


@dataclass(frozen=True, slots=True)
class Portion:
    """What was read of a chunk: how many of its bytes, the packets in them, and what is wrong behind them.

    is_end: another file begins behind them.
    """

    used: int
    block: PacketBlock | None = None
    damage: str = ""
    is_end: bool = False


class Stop(NamedTuple):
    """Where whole records end, what is wrong there, and whether another file begins there."""

    at: int
    damage: str = ""
    is_end: bool = False


class RecordReader(Protocol):
    """Reads one capture format, chunk after chunk; each chunk begins with what was not used of the one before."""

    key_log: str

    @property
    def apart_ns(self) -> int:
        """How far the clocks of interfaces differed, which were set right."""

    def read(self, chunk: Chunk) -> Portion:
        """The records that are whole; used is 0 when a longer chunk is needed."""


class Offsets:
    """Where records begin: single ones and runs of equal length."""

    def __init__(self) -> None:
        self._parts: list[npt.NDArray[np.int64]] = []
        self.single: list[int] = []

    def add_run(self, first: int, stride: int, count: int) -> None:
        """Add records that follow one another."""
        self._parts += [np.array(self.single, np.int64), first + stride * np.arange(count, dtype=np.int64)]
        self.single.clear()

    def take(self) -> npt.NDArray[np.int64]:
        """All of them, in the order in which they were added."""
        return np.concatenate([*self._parts, np.array(self.single, np.int64)])


def measure_run(chunk: Chunk, at: int, stride: int, place: int, field: str) -> int:
    """How many records of this stride, from the one at `at` on, have the same field at `place`."""
    count = min(RUN_MAX, (len(chunk) - at) // stride)
    if count < 2:
        return count
    column = np.ndarray((count,), field, chunk, at + place, (stride,))
    differs = column != column[0]
    return int(differs.argmax()) or count


def read_columns(chunk: Chunk, offsets: npt.NDArray[np.int64], layout: np.dtype[np.void]) -> npt.NDArray[np.void]:
    """A copy of the fixed part of each record, all of which lie within the chunk."""
    size = layout.itemsize
    if not len(offsets):
        return np.empty(0, layout)
    return windows(chunk, size)[offsets].view(layout)
