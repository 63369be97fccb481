"""Bytes of a file at rest, read piece by piece: parsers never load a recording whole."""

import os
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Content:
    """`size` bytes that `pread(length, offset)` reads; it may return fewer at the end."""

    size: int
    pread: Callable[[int, int], bytes]

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`; empty outside the content."""
        if offset < 0 or length <= 0 or offset >= self.size:
            return b""
        return self.pread(length, offset)

    @classmethod
    def of_file(cls, fd: int) -> "Content":
        """The open regular file `fd` as long as it is now."""
        return cls(os.fstat(fd).st_size, lambda length, offset: os.pread(fd, length, offset))

    @classmethod
    def of_bytes(cls, data: bytes) -> "Content":
        """What stands in memory."""
        return cls(len(data), lambda length, offset: data[offset : offset + length])
