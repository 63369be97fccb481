"""Pages of a list that is ordered by time, newest first."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A place in the list: the item with this time and id, ties by id."""

    start_ms: int
    id: int


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items in the order of the list.

    older: go on `before` this place. newer: go back `after` this place. None where the list ends.
    """

    items: tuple[T, ...]
    older: Cursor | None = None
    newer: Cursor | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How many; if not exact, at least `n`."""

    n: int
    exact: bool


def page_of(
    found: list[T], places: list[Cursor], *, limit: int, before: Cursor | None = None, after: Cursor | None = None
) -> Page[T]:
    """The page that up to limit + 1 found items make; they come in reading direction, which `after` turns round.

    found: newest first, or with `after` oldest first. places: the cursor of each.
    """
    more = len(found) > limit
    items, places = found[:limit], places[:limit]
    if after is not None:
        items, places = items[::-1], places[::-1]
    if not items:
        return Page((), older=_just_before(after), newer=_just_after(before))
    has_older = more if after is None else True
    has_newer = more if after is not None else before is not None
    return Page(tuple(items), places[-1] if has_older else None, places[0] if has_newer else None)


def _just_before(after: Cursor | None) -> Cursor | None:
    """From an empty page at the newest end, older items begin with the one that was named."""
    return None if after is None else Cursor(after.start_ms, after.id + 1)


def _just_after(before: Cursor | None) -> Cursor | None:
    """From an empty page at the oldest end, newer items begin with the one that was named."""
    return None if before is None else Cursor(before.start_ms, before.id - 1)
