"""How a search is carried out, decided by how many numbers and words match, and in how many recordings.

Few recordings: they are gathered and sorted. Few numbers or words, each in many recordings: the newest of each are
merged. Otherwise the list is walked from its end and each recording looked at: matches are then frequent.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, True_, func, literal_column, select, tuple_, union_all
from sqlalchemy.orm import Session

from hub.catalog.dialect import is_among
from hub.catalog.models import Recording
from hub.catalog.models.recording import LONG_MS
from hub.catalog.needles import Matches, has_call_id, has_role, holds, look_up, needles_of, split_values
from hub.catalog.query import Count, Cursor, RecordingQuery, Visible
from hub.catalog.window import Window

GATHER_BOUND = 10_000
MERGE_BOUND = 64
LOOK_BOUND = 30_000
"""So many recordings are looked at to count; with more the count is not exact."""

_FEW = 8  # streams are merged in less time than their recordings are counted
_FIRST_LOOK = 1_000  # candidates that are looked at before more are asked for
_REFILL = 4
_RECORDING = Recording.table()
_START, _ID = _RECORDING.c.start_ms, _RECORDING.c.id


@dataclass(frozen=True, slots=True)
class Plan:
    """filters: predicates on `recording`, all of them; () if every recording passes.

    driver: the matches whose recordings are gathered or merged, None to walk the list.
    others: matches that are looked at for each recording.
    """

    filters: tuple[ColumnElement[bool], ...]
    driver: Matches | None = None
    merges: bool = False
    others: tuple[Matches, ...] = ()


def make_plan(
    session: Session, visible: Visible, query: RecordingQuery, window: Window, *, for_count: bool = False
) -> Plan:
    """The plan for a query; to count, matches need no order and are never walked past."""
    filters = [each for each in (visible.where, *filters_of(query)) if not isinstance(each, True_)]
    found = [look_up(session, needle) for needle in needles_of(query)]
    if not found:
        return Plan(tuple(filters))
    if len(found) == 1 and 0 < found[0].n <= _FEW:
        return Plan(tuple(filters), found[0], merges=True)
    weights = [_weight(session, matches, window) for matches in found]
    place = min(range(len(found)), key=weights.__getitem__)
    driver, others = found[place], tuple(found[:place] + found[place + 1 :])
    merges = weights[place] > GATHER_BOUND
    if driver.too_many or (merges and driver.n > MERGE_BOUND and not for_count):
        return Plan((*filters, *(holds(session, matches) for matches in found)), others=tuple(found))
    return Plan((*filters, *(holds(session, matches) for matches in others)), driver, merges, others)


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
        filters.append(has_call_id(call_ids))
    return filters


def places(session: Session, plan: Plan, query: RecordingQuery, window: Window) -> list[Cursor]:
    """The places of the page, in reading direction."""
    if plan.driver is None:
        walks = [_walk(plan, window, *stream) for stream in _streams(query)]
        return window.first_of(_run(session, walks))
    found: list[Cursor] = []
    reading = window if not plan.filters else window.with_limit(max(window.limit, _FIRST_LOOK))
    while True:
        selects = _candidates(session, plan, reading)
        rows = _run(session, selects)
        candidates = reading.first_of(rows)
        found += _passing(session, plan, candidates)
        if len(found) >= window.limit or len(rows) < reading.limit:
            return found[: window.limit]
        reading = reading.beyond(candidates[-1]).with_limit(reading.limit * _REFILL)


def count(session: Session, plan: Plan, window: Window, bound: int) -> Count:
    """How many recordings match: exact up to `bound`, or at least so many where too many would have to be looked at."""
    counted = _count_matched if plan.driver is not None else _count_walked
    query, is_all = counted(session, plan, window)
    n = session.scalar(select(func.count()).select_from(query.limit(bound + 1).subquery())) or 0
    return Count(min(n, bound), n <= bound and is_all)


def _count_matched(session: Session, plan: Plan, window: Window) -> tuple[Select[Any], bool]:
    """The recordings of the driver's matches that pass, and whether all of them are looked at."""
    assert plan.driver is not None
    matched = _postings(session, plan.driver, window)
    if not plan.filters:
        return select(matched.subquery().c.recording_id).distinct(), True
    bounded = select(func.count()).select_from(matched.limit(LOOK_BOUND + 1).subquery())
    is_all = (session.scalar(bounded) or 0) <= LOOK_BOUND
    some = matched.limit(LOOK_BOUND).subquery()
    passing = select(some.c.recording_id).distinct().join(_RECORDING, some.c.recording_id == _ID)
    return passing.where(*plan.filters), is_all


