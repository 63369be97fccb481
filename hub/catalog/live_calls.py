"""Calls that go on now: written in batches by the supervisor, read through the scope of a person."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, or_, select, tuple_
from sqlalchemy.orm import Session

from hub import ids
from hub.catalog import events
from hub.catalog.content import TEXT_LENGTH, party_from, party_json
from hub.catalog.dialect import is_among
from hub.catalog.models import LiveNumber, ShownCall
from hub.catalog.needles import split_values
from hub.catalog.query import Cursor, Page, Visible
from hub.catalog.terms import ROLES, digits_of, fold, plan_of
from hub.clock import from_ms, to_ms
from hub.db.bulk import insert_rows
from hub.db.plain import storable_json, storable_text
from hub.sdk import DISCARDED, SILENT_SINCE, STATE_BY, STATE_SINCE, Direction, LiveCall, LiveState, Party, StateBy

_TOLD_SINCE = frozenset({LiveState.PAUSED, LiveState.STOPPED})
_CALL, _NUMBER = ShownCall.table(), LiveNumber.table()


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveChange:
    """What a source says of one call; call: None once it is off the list. id: the hub's own, kept while it is shown."""

    id: int
    instance_id: int
    call: LiveCall | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveQuery:
    """What to look for: every given condition must hold.

    text: any of several values separated by commas; a value matches part of a number, name or call id.
    """

    text: str = ""
    device_ids: frozenset[int] = frozenset()
    states: frozenset[LiveState] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedCall:
    """A call that goes on. started_at, resumes_at: aware UTC."""

    id: int
    device_id: int
    started_at: datetime
    state: LiveState
    direction: Direction
    call_id: str
    parties: tuple[Party, ...]
    resumes_at: datetime | None
    rule: str
    can_listen: bool
    fields: Mapping[str, str]

    @property
    def silent_since(self) -> datetime | None:
        """Since when nothing of it is heard, None while something is."""
        return _moment_in(self.fields, SILENT_SINCE)

    @property
    def state_since(self) -> datetime | None:
        """Since when it is paused or stopped, as far as its device tells."""
        return _moment_in(self.fields, STATE_SINCE) if self.state in _TOLD_SINCE else None

    @property
    def state_by(self) -> StateBy | None:
        """What paused or stopped it, as far as its device tells."""
        told = self.fields.get(STATE_BY, "")
        return StateBy(told) if self.state in _TOLD_SINCE and told in set(StateBy) else None

    @property
    def is_discarded(self) -> bool:
        """Whether it is stopped and what was recorded of it is thrown away, as far as its device tells."""
        return self.state is LiveState.STOPPED and self.fields.get(DISCARDED) == "yes"

    @property
    def text_id(self) -> str:
        """The id as people and the API see it."""
        return ids.to_text(self.id)


def write(session: Session, cleared: Iterable[int], changes: Sequence[LiveChange]) -> None:
    """Take everything of the `cleared` instances off the list, then bring it up to date; pages are told by instance."""
    cleared = sorted(set(cleared))
    _delete(session, _CALL.c.instance_id, cleared)
    _delete(session, _CALL.c.id, [change.id for change in changes])
    shown = [(change, change.call) for change in changes if change.call is not None]
    insert_rows(session, _CALL, [_columns(change, call) for change, call in shown])
    insert_rows(session, _NUMBER, [row for change, call in shown for row in _numbers(change, call)])
    touched = sorted({*cleared, *(change.instance_id for change in changes)})
    events.append_many(session, [(events.Topic.LIVE_CHANGED, f"instance:{number}", {}) for number in touched])


def clear(session: Session) -> None:
    """Take every call off the list."""
    gone = session.execute(delete(_CALL).returning(_CALL.c.instance_id)).all()
    touched = sorted({row.instance_id for row in gone})
    events.append_many(session, [(events.Topic.LIVE_CHANGED, f"instance:{number}", {}) for number in touched])


def search(
    session: Session, visible: Visible, query: LiveQuery, *, before: Cursor | None = None, limit: int = 50
) -> Page[ListedCall]:
    """The newest calls first. before: older than this place."""
    started, key = _CALL.c.started_ms, _CALL.c.id
    wanted = select(_CALL).where(visible.where, *_conditions(session, query))
    if before is not None:
        wanted = wanted.where(tuple_(started, key) < (before.start_ms, before.id))
    rows = session.execute(wanted.order_by(started.desc(), key.desc()).limit(limit + 1)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    items = tuple(_listed(row) for row in rows[:limit])
    return Page(items, older=None if last is None else Cursor(last.started_ms, last.id))


def count(session: Session, visible: Visible, query: LiveQuery) -> int:
    """How many there are."""
    wanted = select(func.count()).select_from(_CALL).where(visible.where, *_conditions(session, query))
    return session.scalar(wanted) or 0


def find(session: Session, visible: Visible, live_id: int) -> ListedCall | None:
    """One call, if it goes on and may be seen."""
    row = session.execute(select(_CALL).where(_CALL.c.id == live_id, visible.where)).one_or_none()
    return None if row is None else _listed(row)


def _delete(session: Session, column: ColumnElement[int], values: Collection[int]) -> None:
    if values:
        session.execute(delete(_CALL).where(is_among(session, column, list(values))))


def _columns(change: LiveChange, call: LiveCall) -> dict[str, Any]:
    return {
        "id": change.id,
        "instance_id": change.instance_id,
        "started_ms": to_ms(call.started_at),
        "state": call.state,
        "direction": call.direction,
        "call_id": _text(call.call_id),
        "parties": [storable_json(party_json(party)) for party in call.parties],
        "resumes_ms": None if call.resumes_at is None else to_ms(call.resumes_at),
        "rule": _text(call.rule),
        "can_listen": call.can_listen,
        "fields": storable_json(call.fields),
        "searched": storable_text("\n".join(_searched(call))),
    }


def _searched(call: LiveCall) -> list[str]:
    words = [word for party in call.parties for word in (party.number, digits_of(party.number), party.name)]
    return list(dict.fromkeys(folded for word in (*words, call.call_id) if (folded := fold(word))))


def _numbers(change: LiveChange, call: LiveCall) -> list[dict[str, Any]]:
    roles: dict[str, int] = {}
    for party in call.parties:
        if digits := digits_of(party.number):
            roles[digits] = roles.get(digits, 0) | ROLES[party.role]
    return [
        {"digits": digits, "plan": plan_of(digits, change.instance_id), "live_call_id": change.id, "roles": role}
        for digits, role in roles.items()
    ]


def _conditions(session: Session, query: LiveQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if values := split_values(query.text):
        found = [_CALL.c.searched.contains(digits_of(value) or fold(value), autoescape=True) for value in values]
        conditions.append(or_(*found))
    if query.device_ids:
        conditions.append(is_among(session, _CALL.c.instance_id, sorted(query.device_ids)))
    if query.states:
        conditions.append(_CALL.c.state.in_(sorted(query.states)))
    return conditions


def _listed(row: Row[Any]) -> ListedCall:
    return ListedCall(
        id=row.id,
        device_id=row.instance_id,
        started_at=from_ms(row.started_ms),
        state=row.state,
        direction=row.direction,
        call_id=row.call_id,
        parties=tuple(party_from(value) for value in row.parties),
        resumes_at=None if row.resumes_ms is None else from_ms(row.resumes_ms),
        rule=row.rule,
        can_listen=row.can_listen,
        fields=row.fields,
    )


def _moment_in(fields: Mapping[str, str], name: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(fields.get(name, ""))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _text(text: str) -> str:
    return storable_text(text, TEXT_LENGTH)
