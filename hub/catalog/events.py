"""The outbox: events are written in the transaction of what they tell of, and read in the order of their ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import JsonValue
from sqlalchemy import ColumnElement, delete, func, insert, literal_column, select, true
from sqlalchemy.orm import Session

from hub.catalog.models import Event
from hub.clock import from_ms, to_ms, utc_now
from hub.db.plain import storable_json, storable_text


class Topic(StrEnum):
    """What an event tells of."""

    RECORDING_CATALOGUED = "recording.catalogued"
    RECORDING_CHANGED = "recording.changed"
    INSTANCE_HEALTH = "instance.health"
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
    shared = {"tx": _transaction(session), "created_ms": to_ms(utc_now())}
    session.execute(
        insert(_EVENT),
        [
            {"topic": topic, "subject": storable_text(subject, 255), "payload": storable_json(payload), **shared}
            for topic, subject, payload in events
        ],
    )


def after(session: Session, last_id: int, limit: int = 500) -> list[StoredEvent]:
    """Events with an id above `last_id`, in order; none is skipped by a reader that goes on from the last id it got."""
    rows = session.execute(
        select(_EVENT).where(_EVENT.c.id > last_id, _settled(session)).order_by(_EVENT.c.id).limit(limit)
    )
    return [StoredEvent(row.id, row.topic, row.subject, row.payload, from_ms(row.created_ms)) for row in rows]


def last_id(session: Session) -> int:
    """Where a reader begins who wants only what happens from now on."""
    return session.scalar(select(func.max(_EVENT.c.id)).where(_settled(session))) or 0


def prune(session: Session, older_than: datetime) -> int:
    """Forget old events.

    Returns: how many.
    """
    forgotten = session.execute(delete(_EVENT).where(_EVENT.c.created_ms < to_ms(older_than)).returning(_EVENT.c.id))
    return len(forgotten.all())


def _transaction(session: Session) -> int:
    """PostgreSQL: the writing transaction's number, taken before the event's id, so that ids rise within horizons."""
    if session.get_bind().dialect.name != "postgresql":
        return 0
    return session.scalar(select(literal_column("pg_current_xact_id()::text::bigint"))) or 0


def _settled(session: Session) -> ColumnElement[bool]:
    """PostgreSQL hands out ids before it commits: wait until every older transaction has ended, or an id is missed."""
    if session.get_bind().dialect.name != "postgresql":
        return true()
    return _EVENT.c.tx < literal_column("pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
