"""Which entries a worker works on, written down before it does, so that its successor knows what it died over."""

import fcntl
import os
import secrets
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path

from hub.ingest.entry import read_attempts, write_attempts
from hub.ingest.spool import Spool
from hub.steps import DurableStep, reached

_FOLDER_NAME = "working"
_CLOSED = -1


class Journal:
    """One file of this worker: a line "+<receipt>" when work on an entry begins, "-<receipt>" when it has ended.

    It outlives the process, and is not flushed to the disk: what a harmful recording can kill is a process.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._lock = threading.Lock()
        self._open = 0
        folder = spool.folder / _FOLDER_NAME
        folder.mkdir(mode=0o700, exist_ok=True)
        self._path, self._file = self._create(folder)

    def begin(self, receipt_id: str) -> None:
        """Work on an entry is about to begin."""
        with self._lock:
            self._open += 1
            self._write(f"+{receipt_id}\n")
        reached(DurableStep.DESK_ATTEMPT_COUNTED)

    def end(self, receipt_id: str) -> None:
        """Work on an entry has come to an end, good or bad."""
        with self._lock:
            self._open -= 1
            self._write(f"-{receipt_id}\n")

    def recover(self) -> int:
        """Count an attempt for each entry that a dead worker left unfinished.

        Returns: how many entries these were.
        """
        counted = 0
        for path in self._path.parent.iterdir():
            if path == self._path:
                continue
            with suppress(FileNotFoundError), path.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                counted += sum(self._count(receipt_id) for receipt_id in _unfinished(file.read()))
                path.unlink(missing_ok=True)
        return counted

    def close(self) -> None:
        """The worker ends in good order; what it still is at goes uncounted."""
        with self._lock:
            self._path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = _CLOSED

    def _write(self, line: str) -> None:
        """Write a line; on a full disk the work goes on without."""
        if self._file == _CLOSED:
            return
        with suppress(OSError):
            if self._open:
                os.write(self._file, line.encode())
            else:
                os.ftruncate(self._file, 0)

    def _create(self, folder: Path) -> tuple[Path, int]:
        while True:
            path = folder / secrets.token_hex(8)
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX)
            if path.exists():  # another worker may have taken it for a dead one's before it was locked
                return path, file
            os.close(file)

    def _count(self, receipt_id: str) -> bool:
        folder = self._spool.ready / Path(receipt_id).name
        if not folder.is_dir():
            return False
        attempts, crashes = read_attempts(folder)
        write_attempts(folder, attempts + 1, crashes)
        return True


def _unfinished(content: bytes) -> list[str]:
    balance: Counter[str] = Counter()
    for line in content.decode("ascii", "replace").splitlines():
        balance[line[1:]] += 1 if line.startswith("+") else -1
    return [receipt_id for receipt_id, count in balance.items() if receipt_id and count > 0]
