"""How a search is carried out, decided by how many numbers and words match.

Few recordings have a match: they are gathered and sorted. Few numbers match, each in many recordings: the newest of
each are merged. Otherwise the list is walked from its end and each recording looked at: matches are then frequent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal_column, select, union, union_all
from sqlalchemy.orm import Session

from hub.catalog.models import Mention, Party, Recording
from hub.catalog.models.recording import LONG_MS
from hub.catalog.needles import Matches, Posting, has_role, look_up, needles_of, postings_of, split_values
from hub.catalog.query import Count, Cursor, RecordingQuery, Visible
from hub.catalog.window import Window

GATHER_BOUND = 5_000
MERGE_BOUND = 64
WALK_BOUND = 100_000
"""So many recordings are looked at to count; with more the count is not exact."""

_RECORDING, _PARTY, _MENTION = Recording.table(), Party.table(), Mention.table()
_START, _ID = _RECORDING.c.start_ms, _RECORDING.c.id


@dataclass(frozen=True, slots=True)
class Plan:
    """filters: predicates on `recording`, all of them. driver: the matches to begin with, None to walk the list.

    merge: the driver's streams are merged, not gathered. looks_at_text: the walk reads each recording's words.
    """

    filters: tuple[ColumnElement[bool], ...]
    driver: Matches | None = None
    merge: bool = False
    looks_at_text: bool = False


def make_plan(session: Session, visible: Visible, query: RecordingQuery, window: Window) -> Plan:
    """The plan for a query."""
    filters = [visible.where, *filters_of(query)]
    found = [look_up(session, needle) for needle in needles_of(query)]
    weights = [_weight(session, matches, window) for matches in found]
    if not found:
        return Plan(tuple(filters))
    lightest = min(range(len(found)), key=lambda place: weights[place])
    driver, weight = found[lightest], weights[lightest]
    if weight <= GATHER_BOUND:
        others = [matches.holds() for matches in found if matches is not driver]
        return Plan((*filters, *others), driver)
    if not driver.too_many and len(driver.number_ids) + len(driver.word_ids) <= MERGE_BOUND:
        others = [matches.holds() for matches in found if matches is not driver]
        return Plan((*filters, *others), driver, merge=True)
    return Plan((*filters, *(matches.holds() for matches in found)), looks_at_text=True)


def filters_of(query: RecordingQuery) -> list[ColumnElement[bool]]:
    """The conditions that are not about text or time; literals let SQLite use its partial indexes."""
    columns, filters = _RECORDING.c, list[ColumnElement[bool]]()
    if query.directions:
        filters.append(columns.direction.in_(sorted(query.directions)))
    if query.device_ids:
        filters.append(columns.device_id.in_(sorted(query.device_ids)))
    if query.min_s is not None:
        filters.append(columns.duration_ms >= round(query.min_s * 1000))
        if query.min_s * 1000 >= LONG_MS:
            filters.append(literal_column(f"recording.duration_ms >= {LONG_MS}"))
    if query.max_s is not None:
        filters.append(columns.duration_ms <= round(query.max_s * 1000))
    if query.problems is not None:
        filters.append(columns.problem_code.is_not(None) if query.problems else columns.problem_code.is_(None))
    if call_ids := split_values(query.call_id):
        filters += [columns.call_id.in_(call_ids), literal_column("recording.call_id <> ''")]
    return filters


def places(session: Session, plan: Plan, query: RecordingQuery, window: Window) -> list[Cursor]:
    """The places of the page, in reading direction."""
    if plan.driver is None:
        selects = [_walk(plan, window, *stream) for stream in _streams(query)]
    elif plan.merge:
        selects = [_posted(plan, window, posting) for posting in postings_of(plan.driver)]
        selects += _by_call_id(plan, window)
    else:
        selects = [_gathered(plan, window)]
    found = [Cursor(row[0], row[1]) for each in selects for row in session.execute(each)]
    return window.first_of(found)


def count(session: Session, plan: Plan, window: Window, bound: int) -> Count:
    """How many recordings match, exact up to `bound`, and less exact where too many would have to be looked at."""
    if plan.driver is not None:
        matched = _postings(plan.driver, window, union_all).subquery()
        distinct = select(matched.c.recording_id).distinct().join(_RECORDING, matched.c.recording_id == _ID)
        query = distinct.where(*plan.filters).limit(bound + 1)
        n = session.scalar(select(func.count()).select_from(query.subquery())) or 0
        return Count(min(n, bound), n <= bound)
    matching = select(_ID).where(*plan.filters, *window.conditions(_START, _ID)).limit(bound + 1)
    if not plan.looks_at_text:
        n = session.scalar(select(func.count()).select_from(matching.subquery())) or 0
        return Count(min(n, bound), n <= bound)
    newest = _START.desc()
    nth = select(_START).where(*window.conditions(_START, _ID)).order_by(newest).offset(WALK_BOUND).limit(1)
    from_ms = session.scalar(nth)
    looked_at = matching if from_ms is None else matching.where(from_ms < _START)
    n = session.scalar(select(func.count()).select_from(looked_at.subquery())) or 0
    return Count(min(n, bound), n <= bound and from_ms is None)


def _streams(query: RecordingQuery) -> list[tuple[ColumnElement[bool], ...]]:
    """One walk, or one for each device or direction: each of these has an index in the order of the list."""
    if 1 < len(query.device_ids) <= MERGE_BOUND:
        return [(_RECORDING.c.device_id == device_id,) for device_id in sorted(query.device_ids)]
    if not query.device_ids and len(query.directions) > 1:
        return [(_RECORDING.c.direction == direction,) for direction in sorted(query.directions)]
    return [()]


def _walk(plan: Plan, window: Window, *stream: ColumnElement[bool]) -> Select[Any]:
    query = select(_START, _ID).where(*stream, *plan.filters, *window.conditions(_START, _ID))
    return window.ordered(query, _START, _ID)


def _posted(plan: Plan, window: Window, posting: Posting) -> Select[Any]:
    table = posting.table
    start, key = table.c.start_ms, table.c.recording_id
    query = (
        select(start, key)
        .join(_RECORDING, key == _ID)
        .where(posting.key == posting.term_id, *has_role(table, posting.roles), *plan.filters)
        .where(*window.conditions(start, key))
    )
    return window.ordered(query, start, key)


def _by_call_id(plan: Plan, window: Window) -> list[Select[Any]]:
    assert plan.driver is not None
    call_ids = plan.driver.needle.call_ids
    if not call_ids:
        return []
    is_named = _RECORDING.c.call_id.in_(call_ids)
    return [_walk(plan, window, is_named, literal_column("recording.call_id <> ''"))]


def _gathered(plan: Plan, window: Window) -> Select[Any]:
    assert plan.driver is not None
    matched = _postings(plan.driver, window, union).subquery()
    start, key = matched.c.start_ms, matched.c.recording_id
    query = select(start, key).join(_RECORDING, key == _ID).where(*plan.filters)
    return window.ordered(query, start, key)


def _postings(matches: Matches, window: Window, combine: Any) -> Any:
    """All recordings of the matches within the window, as (start_ms, recording_id)."""
    roles = matches.needle.fields.value
    parts: list[Select[Any]] = []
    for table, column, ids in (
        (_PARTY, _PARTY.c.number_id, matches.number_ids),
        (_MENTION, _MENTION.c.word_id, matches.word_ids),
    ):
        within = window.conditions(table.c.start_ms, table.c.recording_id)
        if ids:
            parts.append(
                select(table.c.start_ms, table.c.recording_id).where(column.in_(ids), *has_role(table, roles), *within)
            )
    if matches.needle.call_ids:
        parts.append(
            select(_START, _ID.label("recording_id")).where(
                _RECORDING.c.call_id.in_(matches.needle.call_ids),
                literal_column("recording.call_id <> ''"),
                *window.conditions(_START, _ID),
            )
        )
    if not parts:
        parts.append(select(_START, _ID.label("recording_id")).where(literal_column("1 = 0")))
    return combine(*parts) if len(parts) > 1 else parts[0]


def _weight(session: Session, matches: Matches, window: Window) -> int:
    """How many recordings the matches have within the window, counted to just above what is worth gathering."""
    if matches.too_many:
        return GATHER_BOUND + 1
    some = _postings(matches, window, union_all).limit(GATHER_BOUND + 1).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def first_rows(session: Session, found: Sequence[Cursor]) -> list[Any]:
    """The rows of these places, in their order."""
    rows = session.execute(select(_RECORDING).where(_ID.in_([place.id for place in found])))
    by_id = {row.id: row for row in rows}
    return [by_id[place.id] for place in found if place.id in by_id]
