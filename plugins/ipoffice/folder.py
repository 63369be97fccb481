"""Files of a folder that others write into: reached through descriptors, so that no link leads out of it.

No descriptor is kept open between two calls: a file system that the hub only watches can be unmounted at any time.
Names are text as `os.fsdecode` gives it, whatever bytes they consist of.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase

DEPTH_MAX = 16
WORK_NAME = ".recording-hub"
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Look:
    """What a file looked like: the same again means that nobody wrote to it."""

    size_bytes: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Look":
        """The look of a file by its status."""
        return cls(status.st_size, status.st_mtime_ns, status.st_ino)


@dataclass(frozen=True, slots=True)
class NamePatterns:
    """Which names are recordings: one of `include` fits and none of `exclude`; case does not matter."""

    include: tuple[str, ...]
    exclude: tuple[str, ...] = ()

    def fits(self, path: str) -> bool:
        """Whether the file at `path`, relative to its folder, is to be taken."""
        name = path.rsplit("/", 1)[-1].lower()
        return any(fnmatchcase(name, pattern.lower()) for pattern in self.include) and not any(
            fnmatchcase(name, pattern.lower()) for pattern in self.exclude
        )


@contextmanager
def opened_folder(path: str, dir_fd: int | None = None) -> Iterator[int]:
    """A descriptor of the folder itself; of a folder below `dir_fd` no part may be a link."""
    fd = _open_root(path) if dir_fd is None else _open_below(path, dir_fd)
    try:
        yield fd
    finally:
        os.close(fd)


def _open_root(path: str) -> int:
    """A folder that the settings name, links and all; but the work folder in it must be no link that others made."""
    base, inside, below = path.partition(f"/{WORK_NAME}")
    fd = os.open(base or "/", DIRECTORY)
    if not inside:
        return fd
    try:
        return _open_below(WORK_NAME + below, fd)
    finally:
        os.close(fd)


def _open_below(path: str, dir_fd: int) -> int:
    fd = os.dup(dir_fd)
    for part in filter(None, path.split("/")):
        if part == "..":
            os.close(fd)
            raise PermissionError(f"{path!r} leads upwards")
        try:
            inner = os.open(part, DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
        finally:
            os.close(fd)
        fd = inner
    return fd


@contextmanager
def opened_parent(folder: str, path: str) -> Iterator[tuple[int, str]]:
    """(descriptor of the folder that holds it, last name) of the file at `path` below `folder`."""
    above, _, name = path.rpartition("/")
    with opened_folder(folder) as root, opened_folder(above, root) as parent:
        yield parent, name


def look_at(folder: str, path: str) -> Look | None:
    """The look of the regular file at `path` below `folder`; None if there is none."""
    try:
        with opened_parent(folder, path) as (parent, name):
            status = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        # a part of the path became a symbolic link; or no file can have this name, such as a sidecar's of a long one
        if error.errno in {errno.ELOOP, errno.ENAMETOOLONG}:
            return None
        raise
    return Look.of(status) if stat.S_ISREG(status.st_mode) else None


def open_regular(folder: str, path: str) -> int:
    """Open the regular file at `path` below `folder` for reading; never a link, a pipe or a device.

    Raises: FileNotFoundError; PermissionError (not a regular file, or not readable).
    """
    with opened_parent(folder, path) as (parent, name):
        # O_NONBLOCK: opening a pipe must not wait for its other end.
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise PermissionError(f"{path!r} is not a regular file")
    return fd


def walk(folder: str, patterns: NamePatterns, *, recursive: bool, skip: str = "") -> Iterator[tuple[str, Look]]:
    """(path relative to `folder`, look) of each file that fits; the folder `skip` below it is left out."""
    with opened_folder(folder) as root:
        yield from _walk(root, "", patterns, recursive, skip)


def _walk(fd: int, prefix: str, patterns: NamePatterns, recursive: bool, skip: str) -> Iterator[tuple[str, Look]]:
    below: list[str] = []
    with os.scandir(fd) as entries:
        for entry in entries:
            path = prefix + entry.name
            with suppress(FileNotFoundError):
                if entry.is_dir(follow_symlinks=False):
                    if recursive and path != skip and prefix.count("/") < DEPTH_MAX:
                        below.append(entry.name)
                elif patterns.fits(path) and entry.is_file(follow_symlinks=False):
                    yield path, Look.of(entry.stat(follow_symlinks=False))
    for name in below:
        try:
            with opened_folder(name, fd) as inner:
                yield from _walk(inner, f"{prefix}{name}/", patterns, recursive, skip)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            continue


def move(source: tuple[str, str], target: tuple[str, str]) -> None:
    """Rename the file at (folder, path) to another (folder, path) on the same file system; folders are made as needed.

    Raises: OSError with EXDEV (another file system), FileNotFoundError (somebody took it).
    """
    folder, path = target
    above, _, name = path.rpartition("/")
    with opened_folder(folder) as root:
        make_folders(root, above)
        with opened_folder(above, root) as inner, opened_parent(*source) as (parent, old_name):
            os.rename(old_name, name, src_dir_fd=parent, dst_dir_fd=inner)


def make_folders(fd: int, path: str) -> None:
    """Make the folders of `path` below the folder `fd`, for the hub alone."""
    made = ""
    for part in filter(None, path.split("/")):
        made = f"{made}/{part}" if made else part
        with suppress(FileExistsError), opened_parent_of(fd, made) as (parent, name):
            os.mkdir(name, 0o700, dir_fd=parent)


@contextmanager
def opened_parent_of(fd: int, path: str) -> Iterator[tuple[int, str]]:
    """Like `opened_parent`, below a folder that is open already."""
    above, _, name = path.rpartition("/")
    with opened_folder(above, fd) as parent:
        yield parent, name


def delete_file(folder: str, path: str) -> None:
    """Delete the file at `path` below `folder`; a missing one is fine."""
    with suppress(FileNotFoundError, NotADirectoryError), opened_parent(folder, path) as (parent, name):
        os.unlink(name, dir_fd=parent)


def prune_folders(folder: str, path: str) -> None:
    """Remove the folder at `path` below `folder` and those above it, as far as they are empty."""
    while path:
        try:
            with opened_parent(folder, path) as (parent, name):
                os.rmdir(name, dir_fd=parent)
        except OSError:
            return
        path = path.rpartition("/")[0]


def show_name(name: str) -> str:
    r"""A file name for people and for the catalog: bytes that are no UTF-8 become \xNN."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
