"""Changing what a recording says of its call, wherever it is read, searched and summed."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, update
from sqlalchemy.orm import Session

from hub.catalog import postings, rollups
from hub.catalog.content import Content, columns_of, content_from
from hub.catalog.models import Recording
from hub.catalog.terms import terms_of

_RECORDING = Recording.table()


@dataclass(frozen=True, slots=True)
class When:
    """When a recording began, how long it is, and its local day as YYYYMMDD."""

    start_ms: int
    duration_ms: int
    local_day: int


def rewrite(session: Session, row: Row[Any], content: Content, when: When | None = None) -> None:
    """Give the recording of `row` a new content, and another time if there is one."""
    old = When(row.start_ms, row.duration_ms, row.local_day)
    new = when or old
    session.execute(
        update(_RECORDING)
        .where(_RECORDING.c.id == row.id)
        .values(
            **columns_of(content),
            start_ms=new.start_ms,
            duration_ms=new.duration_ms,
            local_day=new.local_day,
            revision=_RECORDING.c.revision + 1,
        )
    )
    postings.repost(session, [postings.Posted(row.id, new.start_ms, terms_of(content, row.device_id))])
    before, after = _share(row, content_from(row), old), _share(row, content, new)
    rollups.add(session, [rollups.away(before), after])


def _share(row: Row[Any], content: Content, when: When) -> rollups.Share:
    return rollups.share_of(content, day=when.local_day, device_id=row.device_id, duration_ms=when.duration_ms)
