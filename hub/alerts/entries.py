"""The board's table, read and written within a transaction; every change writes its event."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, case, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from hub.alerts.alarm import SEVERITIES, BoardAlarm, board_alarm, is_worse
from hub.alerts.codes.system import ALARMS_MANY
from hub.alerts.models import AlarmEntry
from hub.catalog import events
from hub.catalog.events import Topic
from hub.catalog.query import Cursor
from hub.sdk import Alarm, Severity

OPEN_LIMIT = 500
"""Open alarms of one source; further ones are counted in one alarm, so that one plug-in cannot flood the board."""

_MANY_KEY = "hub.alarms_many"
_alarm: Table = AlarmEntry.table()
_is_open = _alarm.c.cleared_ms.is_(None)


@dataclass(frozen=True, slots=True)
class Raise:
    """An alarm raised `times` times between two moments."""

    alarm: Alarm
    first_ms: int
    last_ms: int
    times: int = 1


def raise_entry(session: Session, source: str, raised: Raise) -> int:
    """Open an alarm, or count it once more. An event tells of a new alarm and of new words, not of a bare repeat.

    Returns: its id.
    """
    while True:
        found = _find_open(session, source, raised.alarm.key)
        if found is not None:
            return _repeat(session, found, raised)
        if raised.alarm.key != _MANY_KEY and _count_of(session, source) >= OPEN_LIMIT:
            return raise_entry(session, source, _one_of_many(source, raised))
        opened = _open(session, source, raised)
        if opened is not None:
            return opened


def note_entry(session: Session, source: str, raised: Raise) -> int:
    """Enter an alarm that is over already.

    Returns: its id.
    """
    values = _first_values(source, raised) | {"cleared_ms": raised.last_ms}
    alarm_id: int = session.execute(_alarm.insert().values(values).returning(_alarm.c.id)).scalar_one()
    _tell_raised(session, alarm_id, source, raised, new=True)
    return alarm_id


def clear_entries(session: Session, source: str, key: str | None, now_ms: int) -> int:
    """Close the open alarm of this key, or all of the source if it is None.

    Returns: how many were open.
    """
    which = [_alarm.c.source == source, _is_open]
    if key is not None:
        which.append(_alarm.c.key == key)
    closed = session.execute(update(_alarm).where(*which).values(cleared_ms=now_ms).returning(*_alarm.c)).mappings()
    alarms = [board_alarm(row) for row in closed]
    events.append_many(session, [_told_cleared(alarm) for alarm in alarms])
    if key not in (None, _MANY_KEY) and alarms and _count_of(session, source) < OPEN_LIMIT:
        clear_entries(session, source, _MANY_KEY, now_ms)
    return len(alarms)


def acknowledge_entry(session: Session, alarm: BoardAlarm, login: str, now_ms: int) -> None:
    """Mark an open alarm as seen; what merely happened is closed."""
    values: dict[str, Any] = {"acknowledged_ms": now_ms, "acknowledged_by": login}
    session.execute(update(_alarm).where(_alarm.c.id == alarm.id).values(values))
    events.append(session, Topic.ALARM_ACKNOWLEDGED, f"alarm:{alarm.id}", {"id": alarm.id})
    if not alarm.is_lasting:
        clear_entries(session, alarm.source, alarm.key, now_ms)


def find(session: Session, alarm_id: int, *, lock: bool = False) -> BoardAlarm | None:
    """One alarm, open or over; lock: nobody else changes it until the transaction ends."""
    query = select(*_alarm.c).where(_alarm.c.id == alarm_id)
    row = session.execute(query.with_for_update() if lock else query).mappings().first()
    return None if row is None else board_alarm(row)


def open_entries(session: Session, source: str | None, limit: int) -> list[BoardAlarm]:
    """Open alarms, the worst first, then the newest first."""
    rank = case({severity.value: place for place, severity in enumerate(SEVERITIES)}, value=_alarm.c.severity)
    query = select(*_alarm.c).where(_is_open).order_by(rank.desc(), _alarm.c.raised_ms.desc(), _alarm.c.id.desc())
    if source is not None:
        query = query.where(_alarm.c.source == source)
    return [board_alarm(row) for row in session.execute(query.limit(limit)).mappings()]


def unseen_entries(session: Session) -> list[BoardAlarm]:
    """Open alarms that nobody acknowledged, locked."""
    query = select(*_alarm.c).where(_is_open, _alarm.c.acknowledged_ms.is_(None)).order_by(_alarm.c.id)
    return [board_alarm(row) for row in session.execute(query.with_for_update()).mappings()]


def past_entries(session: Session, before: Cursor | None, limit: int) -> list[BoardAlarm]:
    """Alarms that are over, newest first."""
    query = select(*_alarm.c).where(_alarm.c.cleared_ms.is_not(None))
    if before is not None:
        query = query.where(tuple_(_alarm.c.raised_ms, _alarm.c.id) < tuple_(before.start_ms, before.id))
    query = query.order_by(_alarm.c.raised_ms.desc(), _alarm.c.id.desc()).limit(limit)
    return [board_alarm(row) for row in session.execute(query).mappings()]


def count_open(session: Session) -> dict[Severity, int]:
    """How many are open, for each severity."""
    counts = dict.fromkeys(SEVERITIES, 0)
    query = select(_alarm.c.severity, func.count()).where(_is_open).group_by(_alarm.c.severity)
    return counts | dict(session.execute(query).all())


def delete_past(session: Session, older_than_ms: int, limit: int) -> int:
    """Forget up to `limit` alarms that were over before this moment."""
    old = select(_alarm.c.id).where(_alarm.c.cleared_ms < older_than_ms).limit(limit)
    ids = session.scalars(old).all()
    session.execute(delete(_alarm).where(_alarm.c.id.in_(ids)))
    return len(ids)


def _find_open(session: Session, source: str, key: str) -> BoardAlarm | None:
    query = select(*_alarm.c).where(_alarm.c.source == source, _alarm.c.key == key, _is_open).with_for_update()
    row = session.execute(query).mappings().first()
    return None if row is None else board_alarm(row)


def _open(session: Session, source: str, raised: Raise) -> int | None:
    """Insert; None if another transaction opened the same alarm meanwhile."""
    insert = postgres_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    statement = insert(_alarm).values(_first_values(source, raised)).on_conflict_do_nothing().returning(_alarm.c.id)
    alarm_id: int | None = session.execute(statement).scalar_one_or_none()
    if alarm_id is not None:
        _tell_raised(session, alarm_id, source, raised, new=True)
    return alarm_id


def _first_values(source: str, raised: Raise) -> dict[str, Any]:
    alarm = raised.alarm
    return {
        "source": source,
        "key": alarm.key,
        "code": alarm.code,
        "severity": alarm.severity,
        "text": alarm.text,
        "hint": alarm.hint,
        "raised_ms": raised.first_ms,
        "updated_ms": raised.last_ms,
        "repeats": raised.times - 1,
        "acknowledged_by": "",
    }


def _repeat(session: Session, found: BoardAlarm, raised: Raise) -> int:
    alarm = raised.alarm
    words = {"code": alarm.code, "severity": alarm.severity, "text": alarm.text, "hint": alarm.hint}
    values: dict[str, Any] = {"updated_ms": raised.last_ms, "repeats": _alarm.c.repeats + raised.times, **words}
    if is_worse(alarm.severity, than=found.severity):
        values |= {"acknowledged_ms": None, "acknowledged_by": ""}
    session.execute(update(_alarm).where(_alarm.c.id == found.id).values(values))
    if any(getattr(found, name) != value for name, value in words.items()):
        _tell_raised(session, found.id, found.source, raised, new=False)
    return found.id


def _count_of(session: Session, source: str) -> int:
    query = select(func.count()).where(_alarm.c.source == source, _is_open, _alarm.c.key != _MANY_KEY)
    return session.scalar(query) or 0


def _one_of_many(source: str, raised: Raise) -> Raise:
    last = raised.alarm.text
    alarm = ALARMS_MANY.alarm(_MANY_KEY, source=source, limit=OPEN_LIMIT, last=last)
    return Raise(alarm, raised.first_ms, raised.last_ms, raised.times)


def _tell_raised(session: Session, alarm_id: int, source: str, raised: Raise, *, new: bool) -> None:
    alarm = raised.alarm
    payload: dict[str, Any] = {
        "id": alarm_id,
        "source": source,
        "key": alarm.key,
        "code": alarm.code,
        "severity": alarm.severity.value,
        "text": alarm.text,
        "hint": alarm.hint,
        "raised_ms": raised.first_ms,
        "new": new,
    }
    events.append(session, Topic.ALARM_RAISED, f"alarm:{alarm_id}", payload)


def _told_cleared(alarm: BoardAlarm) -> tuple[str, str, dict[str, Any]]:
    payload: dict[str, Any] = {
        "id": alarm.id,
        "source": alarm.source,
        "key": alarm.key,
        "code": alarm.code,
        "severity": alarm.severity.value,
    }
    return Topic.ALARM_CLEARED, f"alarm:{alarm.id}", payload
