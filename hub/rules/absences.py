"""The account of calls without a recording: each is excluded by a rule, or listed as missing with the reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, exists, func, select, tuple_
from sqlalchemy.orm import Session

from hub import ids
from hub.catalog.content import Content, content_of, party_from, party_json
from hub.catalog.dialect import insert_into
from hub.catalog.query import Visible
from hub.catalog.terms import digits_of, terms_of
from hub.clock import from_ms, to_ms, utc_now
from hub.db.bulk import insert_rows
from hub.db.page import Cursor, Page, page_of
from hub.db.plain import injective_text, storable_json, storable_text
from hub.rules.models import AbsentCallEntry, AbsentNumber
from hub.rules.rule import Treatment
from hub.rules.rules import load_book
from hub.sdk import Absence, AbsentCall, CallDetail, Direction, Party

RECENT = timedelta(hours=24)
_ID_LENGTH, _TEXT_LENGTH = 512, 2000
_PRUNED = 5000
_CALL, _NUMBER = AbsentCallEntry.table(), AbsentNumber.table()


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsentRow:
    """A call without a recording as people see it. Times are aware UTC. mandatory: a rule insists on its recording."""

    id: int
    device_id: int
    why: Absence
    is_missing: bool
    is_mandatory: bool
    started_at: datetime
    ended_at: datetime
    received_at: datetime
    call_id: str
    direction: Direction
    parties: tuple[Party, ...]
    rule: str
    text: str
    fields: dict[str, str]

    @property
    def duration_s(self) -> float:
        """How long the call took."""
        return max((self.ended_at - self.started_at).total_seconds(), 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsenceQuery:
    """Which ones; what is empty asks nothing. missing: only those that should have been recorded, or only others.

    started_from, started_before: aware, half-open. number: of anybody in the call, whole.
    """

    reasons: frozenset[Absence] = frozenset()
    device_ids: frozenset[int] = frozenset()
    missing: bool | None = None
    started_from: datetime | None = None
    started_before: datetime | None = None
    number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """How many calls of a device should have been recorded in the last 24 hours and were not, and the last of them."""

    device_id: int
    calls: int
    last: AbsentCall
    is_mandatory: bool


def keep_absences(
    session: Session, device_id: int, calls: Sequence[tuple[str, AbsentCall]], now: datetime | None = None
) -> list[Lacking]:
    """Keep what is known of calls without a recording, each as (receipt id, call); one that is known stays as it is.

    Returns: what to tell people: what mandatory rules lack, and what others do, if something new came to it.
    """
    now = now or utc_now()
    mandatory = _mandatory_rules(session) if any(_can_be_lacking(call) for _, call in calls) else frozenset()
    rows = {
        row["absence_id"]: (row, call)
        for receipt_id, call in reversed(calls)
        for row in [_row(device_id, receipt_id, call, now, mandatory)]
    }
    statement = insert_into(session, _CALL).on_conflict_do_nothing(index_elements=["instance_id", "absence_id"])
    kept = set(session.scalars(statement.returning(_CALL.c.id), [row for row, _ in rows.values()]))
    fresh = [(row, call) for row, call in rows.values() if row["id"] in kept]
    numbers = [
        {"digits": digits, "plan": plan, "absent_call": row["id"]}
        for row, call in fresh
        for digits, plan in terms_of(_content(call), device_id).numbers
    ]
    insert_rows(session, _NUMBER, numbers)
    return [
        Lacking(
            device_id=device_id,
            calls=_count_recent(session, device_id, now, is_mandatory=is_mandatory),
            last=last,
            is_mandatory=is_mandatory,
        )
        for is_mandatory in (True, False)
        if (last := _newest([call for row, call in fresh if row["missing"] and row["mandatory"] is is_mandatory]))
    ]


def page_of_absences(
    session: Session,
    visible: Visible,
    query: AbsenceQuery,
    *,
    before: Cursor | None = None,
    after: Cursor | None = None,
    limit: int = 50,
) -> Page[AbsentRow]:
    """One page, the newest first."""
    place = tuple_(_CALL.c.started_ms, _CALL.c.id)
    statement = select(_CALL).where(visible.where, *_conditions(query)).limit(limit + 1)
    if before is not None:
        statement = statement.where(place < (before.start_ms, before.id))
    if after is not None:
        statement = statement.where(place > (after.start_ms, after.id)).order_by(_CALL.c.started_ms, _CALL.c.id)
    else:
        statement = statement.order_by(_CALL.c.started_ms.desc(), _CALL.c.id.desc())
    rows = list(session.execute(statement))
    places = [Cursor(row.started_ms, row.id) for row in rows]
    return page_of([_shown(row) for row in rows], places, limit=limit, before=before, after=after)


def forget_absences(session: Session, now: datetime) -> int:
    """Forget those that were kept as long as the rule book says, some thousands at a time.

    Returns: how many; there may be more.
    """
    before_ms = to_ms(now - timedelta(days=load_book(session).otherwise.absent_days))
    old = select(_CALL.c.id).where(_CALL.c.received_ms < before_ms).limit(_PRUNED)
    return len(session.execute(delete(_CALL).where(_CALL.c.id.in_(old)).returning(_CALL.c.id)).all())


def _mandatory_rules(session: Session) -> frozenset[str]:
    return frozenset(rule.name for rule in load_book(session).rules if rule.treatment is Treatment.MANDATORY)


def _can_be_lacking(call: AbsentCall) -> bool:
    """Whether it lacks a recording where a rule insists on one: nobody may throw that away, or pause all of it."""
    return call.is_missing or call.why in {Absence.DISCARDED, Absence.PAUSED}


def _newest(calls: Sequence[AbsentCall]) -> AbsentCall | None:
    return max(calls, key=lambda call: call.started_at, default=None)


def _count_recent(session: Session, device_id: int, now: datetime, *, is_mandatory: bool) -> int:
    counted = select(func.count()).where(
        _CALL.c.missing,
        _CALL.c.instance_id == device_id,
        _CALL.c.received_ms >= to_ms(now - RECENT),
        _CALL.c.mandatory.is_(is_mandatory),
    )
    return session.scalar(counted) or 0


def _row(device_id: int, receipt_id: str, call: AbsentCall, now: datetime, mandatory: frozenset[str]) -> dict[str, Any]:
    content = _content(call)
    is_mandatory = _can_be_lacking(call) and call.rule in mandatory
    return {
        "id": ids.new_id(),
        "instance_id": device_id,
        "absence_id": injective_text(call.absence_id, _ID_LENGTH),
        "receipt_id": receipt_id,
        "why": call.why,
        "missing": call.is_missing or is_mandatory,
        "mandatory": is_mandatory,
        "started_ms": to_ms(call.started_at),
        "ended_ms": to_ms(call.ended_at),
        "received_ms": to_ms(now),
        "call_id": content.call_id,
        "direction": call.direction,
        "parties": [party_json(party) for party in content.parties],
        "rule": storable_text(call.rule, _ID_LENGTH),
        "reason": storable_text(call.text, _TEXT_LENGTH),
        "fields": storable_json(call.fields),
    }


def _content(call: AbsentCall) -> Content:
    detail = CallDetail(
        detail_id=call.absence_id,
        rule=call.rule,
        started_at=call.started_at,
        ended_at=call.ended_at,
        call_id=call.call_id,
        direction=call.direction,
        parties=call.parties,
    )
    return content_of(detail)


def _conditions(query: AbsenceQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.reasons:
        conditions.append(_CALL.c.why.in_(sorted(query.reasons)))
    if query.device_ids:
        conditions.append(_CALL.c.instance_id.in_(sorted(query.device_ids)))
    if query.missing is not None:
        conditions.append(_CALL.c.missing if query.missing else ~_CALL.c.missing)
    if query.started_from is not None:
        conditions.append(_CALL.c.started_ms >= to_ms(query.started_from))
    if query.started_before is not None:
        conditions.append(_CALL.c.started_ms < to_ms(query.started_before))
    if query.number:
        found = exists().where(_NUMBER.c.absent_call == _CALL.c.id, _NUMBER.c.digits == digits_of(query.number))
        conditions.append(found)
    return conditions


def _shown(row: Row[Any]) -> AbsentRow:
    return AbsentRow(
        id=row.id,
        device_id=row.instance_id,
        why=row.why,
        is_missing=row.missing,
        is_mandatory=row.mandatory,
        started_at=from_ms(row.started_ms),
        ended_at=from_ms(row.ended_ms),
        received_at=from_ms(row.received_ms),
        call_id=row.call_id,
        direction=row.direction,
        parties=tuple(party_from(value) for value in row.parties),
        rule=row.rule,
        text=row.reason,
        fields=row.fields,
    )
