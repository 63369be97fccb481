"""Decides in a device's process: by the last rules that the supervisor put into a file beside it."""

import time
from collections.abc import Callable
from pathlib import Path

from hub.rules.shares import Shares
from hub.rules.snapshot import Snapshot, read_snapshot
from hub.sdk import CallOutline, Log, State, Verdict

_LOOK_S = 1.0


class Decider:
    """Takes up changed rules within a second. Without any, and should they fail, every call is recorded.

    path: of the snapshot. state: opened only where a rule records a share. Asked from one thread at a time.
    """

    def __init__(
        self,
        device_id: int,
        path: Path,
        state: Callable[[], State],
        log: Log,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._device_id = device_id
        self._path = path
        self._state = state
        self._log = log
        self._clock = clock
        self._shares = Shares()
        self._rulebook = Snapshot().make_ready()
        self._looked_s = float("-inf")
        self._seen: tuple[int, int] | None = None

    def decide(self, call: CallOutline) -> Verdict:
        """What the rules say of a call."""
        try:
            self._look()
            return self._rulebook.decide(call, self._device_id, self._shares)
        except Exception as exc:  # noqa: BLE001 - a fault of our own must cost no recording
            self._log.error("rules.failed", reason=f"{type(exc).__name__}: {exc}")
            return Verdict()

    def close(self) -> None:
        """Keep how far shares were counted."""
        self._shares.close()

    def _look(self) -> None:
        """Read the file anew where it is another one than before; where it cannot be read, the last rules stay."""
        now_s = self._clock()
        if now_s - self._looked_s < _LOOK_S:
            return
        self._looked_s = now_s
        try:
            found = self._path.stat()
        except OSError:
            return
        mark = (found.st_ino, found.st_mtime_ns)
        if mark == self._seen:
            return
        self._seen = mark
        snapshot = read_snapshot(self._path)
        if snapshot is None:
            self._log.warning("rules.unreadable", file=self._path.name)
            return
        self._rulebook = snapshot.make_ready()
        if self._rulebook.counts:
            self._shares.open(self._state())
        self._log.info("rules.read", revision=snapshot.book.revision, rules=len(snapshot.book.rules))
