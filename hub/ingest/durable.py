"""Bytes that survive a power cut: written whole, flushed to the disk, under a name that no one else took."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from hub.sdk import BadRecording, RetryLater

_CHUNK_BYTES = 1 << 20
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_AWAY = frozenset(
    {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENODEV}
)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
# O_NONBLOCK: a named pipe in the place of a recording must not hang the reader.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def write_durably(path: Path, content: bytes) -> None:
    """Create `path` with `content` and flush it; the folder's own flush is the caller's."""
    file = os.open(path, _CREATE, 0o600)
    try:
        _write_whole(file, content)
        os.fsync(file)
    finally:
        os.close(file)


def sync_folder(path: Path) -> None:
    """Make names that were created, moved or removed in `path` durable."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def copy_durably(source: Path, target: Path) -> tuple[int, str]:
    """Copy `source` to the new file `target`, hashing what is written, and flush it.

    A plain read and write: the bytes pass through here for the hash anyway, and in-kernel copies measured no faster.
    Returns: size and SHA-256 in lowercase hex.
    Raises: BadRecording if `source` is no plain file, cannot be read, or changes meanwhile; RetryLater if the folder
    it lies in is away; OSError from the side of `target`.
    """
    with _reading(source) as reader, _creating(target) as writer:
        digest = hashlib.sha256()
        before = os.fstat(reader)
        size_bytes = 0
        while chunk := _read(reader, source):
            digest.update(chunk)
            _write_whole(writer, chunk)
            size_bytes += len(chunk)
        after = os.fstat(reader)
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or size_bytes != after.st_size:
            raise BadRecording(f"{source.name!r} changed while it was read", hint="It is taken when it has settled.")
        os.fsync(writer)
    return size_bytes, digest.hexdigest()


def room_bytes(folder: Path) -> tuple[int, int]:
    """Free room for this user, and the size of the whole file system."""
    numbers = os.statvfs(folder)
    return numbers.f_bavail * numbers.f_frsize, numbers.f_blocks * numbers.f_frsize


def away(exc: OSError, folder: Path) -> RetryLater:
    """What a source is told when `folder` of the hub cannot take a recording now."""
    if exc.errno in _FULL:
        return RetryLater(
            f"The disk of {folder} is full", after=timedelta(seconds=10), hint=f"Make room on the disk of {folder}."
        )
    return RetryLater(
        f"{folder} cannot be written: {exc.strerror}",
        after=timedelta(seconds=10),
        hint=f"See whether {folder} is mounted, writable and owned by the hub's user.",
    )


@contextmanager
def _reading(path: Path) -> Iterator[int]:
    try:
        file = os.open(path, _READ)
    except OSError as exc:
        raise _unreadable(exc, path) from exc
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise BadRecording(f"{path.name!r} is no plain file", hint="Only plain files are taken as recordings.")
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        yield file
    finally:
        os.close(file)


@contextmanager
def _creating(path: Path) -> Iterator[int]:
    file = os.open(path, _CREATE, 0o600)
    try:
        yield file
    finally:
        os.close(file)


def _read(file: int, path: Path) -> bytes:
    try:
        return os.read(file, _CHUNK_BYTES)
    except OSError as exc:
        raise _unreadable(exc, path) from exc


def _unreadable(exc: OSError, path: Path) -> BadRecording | RetryLater:
    if exc.errno in _AWAY:
        return RetryLater(
            f"The folder of {path.name!r} is away: {exc.strerror}", hint=f"See whether {path.parent} is mounted."
        )
    if exc.errno == errno.ELOOP:
        return BadRecording(f"{path.name!r} is a symbolic link", hint="Only plain files are taken as recordings.")
    return BadRecording(
        f"{path.name!r} cannot be read: {exc.strerror}",
        hint="See whether it still exists and the hub's user may read it.",
    )


def _write_whole(file: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(file, view) :]
