"""The outbox: events are written in the transaction of what they tell of, and read in the order of their ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import JsonValue
from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from hub.catalog.dialect import is_postgres
from hub.catalog.models import Event
from hub.clock import from_ms, to_ms, utc_now
from hub.db.bulk import insert_rows
from hub.db.plain import storable_json, storable_text


class Topic(StrEnum):
    """What an event tells of."""

    RECORDING_CATALOGUED = "recording.catalogued"
    RECORDING_CHANGED = "recording.changed"
    INSTANCE_HEALTH = "instance.health"
    LIVE_CHANGED = "live.changed"
    ALARM_RAISED = "alarm.raised"
    ALARM_ACKNOWLEDGED = "alarm.acknowledged"
    ALARM_CLEARED = "alarm.cleared"
    QUARANTINE_CHANGED = "quarantine.changed"
    SPOOL_CHANGED = "spool.changed"


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event. at: aware UTC."""

    id: int
    topic: str
    subject: str
    payload: Mapping[str, Any]
    at: datetime


_EVENT = Event.table()


def append(session: Session, topic: str, subject: str, payload: Mapping[str, JsonValue]) -> None:
    """Add one event; readers see it once the transaction is committed."""
    append_many(session, [(topic, subject, payload)])


def append_many(session: Session, events: Sequence[tuple[str, str, Mapping[str, JsonValue]]]) -> None:
    """Add several events of (topic, subject, payload), in this order."""
    if not events:
        return
    created_ms = to_ms(utc_now())
    rows: list[dict[str, Any]] = [
        {
            "topic": topic,
            "subject": storable_text(subject, 255),
            "payload": storable_json(payload),
            "created_ms": created_ms,
        }
        for topic, subject, payload in events
    ]
    if is_postgres(session):
        first = _first_id(session, len(rows))
        rows = [row | {"id": first + place} for place, row in enumerate(rows)]
    insert_rows(session, _EVENT, rows)


def after(session: Session, last_id: int, limit: int = 500) -> list[StoredEvent]:
    """Events with an id above `last_id`, in order; none is skipped by a reader that goes on from the last id it got."""
    settled, newest = _ends(session)
    since = last_id if last_id < newest else 0  # a database restored from a backup counts anew
    rows = session.execute(
        select(_EVENT).where(_EVENT.c.id > since, _EVENT.c.id < settled).order_by(_EVENT.c.id).limit(limit)
    )
    return [StoredEvent(row.id, row.topic, row.subject, row.payload, from_ms(row.created_ms)) for row in rows]


def last_id(session: Session) -> int:
    """Where a reader begins who wants only what happens from now on."""
    settled, _ = _ends(session)
    return session.scalar(select(func.max(_EVENT.c.id)).where(_EVENT.c.id < settled)) or 0


def prune(session: Session, older_than: datetime) -> int:
    """Forget old events.

    Returns: how many.
    """
    forgotten = session.execute(delete(_EVENT).where(_EVENT.c.created_ms < to_ms(older_than)).returning(_EVENT.c.id))
    return len(forgotten.all())


def _first_id(session: Session, n: int) -> int:
    """The first of `n` ids: the transaction's number, and the place among the events of the transaction.

    PostgreSQL commits transactions in any order. A number from a sequence could become visible after a higher one; a
    transaction's number is known to be settled once no older transaction runs.
    """
    transaction: int = session.execute(text("SELECT pg_current_xact_id()::text::bigint")).scalar_one()
    place: int = session.info.get(_EVENTS_SO_FAR, 0)
    session.info[_EVENTS_SO_FAR] = place + n
    if place + n > 1 << _PLACE_BITS:
        raise ValueError("too many events in one transaction")
    return (transaction << _PLACE_BITS) + place


def _ends(session: Session) -> tuple[int, int]:
    """(below this every event is settled, no event has this id or a higher one)."""
    if not is_postgres(session):
        newest = session.scalar(_SQLITE_NEWEST) or 0
        return newest + 1, newest + 1
    settled, newest = session.execute(_POSTGRES_ENDS).one()
    return settled << _PLACE_BITS, newest << _PLACE_BITS


_EVENTS_SO_FAR = "events"
_PLACE_BITS = 16
_SQLITE_NEWEST = text("SELECT seq FROM sqlite_sequence WHERE name = 'event'")
# The oldest transaction that was running when the snapshot was taken; those of other databases write no events here.
_POSTGRES_ENDS = text("""
SELECT
    coalesce(min(running.number::text::bigint), pg_snapshot_xmax(pg_current_snapshot())::text::bigint),
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint
FROM pg_snapshot_xip(pg_current_snapshot()) AS running (number)
WHERE NOT EXISTS (
    SELECT 1 FROM pg_stat_activity
    WHERE datname <> current_database() AND backend_xid::text::bigint = running.number::text::bigint % 4294967296
)
""")
