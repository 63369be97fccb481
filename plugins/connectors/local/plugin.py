"""A folder of this machine as storage: every object is a file of the same name below it."""

import errno
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, ClassVar

from hub.sdk import (
    BadRecording,
    Connector,
    Deletes,
    Health,
    HealthState,
    Kind,
    NotFound,
    PluginContext,
    PluginInfo,
    RetryLater,
    SettingsError,
    StoredObject,
)
from plugins.connectors.local.marker import MARKER_NAME, read_marker, write_marker
from plugins.connectors.local.settings import LocalSettings
from plugins.connectors.local.tree import (
    IncomingFile,
    Slice,
    closing,
    open_file,
    open_folder,
    remove_leftovers,
    split_key,
    walk,
)

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_NO_SUCH = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})
_BUFFER_BYTES = 1 << 18


class LocalFolder(Connector[LocalSettings], Deletes):
    """Objects are written aside, flushed, and linked to their name only when whole; no name is ever overwritten.

    A marker file tells this folder from the empty mount point that is left when its disk is not mounted.
    """

    info: ClassVar[PluginInfo] = PluginInfo(
        name="local",
        kind=Kind.CONNECTOR,
        title="Local folder",
        summary="A folder of this machine, such as a second disk or a mounted share.",
        settings=LocalSettings,
        icon="folder",
    )

    def __init__(self, settings: LocalSettings, ctx: PluginContext) -> None:
        super().__init__(settings, ctx)
        self._known = ""
        self._is_clean = False

    def check(self) -> Health:
        """Look at the folder and the room on its disk."""
        folder = self.settings.folder
        with self._answering():
            if not folder.exists() and not self._known_marker():
                return self._check_parent()
            if not folder.is_dir():
                self._refuse_missing()
            with self._root() as root:
                room = os.fstatvfs(root)
                self._refuse_read_only(room)
                fresh = not read_marker(root)
            used = fresh and any(folder.iterdir())
        return self._describe(room, "The folder is not empty; what is in there stays as it is." if used else "")

    def put(self, key: str, reader: BinaryIO, size_bytes: int, sha256: str) -> StoredObject:
        """Write aside, flush, then link to the name."""
        parts = split_key(key)
        if parts is None:
            raise BadRecording(f"{key!r} is no key of this store", hint="Choose a key of plain names between slashes.")
        with self._answering(), self._root(write=True) as root, IncomingFile(root) as file:
            file.take(reader, size_bytes, sha256)
            with closing(open_folder(root, parts[:-1], make=True)) as folder:
                file.link(folder, parts[-1], sha256)
        return StoredObject(key=key, size_bytes=size_bytes, sha256=sha256)

    def open(self, key: str, offset: int = 0, length: int | None = None) -> BinaryIO:
        """Read a range of the file."""
        file, size_bytes = self._open_file(key)
        rest = max(size_bytes - offset, 0)
        return io.BufferedReader(Slice(file, offset, rest if length is None else min(length, rest)), _BUFFER_BYTES)

    def stat(self, key: str) -> StoredObject:
        """Its size; a file system keeps no checksums."""
        file, size_bytes = self._open_file(key)
        os.close(file)
        return StoredObject(key=key, size_bytes=size_bytes)

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """Every plain file below the folder."""
        with self._answering(), self._root() as root:
            for key, size_bytes in walk(root, prefix):
                yield StoredObject(key=key, size_bytes=size_bytes)

    def delete(self, key: str) -> None:
        """Remove the file; its folder stays."""
        parts = split_key(key)
        if parts is None:
            return
        with self._answering(), self._root() as root:
            try:
                with closing(open_folder(root, parts[:-1])) as folder:
                    os.unlink(parts[-1], dir_fd=folder)
                    os.fsync(folder)
            except OSError as exc:
                if exc.errno not in _NO_SUCH:
                    raise

    def _open_file(self, key: str) -> tuple[int, int]:
        parts = split_key(key)
        if parts is None:
            raise NotFound(f"{key!r} is no key of this store")
        with self._answering(), self._root() as root:
            try:
                return open_file(root, parts)
            except OSError as exc:
                if exc.errno in _NO_SUCH:
                    raise NotFound(f"No file {key!r} in {self.settings.folder}") from exc
                raise

    @contextmanager
    def _root(self, *, write: bool = False) -> Iterator[int]:
        """Descriptor of the folder, after making sure that it is the one that was set up."""
        folder = self.settings.folder
        known = self._known_marker()
        if write and not known:
            folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        with closing(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)) as root:
            self._refuse_other_disk(root)
            self._refuse_other_folder(root)
            if write and not known:
                self._remember_marker(read_marker(root) or write_marker(root))
            if write and not self._is_clean:
                remove_leftovers(root)
                self._is_clean = True
            yield root

    def _known_marker(self) -> str:
        if not self._known:
            self._known = self.ctx.state.get(f"marker:{self.settings.folder}") or ""
        return self._known

    def _remember_marker(self, marker: str) -> None:
        self.ctx.state.put(f"marker:{self.settings.folder}", marker)
        self._known = marker

    def _refuse_other_folder(self, root: int) -> None:
        folder, known, found = self.settings.folder, self._known_marker(), read_marker(root)
        if known and found != known:
            raise RetryLater(
                f"{folder} is not the folder that was set up: its marker is {'another' if found else 'missing'}",
                hint=f"Mount its disk. If this is the right folder all the same, write {known} into "
                f"{folder / MARKER_NAME}.",
            )

    def _refuse_other_disk(self, root: int) -> None:
        if self.settings.own_disk and os.fstat(root).st_dev == os.stat("/").st_dev:  # noqa: PTH116 - beside fstat
            raise RetryLater(
                f"{self.settings.folder} lies on the system's disk",
                hint="Mount its own disk, or switch off 'Only on a disk of its own'.",
            )

    def _refuse_missing(self) -> None:
        folder = self.settings.folder
        if folder.exists():
            raise SettingsError(f"{folder} is no folder", field="folder", hint="Give the path of a folder.")
        raise RetryLater(f"{folder} is gone", hint="Mount its disk, or make the folder again from a backup.")

    def _refuse_read_only(self, room: os.statvfs_result) -> None:
        folder = self.settings.folder
        if room.f_flag & os.ST_RDONLY:
            raise RetryLater(f"{folder} is mounted read-only", hint="See the system's log for errors of its disk.")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise RetryLater(f"{folder} cannot be written", hint=f"Give it to the hub's user, with uid {os.geteuid()}.")

    def _check_parent(self) -> Health:
        """The folder is made by the first recording: see whether that will work."""
        parent = next(path for path in self.settings.folder.parents if path.exists())
        if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
            raise SettingsError(
                f"{self.settings.folder} does not exist and cannot be made in {parent}",
                field="folder",
                hint=f"Make it and give it to the hub's user, with uid {os.geteuid()}.",
            )
        return self._describe(os.statvfs(parent), "The folder does not exist yet; the first recording makes it.")

    def _describe(self, room: os.statvfs_result, warning: str) -> Health:
        free_bytes, total_bytes = room.f_bavail * room.f_frsize, max(room.f_blocks * room.f_frsize, 1)
        low = free_bytes * 100 < total_bytes * self.settings.warn_below_percent
        return Health(
            HealthState.DEGRADED if low else HealthState.OK,
            f"{free_bytes / 1e9:.1f} GB of {total_bytes / 1e9:.1f} GB free",
            hint="Make room, or add a larger disk." if low else "",
            numbers={"free_bytes": float(free_bytes), "used_percent": 100 - free_bytes * 100 / total_bytes},
            warnings=(warning,) if warning else (),
        )

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Say what an error of the file system means."""
        try:
            yield
        except OSError as exc:
            folder = self.settings.folder
            if exc.errno in _FULL:
                raise RetryLater(f"The disk of {folder} is full", hint="Make room, or move to a larger disk.") from exc
            raise RetryLater(
                f"{folder} does not answer: {exc.strerror}",
                hint="See whether its disk is mounted, writable and owned by the hub's user.",
            ) from exc
