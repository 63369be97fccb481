"""Finding recordings; every read takes the predicate of what its person may see."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import literal_column, select
from sqlalchemy.orm import Session

from hub.catalog import plan
from hub.catalog.models import Recording
from hub.catalog.query import COUNT_BOUND, PAGE_LIMIT, Count, Cursor, Page, RecordingQuery, Visible
from hub.catalog.recording import RecordingDetail, RecordingRow
from hub.catalog.views import LIST_COLUMNS, other_devices_of, recording_detail, recording_row
from hub.catalog.window import Window
from hub.db.page import page_of

CALL_SPAN_MS = 24 * 3_600_000
"""Recordings of one device with one call id are one call if they begin within a day: a restarted PBX counts anew."""

_LEGS_LIMIT = 2_000
_SIBLINGS_LIMIT = 100
_RECORDING = Recording.table()


def search(
    session: Session,
    visible: Visible,
    query: RecordingQuery,
    *,
    before: Cursor | None = None,
    after: Cursor | None = None,
    limit: int = 50,
) -> Page[RecordingRow]:
    """One page, the newest first; `before` goes on to older recordings, `after` back to newer ones."""
    limit = max(1, min(limit, PAGE_LIMIT))
    window = Window.of(query, before=before, after=after, limit=limit + 1)
    found = plan.places(session, plan.make_plan(session, visible, query, window), query, window)
    rows = _rows(session, found)
    legs = _legs(session, visible, rows)
    others = other_devices_of(session, [row.id for row in rows if row.origin_count > 1])
    items = [recording_row(row, legs.get(row.id, 1), others.get(row.id, ())) for row in rows]
    return page_of(items, found, limit=limit, before=before, after=after)


def count(session: Session, visible: Visible, query: RecordingQuery, bound: int = COUNT_BOUND) -> Count:
    """How many match, exact up to `bound`."""
    window = Window.of(query, before=None, after=None, limit=bound + 1)
    return plan.count(session, plan.make_plan(session, visible, query, window, for_count=True), window, bound)


def find(session: Session, visible: Visible, recording_id: int) -> RecordingDetail | None:
    """All that is known about one recording, None if there is none or it may not be seen."""
    row = session.execute(select(_RECORDING).where(_RECORDING.c.id == recording_id, visible.where)).first()
    if row is None:
        return None
    return recording_detail(session, row, _legs(session, visible, [row]).get(row.id, 1))


def find_siblings(session: Session, visible: Visible, recording: RecordingRow) -> tuple[RecordingRow, ...]:
    """The recordings of the same call, itself included, in the order they began."""
    place = select(_RECORDING.c.start_ms).where(_RECORDING.c.id == recording.id)
    start_ms = session.scalar(place)
    if not recording.call_id or start_ms is None:
        return (recording,)
    rows = session.execute(
        select(*LIST_COLUMNS)
        .where(
            _RECORDING.c.call_id == recording.call_id,
            literal_column("recording.call_id <> ''"),
            _RECORDING.c.device_id == recording.device_id,
            _RECORDING.c.start_ms.between(start_ms - CALL_SPAN_MS, start_ms + CALL_SPAN_MS),
            visible.where,
        )
        .order_by(_RECORDING.c.start_ms, _RECORDING.c.id)
        .limit(_SIBLINGS_LIMIT)
    ).all()
    return tuple(recording_row(row, len(rows)) for row in rows)


def _rows(session: Session, places: Sequence[Cursor]) -> list[Any]:
    """What a line of the list shows, for each place that is still there."""
    rows = session.execute(select(*LIST_COLUMNS).where(_RECORDING.c.id.in_([place.id for place in places]))).all()
    by_id = {row.id: row for row in rows}
    return [by_id[place.id] for place in places if place.id in by_id]


def _legs(session: Session, visible: Visible, rows: Sequence[Any]) -> dict[int, int]:
    """Recording id -> how many recordings its call has."""
    call_ids = {row.call_id for row in rows if row.call_id}
    if not call_ids:
        return {}
    others = session.execute(
        select(_RECORDING.c.device_id, _RECORDING.c.call_id, _RECORDING.c.start_ms)
        .where(_RECORDING.c.call_id.in_(call_ids), literal_column("recording.call_id <> ''"), visible.where)
        .limit(_LEGS_LIMIT)
    ).all()
    starts: dict[tuple[int, str], list[int]] = {}
    for other in others:
        starts.setdefault((other.device_id, other.call_id), []).append(other.start_ms)
    return {
        row.id: sum(abs(start - row.start_ms) <= CALL_SPAN_MS for start in starts.get((row.device_id, row.call_id), ()))
        for row in rows
        if row.call_id
    }
