"""Pieces of a buffer, read or written many at a time."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Bytes: TypeAlias = npt.NDArray[np.uint8]
Windows: TypeAlias = np.ndarray[tuple[int], np.dtype[np.void]]


def windows(buffer: Bytes, size: int) -> Windows:
    """The `size` bytes at every byte of a buffer as one value each, which moves faster than its bytes do.

    What is picked by rows is a copy; what is assigned to rows is written into the buffer.
    """
    return np.ndarray((max(len(buffer) - size + 1, 0),), f"V{size}", buffer, 0, (1,))


def gather(buffer: Bytes, start: npt.NDArray[np.int64], length: npt.NDArray[np.integer[Any]]) -> Bytes:
    """The bytes of pieces that lie within a buffer, one piece after the other."""
    if len(length) and (length == length[0]).all() and length[0]:
        return windows(buffer, int(length[0]))[start].view(np.uint8)
    ends = np.cumsum(length, dtype=np.int64)
    gathered = np.empty(int(ends[-1]) if len(ends) else 0, np.uint8)
    order = np.argsort(length, kind="stable")
    sizes = length[order]
    for rows in np.split(order, np.flatnonzero(sizes[1:] != sizes[:-1]) + 1):
        size = int(length[rows[0]]) if len(rows) else 0
        if size:
            windows(gathered, size)[ends[rows] - size] = windows(buffer, size)[start[rows]]
    return gathered
