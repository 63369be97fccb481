"""What the kernel announces of a folder: files opened, closed and renamed; a listing says the rest.

Announcements are hints. They make a finished file known at once; whether one was lost never matters for longer than
until the next full listing.
"""

import asyncio
import logging
import os
import threading
import warnings
from dataclasses import dataclass, field

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers.inotify import InotifyFullEmitter, InotifyObserver
from watchdog.observers.inotify_c import InotifyConstants, Mask

HINTS_MAX = 50_000
BURST_EVENTS = 4_000
WANTED: list[type[FileSystemEvent]] = [
    FileClosedEvent,
    FileCreatedEvent,
    FileMovedEvent,
    DirCreatedEvent,
    DirMovedEvent,
]


@dataclass(slots=True)
class Hints:
    """What was announced since the last time: paths relative to the folder.

    finished: closed after writing, or renamed into place. opened: made and not closed.
    list_again: so much happened that the kernel may have dropped announcements.
    """

    finished: set[str] = field(default_factory=set)
    opened: set[str] = field(default_factory=set)
    list_again: bool = False


class ArrivalEmitter(InotifyFullEmitter):
    """Hears of arrivals only: each file that the hub itself moves away would be announced as well, and waited for."""

    def get_event_mask_from_filter(self) -> Mask:
        """What the kernel is asked to announce."""
        return Mask(super().get_event_mask_from_filter() & ~InotifyConstants.IN_MOVED_FROM)


class ArrivalObserver(InotifyObserver):
    """An observer whose emitters hear of arrivals only."""

    def __init__(self) -> None:
        super().__init__(generate_full_events=True)
        self._emitter_class = ArrivalEmitter
        # A folder that is made while its parent is looked through is watched twice, which the library finds odd.
        warnings.filterwarnings("ignore", "Callback with id", RuntimeWarning)
        # It also complains about being stopped.
        logging.getLogger("watchdog").setLevel(logging.CRITICAL)

    @property
    def hears(self) -> bool:
        """Whether all threads are alive that an announcement passes."""
        return self.is_alive() and self._inotify_fd.is_alive() and all(emitter.is_alive() for emitter in self.emitters)


class FolderWatch(FileSystemEventHandler):
    """Watches one folder by inotify from `start` to `stop`; `wake` is set when something was announced."""

    def __init__(self, folder: str, *, recursive: bool, wake: asyncio.Event) -> None:
        self.folder = folder
        self.recursive = recursive
        self._wake = wake
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._hints = Hints()
        self._events = 0
        self._observer: ArrivalObserver | None = None

    def start(self) -> None:
        """Begin to watch; what happens from now on is not missed.

        Raises: OSError (the folder is away, or the kernel's limits are reached).
        """
        observer = ArrivalObserver()
        try:
            observer.schedule(self, self.folder, recursive=self.recursive, event_filter=WANTED)
            observer.start()
        except OSError:
            observer.on_thread_stop()
            raise
        self._observer = observer

    def stop(self) -> None:
        """Watch no longer; safe to call twice. Blocks for a moment."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join(5)
            self._observer = None

    @property
    def is_alive(self) -> bool:
        """Whether announcements still arrive."""
        return self._observer is not None and self._observer.hears

    def drain(self) -> Hints:
        """All hints since the last call."""
        with self._lock:
            hints, self._hints = self._hints, Hints()
            hints.list_again |= self._events >= BURST_EVENTS
            if hints.list_again:
                self._events = 0
        return hints

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Note what the observer's thread reports."""
        with self._lock:
            self._events += 1
            hints = self._hints
            if len(hints.finished) + len(hints.opened) >= HINTS_MAX or event.is_directory:
                hints.list_again = True
            else:
                self._note(hints, event)
            first = not self._wake.is_set()
        if first:
            self._loop.call_soon_threadsafe(self._wake.set)

    def _note(self, hints: Hints, event: FileSystemEvent) -> None:
        if isinstance(event, FileMovedEvent | FileClosedEvent):
            path = self._relative(event.dest_path or event.src_path)
            hints.finished.add(path)
            hints.opened.discard(path)
        else:
            path = self._relative(event.src_path)
            hints.opened.add(path)
            hints.finished.discard(path)

    def _relative(self, path: bytes | str) -> str:
        text = os.fsdecode(path)
        prefix = self.folder.rstrip("/") + "/"
        return text[len(prefix) :] if text.startswith(prefix) else ""
