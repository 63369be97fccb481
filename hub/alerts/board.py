"""The board: each condition once, from its raise to its end."""

import hashlib
from collections.abc import Sequence

from sqlalchemy.orm import Session

from hub.alerts import entries
from hub.alerts.alarm import BoardAlarm
from hub.alerts.codes.system import ALARMS_LOST
from hub.alerts.entries import Raise
from hub.alerts.errors import AlarmGone
from hub.alerts.pending import PendingAlarms, Wish
from hub.audit.action import Action
from hub.audit.actor import Actor
from hub.audit.trail import append
from hub.catalog.query import Cursor, Page
from hub.clock import Clock, to_ms, utc_now
from hub.db.database import Database
from hub.db.plain import storable_text
from hub.sdk import Alarm, Severity

HUB = "hub"
"""The source of alarms that belong to no device or store."""

_SOURCE_LENGTH, _KEY_LENGTH = 64, 255


class Board:
    """What is wrong now, and what was. Every raise and clear writes its event in the same transaction.

    The plain methods raise DatabaseAway; the `_soon` ones never wait for the database and never raise: they keep a
    bounded queue in memory, written in the background, so that nothing is missed while the database is away.
    """

    def __init__(self, db: Database, *, clock: Clock = utc_now, pending_limit: int = 1000) -> None:
        self._db = db
        self._clock = clock
        self._pending = PendingAlarms(self._write, self._lost, limit=pending_limit)

    def raise_alarm(self, source: str, alarm: Alarm) -> int:
        """Raise a condition, or count it once more if it is open.

        source: "instance:<id>" or "hub".
        Returns: its id.
        """
        with self._db.write() as session:
            return self.raise_in(session, source, alarm)

    def raise_in(self, session: Session, source: str, alarm: Alarm) -> int:
        """The same within the caller's transaction."""
        now_ms = self._now_ms()
        return entries.raise_entry(session, _short(source), Raise(_tidy(alarm), now_ms, now_ms))

    def note(self, source: str, alarm: Alarm) -> int:
        """Enter something that happened and needs nobody's attention: it goes to the history at once.

        Returns: its id.
        """
        now_ms = self._now_ms()
        with self._db.write() as session:
            return entries.note_entry(session, _short(source), Raise(_tidy(alarm), now_ms, now_ms))

    def clear(self, source: str, key: str) -> bool:
        """The condition is over.

        Returns: whether it was open.
        """
        with self._db.write() as session:
            return self.clear_in(session, source, key)

    def clear_in(self, session: Session, source: str, key: str) -> bool:
        """The same within the caller's transaction."""
        return entries.clear_entries(session, _short(source), _short_key(key), self._now_ms()) > 0

    def clear_all(self, source: str) -> int:
        """All conditions of the source are over: it was stopped or deleted.

        Returns: how many were open.
        """
        with self._db.write() as session:
            return entries.clear_entries(session, _short(source), None, self._now_ms())

    def raise_soon(self, source: str, alarm: Alarm) -> None:
        """Raise a condition in the background."""
        now_ms = self._now_ms()
        tidy = _tidy(alarm)
        self._pending.add(Wish(source=_short(source), key=tidy.key, alarm=tidy, first_ms=now_ms, last_ms=now_ms))

    def clear_soon(self, source: str, key: str) -> None:
        """Clear a condition in the background."""
        self._pending.add(self._clearing(source, _short_key(key)))

    def clear_all_soon(self, source: str) -> None:
        """Clear all conditions of a source in the background; what is raised after this stays."""
        self._pending.add(self._clearing(source, None))

    def flush(self, timeout_s: float = 5.0) -> int:
        """Wait for what was asked for in the background.

        Returns: how many wishes are still waiting after `timeout_s`.
        """
        return self._pending.flush(timeout_s)

    def close(self, timeout_s: float = 5.0) -> int:
        """Write what is waiting, within `timeout_s`, and stop.

        Returns: how many wishes were lost, each named in the log.
        """
        return self._pending.close(timeout_s)

    def list_open(self, source: str | None = None, limit: int = 1000) -> list[BoardAlarm]:
        """The open alarms (of one source), the worst first, then the newest first."""
        with self._db.read() as session:
            return entries.open_entries(session, source, limit)

    def list_history(self, before: Cursor | None = None, limit: int = 50) -> Page[BoardAlarm]:
        """Alarms that are over, newest first; `before` is the `older` of the page above."""
        with self._db.read() as session:
            found = entries.past_entries(session, before, limit + 1)
        items = tuple(found[:limit])
        more = len(found) > limit
        return Page(items, older=Cursor(to_ms(items[-1].raised_at), items[-1].id) if more else None)

    def count_open(self) -> dict[Severity, int]:
        """How many are open, for each severity."""
        with self._db.read() as session:
            return entries.count_open(session)

    def get(self, alarm_id: int) -> BoardAlarm | None:
        """One alarm, open or over; None if there is none."""
        with self._db.read() as session:
            return entries.find(session, alarm_id)

    def acknowledge(self, alarm_id: int, actor: Actor) -> BoardAlarm:
        """Somebody has seen it; what merely happened is over with that, a condition stays open until it ends.

        Raises: AlarmGone if it is not open any more.
        """
        with self._db.write() as session:
            alarm = entries.find(session, alarm_id, lock=True)
            if alarm is None or not alarm.is_open:
                raise AlarmGone("This alarm is not open any more.", hint="The history of alarms shows it.")
            if alarm.acknowledged_at is None:
                self._acknowledge(session, alarm, actor)
            return entries.find(session, alarm_id) or alarm

    def acknowledge_all(self, actor: Actor) -> int:
        """Acknowledge every open alarm.

        Returns: how many were not acknowledged before.
        """
        with self._db.write() as session:
            unseen = entries.unseen_entries(session)
            for alarm in unseen:
                self._acknowledge(session, alarm, actor)
        return len(unseen)

    def prune(self, older_than_ms: int, limit: int = 1000) -> int:
        """Forget alarms that were over before this moment.

        Returns: how many; if it is `limit`, there may be more.
        """
        with self._db.write() as session:
            return entries.delete_past(session, older_than_ms, limit)

    def _acknowledge(self, session: Session, alarm: BoardAlarm, actor: Actor) -> None:
        entries.acknowledge_entry(session, alarm, actor.login, self._now_ms())
        append(
            session,
            actor,
            Action.ALARM_ACKNOWLEDGE,
            subject=f"alarm:{alarm.id}",
            facts={"code": alarm.code, "source": alarm.source},
        )

    def _write(self, wishes: Sequence[Wish]) -> None:
        with self._db.write() as session:
            for wish in wishes:
                if wish.alarm is not None:
                    raised = Raise(wish.alarm, wish.first_ms, wish.last_ms, wish.times)
                    entries.raise_entry(session, wish.source, raised)
                if wish.cleared_ms is not None:
                    entries.clear_entries(session, wish.source, wish.key, wish.cleared_ms)

    def _lost(self, lost: int) -> Wish:
        now_ms = self._now_ms()
        alarm = ALARMS_LOST.alarm("hub.alarms_lost", lost=lost)
        return Wish(source=HUB, key=alarm.key, alarm=alarm, first_ms=now_ms, last_ms=now_ms)

    def _clearing(self, source: str, key: str | None) -> Wish:
        now_ms = self._now_ms()
        return Wish(source=_short(source), key=key, alarm=None, first_ms=now_ms, last_ms=now_ms, cleared_ms=now_ms)

    def _now_ms(self) -> int:
        return to_ms(self._clock())


def _short(source: str) -> str:
    return storable_text(source, _SOURCE_LENGTH)


def _short_key(key: str) -> str:
    """The key as it is stored; one that is too long keeps its beginning and ends in a hash of the whole."""
    clean = storable_text(key, _KEY_LENGTH + 1)
    if len(clean) <= _KEY_LENGTH:
        return clean
    mark = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{clean[: _KEY_LENGTH - 17]}~{mark}"


def _tidy(alarm: Alarm) -> Alarm:
    """The alarm as the table can hold it: its words may come from a file name or a plug-in."""
    return Alarm(
        key=_short_key(alarm.key),
        code=storable_text(alarm.code, 64),
        severity=Severity(alarm.severity),
        text=storable_text(alarm.text, 2000),
        hint=storable_text(alarm.hint, 2000),
    )
