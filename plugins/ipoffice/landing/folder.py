"""The landing folder of one sending server: the only files it sees, within its quota."""

import errno
import os
import posixpath
import stat
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from plugins.ipoffice import folder as files

OPEN_MAX = 64
FOLDERS_MAX = 1000
DEPTH_MAX = 8
RECENT_MAX = 2000
RECENT_S = 900.0
FREE_BYTES_MIN = 256 << 20
FILES_MAX = 100_000
MEASURE_EVERY_S = 2.0


@dataclass(slots=True)
class OpenFile:
    """One open file. appends: wherever it is written to, it grows at its end. broken: its sender went away."""

    fd: int
    path: str
    writes: bool
    appends: bool = False
    broken: bool = True


class LandingFolder:
    """What one sender may do in its folder; all its connections share it. Paths are relative and normal."""

    def __init__(self, root: str, quota_bytes: int) -> None:
        self.root = root
        self.quota_bytes = quota_bytes
        self._open: list[OpenFile] = []
        self._broken: set[str] = set()
        self._recent: OrderedDict[str, tuple[float, os.stat_result]] = OrderedDict()
        self._measured_s: float | None = None
        self._used_bytes = 0
        self._free_bytes = 0
        self._files = 0

    def locate(self, path: bytes) -> str:
        """The path below the folder that a client means; `..` ends at the top."""
        normal = posixpath.normpath(posixpath.join(b"/", path)).lstrip(b"/")
        return "" if normal == b"." else os.fsdecode(normal)

    def doubt(self, path: str, whole: bool | None) -> bool | None:
        """Whether an upload is whole, where its content says `whole`: not while it goes on, and hardly if it broke."""
        if any(file.writes and file.path == path for file in self._open):
            return False
        return False if whole is None and path in self._broken else whole

    def open(self, path: str, flags: int) -> OpenFile:
        """Open a regular file; one that is made is for the hub alone.

        Raises: OSError.
        """
        if len(self._open) >= OPEN_MAX:
            raise OSError(errno.EMFILE, f"more than {OPEN_MAX} files at once")
        writes = flags & os.O_ACCMODE != os.O_RDONLY
        if writes:
            self._check_room(0)
        appends = bool(flags & os.O_APPEND)
        flags = flags & ~os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with files.opened_parent(self.root, path) as (parent, name):
            fd = os.open(name, flags, 0o600, dir_fd=parent)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise OSError(errno.EACCES, "not a regular file")
        file = OpenFile(fd, path, writes, appends)
        self._open.append(file)
        self._files += writes
        if flags & os.O_TRUNC:
            self._measured_s = None
        return file

    def write(self, file: OpenFile, offset: int, data: bytes) -> int:
        """Write at `offset`, within the quota.

        Raises: OSError.
        """
        size = os.fstat(file.fd).st_size
        offset = size if file.appends else offset
        growth = max(0, offset + len(data) - size)
        if growth > self.quota_bytes:
            raise OSError(errno.EDQUOT, "more than the quota of this folder")
        self._check_room(growth)
        written = 0
        while written < len(data):
            written += os.pwrite(file.fd, data[written:], offset + written)
        return written

    def close(self, file: OpenFile) -> None:
        """Close a file. What was written to it is on the disk before the sender hears that all is well."""
        try:
            if file.writes:
                os.fsync(file.fd)
                self._remember(file.path, os.fstat(file.fd))
        finally:
            if file in self._open:
                self._open.remove(file)
            # The folder is noted as unfinished before the kernel announces the close.
            if file.writes and file.broken:
                if len(self._broken) < FILES_MAX:
                    self._broken.add(file.path)
            else:
                self._broken.discard(file.path)
            os.close(file.fd)
        if file.writes and not file.broken:
            self._sync(file.path)

    def status(self, path: str) -> os.stat_result:
        """The status of a file or folder; of an upload that the hub took meanwhile, what it was.

        Raises: OSError.
        """
        try:
            if not path:
                with files.opened_folder(self.root) as fd:
                    return os.fstat(fd)
            with files.opened_parent(self.root, path) as (parent, name):
                return os.stat(name, dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            known = self._recall(path)
            if known is None:
                raise
            return known

    def entries(self, path: str) -> Iterator[tuple[str, os.stat_result]]:
        """(name, status) of everything in a folder.

        Raises: OSError.
        """
        with files.opened_folder(self.root) as root, files.opened_folder(path, root) as fd:
            yield ".", os.fstat(fd)
            yield "..", os.fstat(fd)
            with os.scandir(fd) as found:
                for entry in found:
                    with suppress(FileNotFoundError):
                        yield entry.name, entry.stat(follow_symlinks=False)

    def set_times(self, path: str, times_ns: tuple[int, int]) -> None:
        """Set the times of a file; one that the hub took meanwhile keeps its own.

        Raises: OSError.
        """
        try:
            with files.opened_parent(self.root, path) as (parent, name):
                os.utime(name, ns=times_ns, dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            if self._recall(path) is None:
                raise

    def rename(self, old: str, new: str, *, replaces: bool) -> None:
        """Give a file another name in the folder.

        Raises: OSError.
        """
        above_old, above_new = files.opened_parent(self.root, old), files.opened_parent(self.root, new)
        with above_old as (source, old_name), above_new as (target, new_name):
            status = os.stat(old_name, dir_fd=source, follow_symlinks=False)
            if not replaces and _exists(new_name, target):
                raise OSError(errno.EEXIST, "the new name is taken")
            os.rename(old_name, new_name, src_dir_fd=source, dst_dir_fd=target)
        self._broken.discard(old)
        self._remember(new, status)
        self._sync(new)

    def remove(self, path: str) -> None:
        """Delete a file.

        Raises: OSError.
        """
        with files.opened_parent(self.root, path) as (parent, name):
            os.unlink(name, dir_fd=parent)
        self._broken.discard(path)
        self._recent.pop(path, None)
        self._measured_s = None

    def make_folder(self, path: str) -> None:
        """Make a folder.

        Raises: OSError.
        """
        if path.count("/") >= DEPTH_MAX or self._count_folders() >= FOLDERS_MAX:
            raise OSError(errno.EDQUOT, "too many folders")
        with files.opened_parent(self.root, path) as (parent, name):
            os.mkdir(name, 0o700, dir_fd=parent)

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder.

        Raises: OSError.
        """
        with files.opened_parent(self.root, path) as (parent, name):
            os.rmdir(name, dir_fd=parent)

    def _check_room(self, growth: int) -> None:
        """Refuse what would go beyond the quota, or fill the disk.

        Raises: OSError.
        """
        now_s = time.monotonic()
        if self._measured_s is None or now_s - self._measured_s > MEASURE_EVERY_S:
            sizes = [look.size_bytes for _, look in self._walk()]
            self._used_bytes, self._files, self._measured_s = sum(sizes), len(sizes), now_s
            free = os.statvfs(self.root)
            self._free_bytes = free.f_bavail * free.f_frsize
        if self._used_bytes + growth > self.quota_bytes or self._files > FILES_MAX:
            raise OSError(errno.EDQUOT, "the quota of this folder is used up")
        if self._free_bytes < FREE_BYTES_MIN + growth:
            raise OSError(errno.ENOSPC, "the disk is nearly full")
        self._used_bytes += growth
        self._free_bytes -= growth

    def _walk(self) -> Iterator[tuple[str, files.Look]]:
        return files.walk(self.root, files.NamePatterns(("*",)), recursive=True)

    def _count_folders(self) -> int:
        return sum(len(folders) for _, folders, _ in os.walk(self.root))

    def _sync(self, path: str) -> None:
        """Flush the folder of a file, so that its name is on the disk as well."""
        with suppress(OSError), files.opened_parent(self.root, path) as (parent, _):
            os.fsync(parent)

    def _remember(self, path: str, status: os.stat_result) -> None:
        self._recent[path] = (time.monotonic(), status)
        self._recent.move_to_end(path)
        while len(self._recent) > RECENT_MAX:
            self._recent.popitem(last=False)

    def _recall(self, path: str) -> os.stat_result | None:
        at, status = self._recent.get(path, (0.0, None))
        return status if time.monotonic() - at < RECENT_S else None


def _exists(name: str, dir_fd: int) -> bool:
    try:
        os.stat(name, dir_fd=dir_fd, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