def _count_walked(session: Session, plan: Plan, window: Window) -> tuple[Select[Any], bool]:
    """The recordings that pass, from the newest back to where enough are looked at if their words must be read."""
    query = select(_ID).where(*plan.filters, *window.conditions(_START, _ID))
    if not plan.others:
        return query, True
    newest_first = select(_START, _ID).where(*window.conditions(_START, _ID)).order_by(_START.desc(), _ID.desc())
    end = session.execute(newest_first.offset(LOOK_BOUND).limit(1)).first()
    return (query, True) if end is None else (query.where(tuple_(_START, _ID) > tuple(end)), False)


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


def _candidates(session: Session, plan: Plan, window: Window) -> list[Select[Any]]:
    """The recordings of the driver's matches, first in reading direction, whether they pass the filters or not.

    Some come several times: to sort them out here would mean to sort them all.
    """
    assert plan.driver is not None
    if not plan.merges:
        some = _postings(session, plan.driver, window).subquery()
        return [window.ordered(select(some), some.c.start_ms, some.c.recording_id)]
    streams = []
    for table, column, ids in plan.driver.postings:
        start, key = table.c.start_ms, table.c.recording_id
        one = select(start, key).where(*has_role(table, plan.driver.needle.fields), *window.conditions(start, key))
        streams += [window.ordered(one.where(column == term_id), start, key) for term_id in ids]
    if plan.driver.needle.call_ids:
        named = select(_START, _ID).where(has_call_id(plan.driver.needle.call_ids), *window.conditions(_START, _ID))
        streams.append(window.ordered(named, _START, _ID))
    return streams


def _postings(session: Session, matches: Matches, window: Window) -> Select[Any]:
    """All recordings of the matches within the window, as (start_ms, recording_id), some of them several times."""
    parts: list[Select[Any]] = []
    for table, column, ids in matches.postings:
        start, key = table.c.start_ms, table.c.recording_id
        roles = has_role(table, matches.needle.fields)
        parts.append(select(start, key).where(is_among(session, column, ids), *roles, *window.conditions(start, key)))
    if matches.needle.call_ids or not parts:
        named = has_call_id(matches.needle.call_ids)
        parts.append(select(_START, _ID.label("recording_id")).where(named, *window.conditions(_START, _ID)))
    if len(parts) == 1:
        return parts[0]
    together = union_all(*parts).subquery()
    return select(together.c.start_ms, together.c.recording_id)


def _passing(session: Session, plan: Plan, candidates: list[Cursor]) -> list[Cursor]:
    if not plan.filters or not candidates:
        return candidates
    ids = [place.id for place in candidates]
    passing = set(session.scalars(select(_ID).where(is_among(session, _ID, ids), *plan.filters)).all())
    return [place for place in candidates if place.id in passing]


def _weight(session: Session, matches: Matches, window: Window) -> int:
    """How many recordings the matches have within the window, counted to just above what is worth gathering."""
    if matches.too_many:
        return GATHER_BOUND + 1
    some = _postings(session, matches, window).limit(GATHER_BOUND + 1).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def _run(session: Session, selects: list[Select[Any]]) -> list[Cursor]:
    return [Cursor(row[0], row[1]) for each in selects for row in session.execute(each).all()]
