"""The bytes of a capture: from a file or a pipe, gzip-compressed or not, and how many of them were read."""

import zlib
from contextlib import suppress
from typing import Protocol

_GZIP_MAGIC = b"\x1f\x8b"
_ANY_GZIP = 31  # zlib: gzip with the largest window
_COMPRESSED_BYTES = 1 << 20


class Readable(Protocol):
    """A file or pipe as captures come from."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Put some bytes into a buffer; their number, 0 at the end."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class BadCompression(ValueError):
    """The compressed bytes are damaged."""


class Input:
    """The bytes of a capture, uncompressed, as they come: it waits for some, never for as many as would fit.

    bytes_read: of the file or pipe itself, for progress.
    """

    def __init__(self, stream: Readable) -> None:
        self._source = _Source(stream)
        self._unzipped = _Unzipped(self._source) if self._source.peek() == _GZIP_MAGIC else None

    @property
    def bytes_read(self) -> int:
        """How many bytes of the file or pipe were read so far."""
        return self._source.bytes_read

    def readinto(self, buffer: memoryview) -> int:
        """Put some bytes into a buffer; their number, 0 at the end.

        Raises: EOFError (the compressed bytes are cut off); BadCompression; OSError.
        """
        return (self._unzipped or self._source).readinto(buffer)


class _Source:
    """A stream that is read as it comes, of which the first two bytes may be seen beforehand."""

    def __init__(self, stream: Readable) -> None:
        self._read = getattr(stream, "readinto1", None) or stream.readinto
        self._head = b""
        self.bytes_read = 0

    def peek(self) -> bytes:
        """The first two bytes, or fewer if there are no more."""
        while len(self._head) < 2:
            more = bytearray(2 - len(self._head))
            count = self._fill(memoryview(more))
            if not count:
                break
            self._head += more[:count]
        return self._head

    def readinto(self, buffer: memoryview) -> int:
        """Put some bytes into a buffer, which has room for two at least; their number, 0 at the end."""
        if not self._head:
            return self._fill(buffer)
        count = len(self._head)
        buffer[:count], self._head = self._head, b""
        return count

    def _fill(self, buffer: memoryview) -> int:
        count: int = self._read(buffer) or 0
        self.bytes_read += count
        return count


class _Unzipped:
    """Members of gzip one after the other, however much they grow; zeros may stand between them, as tapes pad.

    Source: RFC 1952 2.2.
    """

    def __init__(self, source: _Source) -> None:
        self._source = source
        self._room = memoryview(bytearray(_COMPRESSED_BYTES))
        self._waiting = b""
        self._member = zlib.decompressobj(_ANY_GZIP)
        self._is_between = True
        self._damage: BadCompression | None = None

    def readinto(self, buffer: memoryview) -> int:
        """Put some bytes into a buffer; their number, 0 at the end."""
        while True:
            is_over = not self._waiting and not self._fetch()
            if self._is_between:
                if is_over:
                    return 0
                self._begin_member()
                continue
            data = self._expand(len(buffer))
            buffer[: len(data)] = data
            if data:
                return len(data)
            if is_over and not self._is_between:
                raise EOFError

    def _fetch(self) -> bytes:
        self._waiting = bytes(self._room[: self._source.readinto(self._room)])
        return self._waiting

    def _begin_member(self) -> None:
        self._waiting = self._waiting.lstrip(b"\0")
        if self._waiting:
            self._member = zlib.decompressobj(_ANY_GZIP)
            self._is_between = False

    def _expand(self, size: int) -> bytes:
        if self._damage is not None:
            raise self._damage
        before = self._member.copy()
        try:
            data = self._member.decompress(self._waiting, size)
        except zlib.error as error:
            self._damage = BadCompression(str(error))
            return _save(before, self._waiting)
        self._is_between = self._member.eof
        self._waiting = self._member.unused_data if self._is_between else self._member.unconsumed_tail
        return data


def _save(member: "zlib._Decompress", compressed: bytes) -> bytes:
    """What comes out of compressed bytes before the damage in them, which zlib does not give with the bytes behind."""
    found = bytearray()
    with suppress(zlib.error):
        for place in range(len(compressed)):
            found += member.decompress(compressed[place : place + 1])
    return bytes(found)
