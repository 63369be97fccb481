"""Alarms on their way to the board, kept in memory while the database is away."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from hub.alerts.alarm import is_worse
from hub.db.errors import DatabaseAway
from hub.sdk import Alarm

_log = structlog.get_logger(__name__)
_BATCH = 100
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.1, 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to become of one key of a source: raised, cleared, or first the one and then the other.

    key: None stands for all alarms of the source, which are to be cleared. alarm: the latest raise, with the moments of
    the first and the last one and their count. cleared_ms: when it was over, None if it is to stay open.
    """

    source: str
    key: str | None
    alarm: Alarm | None
    first_ms: int
    last_ms: int
    times: int = 1
    cleared_ms: int | None = None

    def then(self, later: "Wish") -> "Wish":
        """Both in one."""
        if later.alarm is None:
            return replace(self, cleared_ms=later.cleared_ms)
        if self.alarm is None:
            return later
        return replace(later, first_ms=self.first_ms, times=self.times + later.times)


class PendingAlarms:
    """A bounded queue, one wish for each key, and the thread that writes it; the thread lives while there is something.

    write: puts wishes on the board in one transaction; after DatabaseAway the same wishes come again.
    tell_lost: told how many wishes had to be dropped, once the database is back; its answer joins the queue.
    """

    def __init__(
        self, write: Callable[[Sequence[Wish]], None], tell_lost: Callable[[int], Wish], *, limit: int = 1000
    ) -> None:
        self._write = write
        self._tell_lost = tell_lost
        self._limit = limit
        self._wishes: OrderedDict[tuple[str, str | None], Wish] = OrderedDict()
        self._under_way = 0
        self._lost = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = False

    def add(self, wish: Wish) -> None:
        """Queue a wish; never waits for the database."""
        with self._changed:
            if self._closing:
                _log_dropped(wish)
                return
            self._add(wish)
            if self._thread is None and self._wishes:
                self._thread = threading.Thread(target=self._run, name="alarms", daemon=True)
                self._thread.start()

    def flush(self, timeout_s: float) -> int:
        """Wait until everything queued is written.

        Returns: how many wishes are left after `timeout_s`.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._left(), timeout_s)
            return self._left()

    def close(self, timeout_s: float) -> int:
        """Write what is queued if that works within `timeout_s`, and stop trying.

        Returns: how many wishes are lost.
        """
        self.flush(timeout_s)
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(timeout_s)
        with self._changed:
            left = self._left()
            for wish in self._wishes.values():
                _log_dropped(wish)
            self._wishes.clear()
            return left

    def _left(self) -> int:
        return len(self._wishes) + self._under_way + bool(self._lost)

    def _add(self, wish: Wish) -> None:
        place = (wish.source, wish.key)
        older = self._wishes.pop(place, None)
        if older is None and len(self._wishes) >= self._limit:
            dropped = self._least(wish)
            self._lost += 1
            _log_dropped(dropped)
            if dropped is wish:
                return
            del self._wishes[dropped.source, dropped.key]
        self._wishes[place] = wish if older is None else older.then(wish)

    def _least(self, new: Wish) -> Wish:
        """Which of the queued wishes and `new` matters least: the least severe, and among these the newest."""
        least = new
        for wish in reversed(self._wishes.values()):
            if wish.alarm is not None and (least.alarm is None or is_worse(least.alarm.severity, wish.alarm.severity)):
                least = wish
        return least

    def _run(self) -> None:
        wait_s = _FIRST_WAIT_S
        while True:
            batch = self._take()
            if not batch:
                return
            try:
                self._write_each(batch)
            except DatabaseAway as exc:
                _log.debug("alarms.delayed", reason=str(exc), alarms=len(batch))
                self._put_back(batch)
                with self._changed:
                    self._changed.wait_for(lambda: self._closing, wait_s)
                wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
            else:
                wait_s = _FIRST_WAIT_S
                self._note_written()

    def _take(self) -> list[Wish]:
        """The oldest wishes; none when the thread is to end."""
        with self._changed:
            if self._closing or not self._wishes:
                self._thread = None
                self._changed.notify_all()
                return []
            batch = [self._wishes.popitem(last=False)[1] for _ in range(min(_BATCH, len(self._wishes)))]
            self._under_way = len(batch)
            return batch

    def _write_each(self, batch: list[Wish]) -> None:
        """Write the batch; if the board cannot take it, one by one, so that a bad one does not keep the others out."""
        try:
            self._write(batch)
        except DatabaseAway:
            raise
        except Exception:  # noqa: BLE001 - one wish that cannot be written must not keep the others out
            _log.exception("alarms.refused", alarms=len(batch))
            if len(batch) == 1:
                return
            while batch:
                self._write_each(batch[:1])
                del batch[:1]

    def _put_back(self, batch: list[Wish]) -> None:
        with self._changed:
            later, self._wishes, self._under_way = self._wishes, OrderedDict(), 0
            for wish in batch:
                self._wishes[wish.source, wish.key] = wish
            for wish in later.values():
                self._add(wish)

    def _note_written(self) -> None:
        with self._changed:
            self._under_way = 0
            if self._lost:
                self._add(self._tell_lost(self._lost))
                self._lost = 0
            self._changed.notify_all()


def _log_dropped(wish: Wish) -> None:
    if wish.alarm is None:
        _log.warning("alarm.clear_dropped", source=wish.source, key=wish.key)
    else:
        _log.warning("alarm.dropped", source=wish.source, code=wish.alarm.code, severity=wish.alarm.severity.value)
