"""Watching the spool's folder: what has come, whether sources have room, and whether anything waits for too long."""

import time
from contextlib import suppress
from datetime import UTC, datetime

from hub.ingest.conditions import Conditions
from hub.ingest.durable import room_bytes
from hub.ingest.spool import Spool, reserve_bytes
from hub.ingest.work import Work

_LIST_EVERY_S = 2.0
_AGAIN_S = 0.2
_FRESH_S = 1.0
_HEALTH_EVERY_S = 5.0
_STUCK_S = 300.0


class SpoolWatch:
    """Lists the spool only when something may have changed: its folder, entries put back, or time."""

    def __init__(self, spool: Spool, work: Work, conditions: Conditions) -> None:
        self._spool = spool
        self._work = work
        self._conditions = conditions
        self._seen_ns = 0
        self._listed_s = 0.0
        self._was_cut = False
        self._next_health_s = 0.0

    def list(self, limit: int) -> list[str]:
        """Receipts of what waits, the oldest first; nothing if nothing changed since the last time."""
        changed_ns = self._spool.ready.stat().st_mtime_ns
        since_s = time.monotonic() - self._listed_s
        # A folder's time has the grain of the kernel's clock tick: something may come after the listing within one.
        is_fresh = time.time() - changed_ns / 1e9 < _FRESH_S
        again = self._work.look_again.is_set() and since_s > _AGAIN_S
        if not (changed_ns != self._seen_ns or is_fresh or again or self._was_cut or since_s > _LIST_EVERY_S):
            return []
        self._work.look_again.clear()
        self._seen_ns, self._listed_s = changed_ns, time.monotonic()
        names = self._spool.entries(limit)
        self._was_cut = len(names) == limit
        return [name for name in names if self._work.may_take(name)]

    def look(self, in_work: int) -> None:
        """Now and then say whether the spool is well."""
        if time.monotonic() < self._next_health_s:
            return
        self._next_health_s = time.monotonic() + _HEALTH_EVERY_S
        free, total = room_bytes(self._spool.folder)
        if free < reserve_bytes(total):
            self._conditions.spool_full(f"{free / 1e6:.0f} MB are free on the disk of {self._spool.folder}")
        else:
            self._conditions.spool_has_room()
        self._tell_stuck(in_work)

    def _tell_stuck(self, in_work: int) -> None:
        oldest = self._spool.entries()
        age_s = 0.0
        with suppress(IndexError, FileNotFoundError):
            since = (self._spool.ready / oldest[0]).stat().st_mtime
            age_s = time.time() - since
        if age_s < _STUCK_S:
            self._conditions.spool_moves()
            return
        shown = datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%d %H:%M UTC")
        reason = "the hub works on them" if in_work else "they are not taken up"
        self._conditions.spool_stuck(self._spool.count(), shown, reason)
