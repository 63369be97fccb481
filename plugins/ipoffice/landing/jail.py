"""What an SFTP client can do: files of its own landing folder, and nothing else.

Source: draft-ietf-secsh-filexfer-02 (SFTP version 3), OpenSSH PROTOCOL section 4.
"""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Callable
from typing import Any, ParamSpec, TypeVar

import asyncssh
from asyncssh.constants import FXF_APPEND, FXF_CREAT, FXF_EXCL, FXF_READ, FXF_TRUNC, FXF_WRITE

from plugins.ipoffice.landing.folder import LandingFolder, OpenFile

P = ParamSpec("P")
T = TypeVar("T")
READ_BYTES_MAX = 256 * 1024
PATH_BYTES_MAX = 4096
FLAGS = ((FXF_CREAT, os.O_CREAT), (FXF_TRUNC, os.O_TRUNC), (FXF_EXCL, os.O_EXCL), (FXF_APPEND, os.O_APPEND))


class Jail(asyncssh.SFTPServer):
    """One SFTP session; links do not exist here, and nothing is left out of the parent's operations."""

    def __init__(self, channel: Any, landing: LandingFolder) -> None:
        super().__init__(channel)
        self._landing = landing

    def map_path(self, path: bytes) -> bytes:  # noqa: ARG002
        """No operation of the parent reaches a file."""
        raise asyncssh.SFTPPermissionDenied("not here")

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> OpenFile:  # noqa: ARG002
        """Open a file for reading or writing."""
        flags = os.O_RDWR if pflags & FXF_READ and pflags & FXF_WRITE else os.O_RDONLY
        if pflags & FXF_WRITE and not pflags & FXF_READ:
            flags = os.O_WRONLY
        for theirs, ours in FLAGS:
            flags |= ours if pflags & theirs else 0
        return self._do(self._landing.open, self._locate(path), flags)

    def open56(self, *_: object) -> OpenFile:
        """Of later versions of the protocol; version 3 is spoken here."""
        raise asyncssh.SFTPOpUnsupported("SFTP version 3 is spoken here")

    async def close(self, file_obj: object) -> None:
        """The client is done with a file, or it is gone."""
        file = _file(file_obj)
        file.broken = self.channel.is_closing()
        await asyncio.to_thread(self._do, self._landing.close, file)

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """Read from a file."""
        return self._do(os.pread, _file(file_obj).fd, min(size, READ_BYTES_MAX), offset)

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Write to a file."""
        return self._do(self._landing.write, _file(file_obj), offset, data)

    def lstat(self, path: bytes) -> os.stat_result:
        """The status of a file or folder."""
        return self._do(self._landing.status, self._locate(path))

    def stat(self, path: bytes) -> os.stat_result:
        """The same, for there are no links."""
        return self.lstat(path)

    def fstat(self, file_obj: object) -> os.stat_result:
        """The status of an open file."""
        return os.fstat(_file(file_obj).fd)

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Set the times; who owns a file and who may read it is the hub's affair."""
        if attrs.mtime is not None:
            self._do(self._landing.set_times, self._locate(path), _times_ns(attrs))

    def lsetstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """The same, for there are no links."""
        self.setstat(path, attrs)

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        """Set the times of an open file, or cut it off."""
        file = _file(file_obj)
        if attrs.size is not None and file.writes and attrs.size <= os.fstat(file.fd).st_size:
            os.ftruncate(file.fd, attrs.size)
        if attrs.mtime is not None:
            os.utime(file.fd, ns=_times_ns(attrs))

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        """The entries of a folder."""
        try:
            for name, status in self._landing.entries(self._locate(path)):
                yield asyncssh.SFTPName(os.fsencode(name), attrs=asyncssh.SFTPAttrs.from_local(status))
        except OSError as error:
            raise _refusal(error) from None

    def remove(self, path: bytes) -> None:
        """Delete a file."""
        self._do(self._landing.remove, self._locate(path))

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:  # noqa: ARG002
        """Make a folder."""
        self._do(self._landing.make_folder, self._locate(path))

    def rmdir(self, path: bytes) -> None:
        """Remove an empty folder."""
        self._do(self._landing.remove_folder, self._locate(path))

    def realpath(self, path: bytes) -> bytes:
        """The path as it is shown; there are no links to follow."""
        return b"/" + os.fsencode(self._locate(path))

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Give a file another name that is free."""
        old, new = self._locate(oldpath), self._locate(newpath)
        self._do(lambda: self._landing.rename(old, new, replaces=False))

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Give a file another name, and replace what has it."""
        old, new = self._locate(oldpath), self._locate(newpath)
        self._do(lambda: self._landing.rename(old, new, replaces=True))

    def readlink(self, path: bytes) -> bytes:  # noqa: ARG002
        """There are no links."""
        raise asyncssh.SFTPOpUnsupported("there are no links here")

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:  # noqa: ARG002
        """There are no links."""
        raise asyncssh.SFTPOpUnsupported("links cannot be made here")

    def link(self, oldpath: bytes, newpath: bytes) -> None:  # noqa: ARG002
        """There are no links."""
        raise asyncssh.SFTPOpUnsupported("links cannot be made here")

    def statvfs(self, path: bytes) -> os.statvfs_result:  # noqa: ARG002
        """How much room there is."""
        return os.statvfs(self._landing.root)

    def fstatvfs(self, file_obj: object) -> os.statvfs_result:  # noqa: ARG002
        """How much room there is."""
        return os.statvfs(self._landing.root)

    async def fsync(self, file_obj: object) -> None:
        """Flush a file to the disk."""
        await asyncio.to_thread(os.fsync, _file(file_obj).fd)

    def _locate(self, path: bytes) -> str:
        if b"\0" in path or len(path) > PATH_BYTES_MAX:
            raise asyncssh.SFTPNoSuchFile("no such file")
        return self._landing.locate(path)

    @staticmethod
    def _do(work: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
        """Do it, and tell the client only what it may know."""
        try:
            return work(*arguments, **keywords)
        except OSError as error:
            raise _refusal(error) from None


def _file(file_obj: object) -> OpenFile:
    if not isinstance(file_obj, OpenFile):
        raise asyncssh.SFTPInvalidHandle("no such handle")
    return file_obj


def _refusal(error: OSError) -> asyncssh.SFTPError:
    """The answer to the client; errors that speak of this machine's own paths do not get out."""
    text = os.strerror(error.errno) if error.errno else "failed"
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return asyncssh.SFTPNoSuchFile(text)
    if error.errno in {errno.ELOOP, errno.EACCES, errno.EPERM, errno.EISDIR}:
        return asyncssh.SFTPPermissionDenied("permission denied")
    if error.errno in {errno.EDQUOT, errno.ENOSPC, errno.EMFILE}:
        return asyncssh.SFTPFailure(error.args[-1] if isinstance(error.args[-1], str) else text)
    return asyncssh.SFTPFailure(text)


def _times_ns(attrs: asyncssh.SFTPAttrs) -> tuple[int, int]:
    """(access, modification) in nanoseconds."""
    modified_s = attrs.mtime or 0
    accessed_s = modified_s if attrs.atime is None else attrs.atime
    return int(accessed_s) * 1_000_000_000, int(modified_s) * 1_000_000_000 + int(attrs.mtime_ns or 0)
