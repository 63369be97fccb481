"""Files below one folder, reached step by step from its descriptor so that no key and no symlink leads out of it."""

import errno
import fcntl
import hashlib
import io
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, Self

from hub.sdk import BadRecording, RetryLater

RESERVED_PREFIX = ".recording-hub"
INCOMING_NAME = f"{RESERVED_PREFIX}-incoming"
_CHUNK_BYTES = 1 << 20
_NAME_MAX_BYTES = 255
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
# What file systems without hard links say: FAT, and some shares.
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


@contextmanager
def closing(descriptor: int) -> Iterator[int]:
    """Close `descriptor` at the end."""
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def split_key(key: str) -> list[str] | None:
    """The file names that lead to `key`, None if it can be no key here."""
    parts = key.split("/")
    for part in parts:
        if part in {"", ".", ".."} or "\0" in part or part.startswith(RESERVED_PREFIX):
            return None
        try:
            if len(os.fsencode(part)) > _NAME_MAX_BYTES:
                return None
        except UnicodeEncodeError:
            return None
    return parts


def open_folder(root: int, parts: list[str], *, make: bool = False) -> int:
    """Descriptor of the folder that `parts` lead to; `make`: missing ones are made, durably.

    Raises: OSError, also if one of them is a symlink.
    """
    folder = os.dup(root)
    try:
        for part in parts:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, 0o750, dir_fd=folder)
                    os.fsync(folder)
            inner = os.open(part, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
    except BaseException:
        os.close(folder)
        raise
    return folder


def open_file(root: int, parts: list[str]) -> tuple[int, int]:
    """Descriptor and size of the plain file that `parts` lead to.

    Raises: OSError; FileNotFoundError also for what is no plain file.
    """
    with closing(open_folder(root, parts[:-1])) as folder:
        file = os.open(parts[-1], _FILE, dir_fd=folder)
    about = os.fstat(file)
    if not stat.S_ISREG(about.st_mode):
        os.close(file)
        raise FileNotFoundError(errno.ENOENT, "no plain file")
    return file, about.st_size


def walk(root: int, prefix: str) -> Iterator[tuple[str, int]]:
    """Keys that start with `prefix`, and the size of each."""
    top = prefix.rpartition("/")[0]
    parts = split_key(top) if top else []
    if parts is None:
        return
    try:
        folder = open_folder(root, parts)
    except OSError:
        return
    try:
        for path, folders, files, inner in os.fwalk(".", dir_fd=folder):
            folders[:] = [name for name in folders if not name.startswith(RESERVED_PREFIX)]
            below = "/".join([*parts, *path.split("/")[1:]])
            for name in files:
                key = f"{below}/{name}" if below else name
                if key.startswith(prefix) and not name.startswith(RESERVED_PREFIX):
                    with suppress(FileNotFoundError):
                        about = os.stat(name, dir_fd=inner, follow_symlinks=False)
                        if stat.S_ISREG(about.st_mode):
                            yield key, about.st_size
    finally:
        os.close(folder)


class IncomingFile:
    """A file being written aside; used in a `with`, at whose end nothing of it stays but what was linked."""

    def __init__(self, root: int) -> None:
        self._folder = open_folder(root, [INCOMING_NAME], make=True)
        self._name = secrets.token_hex(16)
        try:
            self._file = os.open(
                self._name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640, dir_fd=self._folder
            )
            fcntl.flock(self._file, fcntl.LOCK_EX)
        except BaseException:
            os.close(self._folder)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        with suppress(OSError):
            os.unlink(self._name, dir_fd=self._folder)
        os.close(self._file)
        os.close(self._folder)

    def take(self, reader: BinaryIO, size_bytes: int, sha256: str) -> None:
        """Write all of `reader` and flush it to the disk.

        Raises: BadRecording if the bytes are not what was announced.
        """
        digest = hashlib.sha256()
        taken = 0
        while chunk := _read(reader):
            digest.update(chunk)
            taken += len(chunk)
            view = memoryview(chunk)
            while view:
                view = view[os.write(self._file, view) :]
        if taken != size_bytes or digest.hexdigest() != sha256:
            raise BadRecording(
                f"{taken} bytes with SHA-256 {digest.hexdigest()} came, {size_bytes} with {sha256} were announced",
                hint="The disk that the hub works on may be damaged.",
            )
        os.fsync(self._file)

    def link(self, folder: int, name: str, sha256: str) -> None:
        """Give it its name in `folder`, durably.

        Raises: BadRecording if the name is taken by other bytes.
        """
        try:
            os.link(self._name, name, src_dir_fd=self._folder, dst_dir_fd=folder, follow_symlinks=False)
        except FileExistsError:
            self._compare(folder, name, sha256)
        except OSError as exc:
            if exc.errno not in _NO_LINKS:
                raise
            self._rename(folder, name, sha256)
        os.fsync(folder)

    def _rename(self, folder: int, name: str, sha256: str) -> None:
        try:
            os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            os.rename(self._name, name, src_dir_fd=self._folder, dst_dir_fd=folder)
        else:
            self._compare(folder, name, sha256)

    def _compare(self, folder: int, name: str, sha256: str) -> None:
        try:
            held = os.open(name, _FILE, dir_fd=folder)
        except OSError as exc:
            raise BadRecording(f"{name!r} is taken: {exc.strerror}", hint="Move what is there out of the way.") from exc
        with os.fdopen(held, "rb") as file:
            plain = stat.S_ISREG(os.fstat(held).st_mode)
            if not plain or hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                raise BadRecording(f"{name!r} holds other bytes already", hint="Move that file out of the way.")


def remove_leftovers(root: int) -> None:
    """Remove what dead writers left half written; a living one holds its file's lock."""
    try:
        folder = open_folder(root, [INCOMING_NAME])
    except FileNotFoundError:
        return
    with closing(folder), os.scandir(folder) as listing:
        for item in listing:
            with suppress(OSError), closing(os.open(item.name, _FILE, dir_fd=folder)) as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(item.name, dir_fd=folder)


class Slice(io.RawIOBase):
    """Bytes [offset, offset + length) of an open file, which it closes."""

    def __init__(self, file: int, offset: int, length: int) -> None:
        self._file = file
        self._at = offset
        self._end = offset + length

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # all that BufferedReader ever gives
        """Fill `buffer` as far as the slice goes."""
        chunk = os.pread(self._file, min(len(buffer), max(self._end - self._at, 0)), self._at)
        buffer[: len(chunk)] = chunk
        self._at += len(chunk)
        return len(chunk)

    def close(self) -> None:
        """Close the file, once."""
        if not self.closed:
            os.close(self._file)
        super().close()


def _read(reader: BinaryIO) -> bytes:
    try:
        return reader.read(_CHUNK_BYTES)
    except OSError as exc:
        raise RetryLater(f"What was to be stored cannot be read: {exc}", hint="See the hub's own disk.") from exc
