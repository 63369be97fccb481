"""Which writes are on the disk for sure."""

import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from plugins.pbx_sip.journal.segment import open_segment


class Flush:
    """Brings segments to the disk, from any thread, while others write. done: the number of the last write that is."""

    def __init__(self, folder: Path, segments: Iterable[int], written: int) -> None:
        """segments: those that were written before; written: the number of the last write to them."""
        self.done = 0
        self._folder = folder
        self._written = written
        self._waiting = set(segments)
        self._changes = threading.Lock()
        self._running = threading.Lock()

    def add(self, segment: int) -> int:
        """A segment was written; the number of that write."""
        with self._changes:
            self._waiting.add(segment)
            self._written += 1
            return self._written

    def run(self) -> None:
        """Wait until all that was written before is on the disk. Raises: OSError."""
        with self._running:
            with self._changes:
                segments, self._waiting = self._waiting, set()
                written = self._written
            try:
                for segment in segments:
                    self._flush(segment)
                _flush_folder(self._folder)
            except OSError:
                with self._changes:
                    self._waiting |= segments
                raise
            self.done = written

    def _flush(self, segment: int) -> None:
        with suppress(FileNotFoundError):  # it was reclaimed meanwhile
            file = open_segment(self._folder, segment)
            try:
                os.fdatasync(file)
            finally:
                os.close(file)


def _flush_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
