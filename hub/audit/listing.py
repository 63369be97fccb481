"""Reading the trail, newest first."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, exists, func, select, tuple_
from sqlalchemy.orm import Session

from hub.audit.action import Action
from hub.audit.models import AuditLine, AuditPrivate
from hub.audit.trail import ADDRESS, LOGIN
from hub.clock import from_ms, to_ms
from hub.db.page import Cursor, Page, page_of

ERASED = ""
"""What stands where a private value was erased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which lines to show; every given condition must hold.

    started_from, started_before: aware, half-open. login: part of a user name. subject: such as "recording:<id>".
    """

    started_from: datetime | None = None
    started_before: datetime | None = None
    actions: frozenset[Action] = frozenset()
    person_ids: frozenset[int] = frozenset()
    login: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One line as people read it; erased: keys of private values that are gone; seq: None until sealed."""

    id: int
    at: datetime
    action: str
    person_id: int | None
    login: str
    via: str
    address: str
    request_id: str
    subject: str
    facts: Mapping[str, Any]
    details: Mapping[str, Any]
    erased: tuple[str, ...]
    seq: int | None


def list_entries(
    session: Session,
    wanted: AuditFilter,
    *,
    before: Cursor | None = None,
    after: Cursor | None = None,
    limit: int = 50,
) -> Page[AuditEntry]:
    """One page of the lines that match, newest first; `before` goes on to older lines, `after` to newer ones."""
    line = AuditLine.table()
    place = tuple_(line.c.at_ms, line.c.id)
    query = select(line).where(*_conditions(wanted)).limit(limit + 1)
    if before is not None:
        query = query.where(place < (before.start_ms, before.id))
    if after is not None:
        query = query.where(place > (after.start_ms, after.id)).order_by(line.c.at_ms, line.c.id)
    else:
        query = query.order_by(line.c.at_ms.desc(), line.c.id.desc())
    rows = list(session.execute(query))
    private = _private(session, [row.id for row in rows])
    entries = [_entry(row, private.get(row.id, {})) for row in rows]
    places = [Cursor(row.at_ms, row.id) for row in rows]
    return page_of(entries, places, limit=limit, before=before, after=after)


def sealed_after(session: Session, seq: int, actions: frozenset[Action], limit: int = 100) -> list[AuditEntry]:
    """The next lines of the chain behind line `seq` that tell of one of `actions`, oldest first."""
    line = AuditLine.table()
    chosen = (line.c.seq > seq, line.c.action.in_([action.value for action in actions]))
    rows = list(session.execute(select(line).where(*chosen).order_by(line.c.seq).limit(limit)))
    private = _private(session, [row.id for row in rows])
    return [_entry(row, private.get(row.id, {})) for row in rows]


def about(session: Session, subjects: Collection[str], actions: frozenset[Action]) -> list[AuditEntry]:
    """The lines that tell of one of `actions` done to any of `subjects`, newest first."""
    line = AuditLine.table()
    chosen = (line.c.subject.in_(subjects), line.c.action.in_([action.value for action in actions]))
    rows = list(session.execute(select(line).where(*chosen).order_by(line.c.at_ms.desc(), line.c.id.desc())))
    private = _private(session, [row.id for row in rows])
    return [_entry(row, private.get(row.id, {})) for row in rows]


def _conditions(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    line, private = AuditLine.table(), AuditPrivate.table()
    conditions: list[ColumnElement[bool]] = []
    if wanted.started_from is not None:
        conditions.append(line.c.at_ms >= to_ms(wanted.started_from))
    if wanted.started_before is not None:
        conditions.append(line.c.at_ms < to_ms(wanted.started_before))
    if wanted.actions:
        conditions.append(line.c.action.in_([action.value for action in wanted.actions]))
    if wanted.person_ids:
        conditions.append(line.c.person_id.in_(wanted.person_ids))
    if wanted.subject:
        conditions.append(line.c.subject == wanted.subject)
    if wanted.login:
        conditions.append(
            exists().where(
                private.c.line_id == line.c.id,
                private.c.key == LOGIN,
                func.lower(private.c.value).contains(wanted.login.lower(), autoescape=True),
            )
        )
    return conditions


def _private(session: Session, line_ids: list[int]) -> dict[int, dict[str, Any]]:
    values: dict[int, dict[str, Any]] = {}
    table = AuditPrivate.table()
    for row in session.execute(select(table).where(table.c.line_id.in_(line_ids))):
        values.setdefault(row.line_id, {})[row.key] = json.loads(row.value)
    return values


def _entry(row: Row[Any], private: dict[str, Any]) -> AuditEntry:
    return AuditEntry(
        id=row.id,
        at=from_ms(row.at_ms),
        action=row.action,
        person_id=row.person_id,
        login=private.get(LOGIN, row.via if LOGIN not in row.commitments else ERASED),
        via=row.via,
        address=private.get(ADDRESS, ERASED),
        request_id=row.request_id,
        subject=row.subject,
        facts=row.facts,
        details={key: value for key, value in private.items() if key not in (LOGIN, ADDRESS)},
        erased=tuple(sorted(row.commitments.keys() - private.keys())),
        seq=row.seq,
    )
