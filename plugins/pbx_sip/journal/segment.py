"""One file of a journal: how it is begun, written, and read again."""

import errno
import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from zlib import crc32

import numpy as np

from plugins.pbx_sip.journal.batch import Batch, decode, size_of
from plugins.pbx_sip.journal.errors import OtherVersion, WrongKey
from plugins.pbx_sip.journal.layout import (
    BATCH_HEADER,
    MAGIC,
    PAGE_BYTES,
    SALT_BYTES,
    SEGMENT_HEADER,
    VERSION,
    Bytes,
)
from plugins.pbx_sip.journal.seals import Seals

_SUFFIX = ".segment"
_PIECE_BYTES = 1 << 20
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_CRC_BYTES = 4
_DIRECT_BYTES = 32 << 20  # about what 1,500 calls bring in a second
_NEVER_DIRECT = -1
_VIEWS_MAX = 1024  # so many the kernel takes at once: IOV_MAX, writev(2)


def segment_path(folder: Path, number: int) -> Path:
    """Where a segment lies."""
    return folder / f"{number:010d}{_SUFFIX}"


def find_segments(folder: Path) -> list[int]:
    """The numbers of the segments that there are, oldest first."""
    names = [path.stem for path in folder.glob(f"*{_SUFFIX}")]
    numbers = [int(name) for name in names if name.isascii() and name.isdigit()]
    return sorted(number for number in numbers if number and segment_path(folder, number).is_file())


def open_segment(folder: Path, number: int) -> int:
    """A segment's file, for reading. Raises: OSError."""
    return os.open(segment_path(folder, number), _READ)


class SegmentWriter:
    """The segment that is written. size_bytes: so far."""

    def __init__(self, folder: Path, number: int, seals: Seals) -> None:
        """Begin a new file. Raises: OSError."""
        self.number = number
        self.salt = secrets.token_bytes(SALT_BYTES)
        self.size_bytes = 0
        self._is_usable = True
        self._direct: int | None = None
        self._path = path = segment_path(folder, number)
        self._file = os.open(path, _CREATE, 0o600)
        head = SEGMENT_HEADER.pack(MAGIC, VERSION, number, self.salt, _check(seals, number, self.salt), 0)
        head = head[:-_CRC_BYTES]
        try:
            self.write([head + crc32(head).to_bytes(_CRC_BYTES, "little")])
        except OSError:
            os.close(self._file)
            path.unlink()
            raise

    def write(self, parts: Sequence[Bytes]) -> None:
        """Add all of that, or nothing. Raises: OSError."""
        views = [memoryview(part) for part in parts if len(part)]
        at = self.size_bytes
        try:
            while views:
                written = self._write_some(views, at)
                at += written
                views = _skip(views, written)
        except OSError:
            try:
                os.ftruncate(self._file, self.size_bytes)
            except OSError:
                self._is_usable = False
            raise
        self.size_bytes = at

    def find_padding(self, head_bytes: int, data: Sequence[Bytes]) -> int:
        """How many bytes are wanted between a head that is written next and its data, for a write past the cache."""
        if not data or not _goes_past_cache(memoryview(data[0])):
            return 0
        return -(self.size_bytes + head_bytes) % PAGE_BYTES

    def has_room(self, size_bytes: int, segment_bytes: int) -> bool:
        """Whether so much can be written and no more than `segment_bytes` is there then; an empty one takes any."""
        is_empty = self.size_bytes == SEGMENT_HEADER.size
        return self._is_usable and (is_empty or self.size_bytes + size_bytes <= segment_bytes)

    def close(self) -> None:
        """No more is written."""
        os.close(self._file)
        self._stop_direct()

    def _write_some(self, views: list[memoryview], at: int) -> int:
        """Write the first views, or part of them, as much as goes in one way. Returns: bytes written."""
        if at % PAGE_BYTES == 0 and _goes_past_cache(views[0]) and (written := self._write_past_cache(views[0], at)):
            return written
        after = next((n for n, view in enumerate(views) if n and _goes_past_cache(view)), len(views))
        return os.pwritev(self._file, views[: min(after, _VIEWS_MAX)], at)

    def _write_past_cache(self, view: memoryview, at: int) -> int:
        """Write the whole pages of what is large directly to the disk.

        The kernel's cache would take a page of memory for each of the disk's, which costs more than all else that a
        worker under full load does with it. Returns: bytes written, 0 where the file system can do no such thing.
        """
        try:
            if self._direct is None:
                self._direct = os.open(self._path, os.O_WRONLY | os.O_DIRECT | os.O_CLOEXEC)
            return os.pwrite(self._direct, view[: len(view) & -PAGE_BYTES], at) if self._direct >= 0 else 0
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            self._stop_direct()
            self._direct = _NEVER_DIRECT
            return 0

    def _stop_direct(self) -> None:
        if self._direct is not None and self._direct >= 0:
            os.close(self._direct)


