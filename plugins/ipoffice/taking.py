"""Taking one file: moved aside so that nothing else takes it, read, sealed and made into a draft."""

import errno
import hashlib
import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from hub.sdk import RecordingDraft
from plugins.ipoffice import folder as files
from plugins.ipoffice.folder import Look
from plugins.ipoffice.vrl.content import Content
from plugins.ipoffice.vrl.draft import Describer, Origin
from plugins.ipoffice.vrl.facts import Facts
from plugins.ipoffice.vrl.markup import Unreadable
from plugins.ipoffice.vrl.reading import is_whole, read_content
from plugins.ipoffice.vrl.sidecar import SIDECAR_BYTES_MAX, add_sidecar, sidecar_names

BLOCK_BYTES = 256 * 1024
# Five hours, the longest that Voicemail Pro records, are 1.2 GB in the most wasteful of its forms.
RECORDING_BYTES_MAX = 8 << 30
RECORDING, SIDECARS = "r", "s"
EVERYTHING = files.NamePatterns(("*",))


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where one moved file lies: a work folder, and the token under which it is there."""

    work: str
    token: str


class Aside(Exception):
    """The file was moved to `shelf` and cannot be read there now."""

    def __init__(self, shelf: Shelf, error: OSError) -> None:
        super().__init__(error.strerror or str(error))
        self.shelf = shelf


class NotYet(Exception):
    """The file, or a sidecar of it, is still changing: look again later."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where recordings of one server are taken from.

    work: the folder to move them to, on the same file system. moves: whether they are; else they are read in place.
    """

    server: str
    folder: str
    work: str
    moves: bool = True


@dataclass(frozen=True, slots=True)
class Taken:
    """One file in the hub's hands.

    name: relative to its hand-off folder. folder, path: where it lies now. sidecars: paths in the same folder.
    shelf: where it was moved to, None if it was not.
    """

    name: str
    folder: str
    path: str
    look: Look
    sidecars: tuple[str, ...]
    draft: RecordingDraft
    shelf: Shelf | None = None


class Taker:
    """Takes files of one source; every method blocks and may be called from several threads.

    live: what this run has moved and is working on. doubt: has the last word on whether a file is whole.
    """

    doubt: Callable[[str, bool | None], bool | None] | None = None

    def __init__(self, source: Source, describer: Describer, sidecars: tuple[str, ...], settle_age_s: float) -> None:
        self.source = source
        self._describer = describer
        self._sidecars = sidecars
        self.settle_age_s = settle_age_s
        self.live: set[Shelf] = set()
        self._tokens = itertools.count(time.time_ns())

    def is_whole(self, path: str) -> bool | None:
        """Whether the container of a file in the hand-off folder says that all of it is there."""
        try:
            with opened(self.source.folder, path) as fd:
                whole = is_whole(Content.of_file(fd))
        except OSError:
            return None
        return self.doubt(path, whole) if self.doubt else whole

    def has_sidecar(self, path: str) -> bool:
        """Whether a file about the recording lies beside it."""
        return any(files.look_at(self.source.folder, sidecar) for sidecar in self._sidecar_paths(path))

    def take(self, path: str, look: Look) -> Taken:
        """Take the file at `path`, if it still looks as it did when it was found finished.

        Raises: NotYet; FileNotFoundError (somebody else took it); OSError (it cannot be moved or read); Aside.
        """
        folder, work = self.source.folder, self.source.work
        sidecars = [name for name in self._sidecar_paths(path) if self._is_there(name)]
        with opened(folder, path) as fd:  # a file that cannot be read stays where it is
            now = Look.of(os.fstat(fd))
        if now != look:
            raise NotYet
        if look.size_bytes > RECORDING_BYTES_MAX:
            raise OSError(errno.EFBIG, f"it is larger than {RECORDING_BYTES_MAX >> 30} GB")
        if not self.source.moves:
            return self._prepare(path, folder, path, tuple(sidecars))
        shelf = Shelf(work, f"{next(self._tokens):x}")
        self.live.add(shelf)
        try:
            files.move((folder, path), (work, f"{shelf.token}/{RECORDING}/{path}"))
            for sidecar in sidecars:
                with suppress(FileNotFoundError):
                    files.move((folder, sidecar), (work, f"{shelf.token}/{SIDECARS}/{sidecar}"))
        except OSError as error:
            self.live.discard(shelf)
            files.prune_folders(work, f"{shelf.token}/{RECORDING}")
            if error.errno == errno.EXDEV:
                raise OSError(errno.EXDEV, f"the work folder {work} is on another file system") from None
            raise
        taken = self.take_up(shelf)
        if taken is None:
            raise FileNotFoundError(path)
        return taken

    def left_behind(self, work: str) -> list[Shelf]:
        """What earlier runs left in a work folder, oldest first.

        Raises: FileNotFoundError.
        """
        with files.opened_folder(work) as fd, os.scandir(fd) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
        return [shelf for shelf in (Shelf(work, name) for name in names) if shelf not in self.live]

    def take_up(self, shelf: Shelf) -> Taken | None:
        """Take up what was moved to `shelf`; None if nothing is left there.

        Raises: Aside.
        """
        work, token = shelf.work, shelf.token
        try:
            recordings = _list(f"{work}/{token}/{RECORDING}")
            if not recordings:
                remove_empty(Path(work, token))
                return None
            name = recordings[0]
            sidecars = tuple(f"{token}/{SIDECARS}/{path}" for path in _list(f"{work}/{token}/{SIDECARS}"))
            return self._prepare(name, work, f"{token}/{RECORDING}/{name}", sidecars, shelf)
        except OSError as error:
            raise Aside(shelf, error) from None

    def take_again(self, taken: Taken) -> Taken:
        """Seal and read the file anew where it lies, after it changed.

        Raises: OSError.
        """
        return self._prepare(taken.name, taken.folder, taken.path, taken.sidecars, taken.shelf)

    def _sidecar_paths(self, path: str) -> list[str]:
        above, slash, name = path.rpartition("/")
        stem = name.rpartition(".")[0] or name
        return [f"{above}{slash}{sidecar}" for sidecar in sidecar_names(stem, self._sidecars) if sidecar != name]

    def _is_there(self, path: str) -> bool:
        """Whether this sidecar is there; while it is young it must also read well, for it may be half written."""
        look = files.look_at(self.source.folder, path)
        if look is not None and time.time() - look.mtime_ns / 1e9 < self.settle_age_s:
            try:
                add_sidecar(Facts(), path, _read_small(self.source.folder, path))
            except Unreadable:
                raise NotYet from None
        return look is not None

    def _prepare(
        self, name: str, folder: str, path: str, sidecars: tuple[str, ...], shelf: Shelf | None = None
    ) -> Taken:
        with opened(folder, path) as fd:
            look = Look.of(os.fstat(fd))
            reading = read_content(Content.of_file(fd))
            sha256 = hash_file(fd)
        for sidecar in sidecars:
            shown = files.show_name(sidecar.rpartition("/")[2])
            data = _read_small(folder, sidecar)
            try:
                add_sidecar(reading.facts, shown, data)
            except Unreadable as reason:
                reading.facts.note(f"sidecar {shown}: {reason}")
                reading.facts.keep_raw(f"sidecar:{shown}", data, len(data))
        origin = Origin(self.source.server, name, look.mtime_ns)
        draft = self._describer.draft(reading, origin, Path(folder, path), sha256)
        return Taken(name, folder, path, look, sidecars, draft, shelf)


@contextmanager
def opened(folder: str, path: str) -> Iterator[int]:
    """A descriptor of the regular file at `path` below `folder`."""
    fd = files.open_regular(folder, path)
    try:
        yield fd
    finally:
        os.close(fd)


def hash_file(fd: int) -> str:
    """SHA-256 of the whole file, in lowercase hex."""
    digest = hashlib.sha256()
    buffer = bytearray(BLOCK_BYTES)
    view = memoryview(buffer)
    offset = 0
    while size := os.preadv(fd, [buffer], offset):
        digest.update(view[:size])
        offset += size
    return digest.hexdigest()


def release(folder: str, path: str, look: Look, sidecars: tuple[str, ...]) -> bool:
    """Delete a file that the hub holds, and its sidecars; False, and nothing is deleted, if it changed since `look`.

    Raises: OSError.
    """
    now = files.look_at(folder, path)
    if now is not None and now != look:
        return False
    files.delete_file(folder, path)
    for sidecar in sidecars:
        files.delete_file(folder, sidecar)
    return True


def remove_empty(folder: Path) -> None:
    """Remove a folder of the work folder with all empty folders in it."""
    for path, _, _ in os.walk(folder, topdown=False):
        with suppress(OSError):
            Path(path).rmdir()


def tidy(work: str, paths: tuple[str, ...]) -> None:
    """Remove the folders in the work folder that held `paths`, as far as they are empty."""
    for path in paths:
        files.prune_folders(work, path.rpartition("/")[0])


def _list(folder: str) -> list[str]:
    try:
        return [name for name, _ in files.walk(folder, EVERYTHING, recursive=True)]
    except FileNotFoundError:
        return []


def _read_small(folder: str, path: str) -> bytes:
    with opened(folder, path) as fd:
        return os.pread(fd, SIDECAR_BYTES_MAX + 1, 0)
