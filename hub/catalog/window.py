"""Which part of the list is read, and in which direction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, tuple_

from hub.catalog.query import Cursor, RecordingQuery
from hub.clock import to_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """limit: how many are read at most. before: towards older ones from there; after: towards newer ones."""

    from_ms: int | None
    before_ms: int | None
    before: Cursor | None = None
    after: Cursor | None = None
    limit: int

    @classmethod
    def of(cls, query: RecordingQuery, *, before: Cursor | None, after: Cursor | None, limit: int) -> "Window":
        """The window of a page."""
        return cls(
            from_ms=None if query.started_from is None else to_ms(query.started_from),
            before_ms=None if query.started_before is None else to_ms(query.started_before),
            before=before,
            after=after,
            limit=limit,
        )

    def with_limit(self, limit: int) -> "Window":
        """The same window for another number of rows."""
        return replace(self, limit=limit)

    def beyond(self, place: Cursor) -> "Window":
        """What comes after `place` in reading direction."""
        return replace(self, before=place) if self.after is None else replace(self, after=place)

    def conditions(self, start: ColumnElement[int], key: ColumnElement[int]) -> list[ColumnElement[bool]]:
        """What keeps a row with this start and recording id within the window."""
        conditions: list[ColumnElement[bool]] = []
        if self.from_ms is not None:
            conditions.append(start >= self.from_ms)
        if self.before_ms is not None:
            conditions.append(start < self.before_ms)
        if self.before is not None:
            conditions.append(tuple_(start, key) < (self.before.start_ms, self.before.id))
        if self.after is not None:
            conditions.append(tuple_(start, key) > (self.after.start_ms, self.after.id))
        return conditions

    def ordered(self, query: Select[Any], start: ColumnElement[int], key: ColumnElement[int]) -> Select[Any]:
        """The query in reading direction, cut to the limit."""
        if self.after is not None:
            return query.order_by(start.asc(), key.asc()).limit(self.limit)
        return query.order_by(start.desc(), key.desc()).limit(self.limit)

    def first_of(self, places: Sequence[Cursor]) -> list[Cursor]:
        """The places that come first in reading direction, each once."""
        return sorted(set(places), reverse=self.after is None)[: self.limit]