class SegmentReader:
    """A segment as it is found. salt: None if its header cannot be read. size_bytes: of the file.

    end: behind the last batch that was read. gaps: where bytes lie before a batch that are none themselves.
    """

    def __init__(self, folder: Path, number: int, seals: Seals) -> None:
        """Raises: OSError; WrongKey; OtherVersion."""
        self.number = number
        self.gaps: list[int] = []
        self._seals = seals
        self._file = open_segment(folder, number)
        try:
            self.size_bytes = os.fstat(self._file).st_size
            self.salt = self._read_header()
        except BaseException:
            os.close(self._file)
            raise
        self.end = 0

    def batches(self) -> Iterator[tuple[int, Batch]]:
        """Each batch, and where what follows its tables begins. Raises: OSError."""
        self.gaps.clear()
        at = self.end = SEGMENT_HEADER.size if self.salt else 0
        while self.salt and at < self.size_bytes:
            batch = self._read_batch(at)
            if batch is None:
                found = self._find_batch(at + 1)
                if found is None:
                    return
                self.gaps.append(at)
                at, batch = found
            tables_end = at + batch.head_bytes
            at = self.end = tables_end + batch.data_bytes
            yield tables_end + batch.padding_bytes, batch

    def read(self, offset: int, length: int) -> bytes:
        """Bytes of the file, fewer where it ends. Raises: OSError."""
        return os.pread(self._file, length, offset)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def _read_header(self) -> bytes | None:
        head = self.read(0, SEGMENT_HEADER.size)
        if len(head) < SEGMENT_HEADER.size:
            return None
        magic, version, number, salt, check, crc = SEGMENT_HEADER.unpack(head)
        if magic != MAGIC or number != self.number or crc32(head[:-_CRC_BYTES]) != crc:
            return None
        if version != VERSION:
            raise OtherVersion(f"segment {number} has the format {version}, known is {VERSION}")
        if check != _check(self._seals, number, salt):
            raise WrongKey(f"segment {number} was written with another key")
        return bytes(salt)

    def _read_batch(self, at: int) -> Batch | None:
        """The batch at this place, if a whole one is there."""
        header = self.read(at, BATCH_HEADER.size)
        if self.salt is None or len(header) < BATCH_HEADER.size or not header.startswith(self.salt):
            return None
        head_bytes, all_bytes = size_of(header)
        if at + all_bytes > self.size_bytes:
            return None
        head = header + self.read(at + BATCH_HEADER.size, head_bytes - BATCH_HEADER.size)
        return decode(head, self.salt, self.number, at, self._seals) if len(head) == head_bytes else None

    def _find_batch(self, at: int) -> tuple[int, Batch] | None:
        """The next whole batch from a place on."""
        assert self.salt is not None
        salt = self.salt
        while len(piece := self.read(at, _PIECE_BYTES)) >= BATCH_HEADER.size:
            found = piece.find(salt)
            if found < 0:
                at += len(piece) - len(salt) + 1
                continue
            at += found
            batch = self._read_batch(at)
            if batch is not None:
                return at, batch
            at += 1
        return None


def _goes_past_cache(view: memoryview) -> bool:
    """Whether it is large, and lies in memory as the disk must have it."""
    return len(view) >= _DIRECT_BYTES and np.frombuffer(view, np.uint8).ctypes.data % PAGE_BYTES == 0


def _check(seals: Seals, number: int, salt: bytes) -> bytes:
    return seals.check(MAGIC, number.to_bytes(4, "little"), salt)


def _skip(views: list[memoryview], written: int) -> list[memoryview]:
    """What remains of the views when so many bytes were written."""
    while views and written >= len(views[0]):
        written -= len(views.pop(0))
    if written:
        views[0] = views[0][written:]
    return views
