"""Sums by day and month, moved in the transaction that changes a recording."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, tzinfo
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Table, delete
from sqlalchemy.orm import Session

from hub.catalog.content import Content
from hub.catalog.dialect import insert_into
from hub.catalog.models import RollDay, RollMonth
from hub.clock import from_ms

_KEY = ("device_id", "owner_kind", "owner_id", "direction")


class Share(NamedTuple):
    """What one recording adds to the sums of its day: n is -1 to take it away."""

    day: int
    device_id: int
    owner_kind: str
    owner_id: str
    direction: str
    n: int
    duration_ms: int


def share_of(content: Content, *, day: int, device_id: int, duration_ms: int) -> Share:
    """What a recording adds."""
    kind, owner_id = ("", "") if content.owner is None else (content.owner.kind.value, content.owner.id)
    return Share(day, device_id, kind, owner_id, content.direction.value, 1, duration_ms)


def away(share: Share) -> Share:
    """What takes a recording's share away again."""
    return share._replace(n=-share.n, duration_ms=-share.duration_ms)


def add(session: Session, shares: Iterable[Share]) -> None:
    """Add shares to their days and months; sums that come to nothing disappear."""
    days: defaultdict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0])
    months: defaultdict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0])
    for share in shares:
        for sums, period in ((days, share.day), (months, share.day // 100)):
            sums[period, *share[1:5]][0] += share.n
            sums[period, *share[1:5]][1] += share.duration_ms
    _add(session, RollDay.table(), "day", days)
    _add(session, RollMonth.table(), "month", months)


def local_day(epoch_ms: int, timezone: str) -> int:
    """YYYYMMDD where the device stands."""
    at = from_ms(epoch_ms).astimezone(_zone(timezone))
    return at.year * 10_000 + at.month * 100 + at.day


def _add(session: Session, table: Table, period: str, sums: dict[tuple[Any, ...], list[int]]) -> None:
    rows = [
        dict(zip((period, *_KEY, "n", "duration_ms"), (*key, *sums[key]), strict=True))
        for key in sorted(sums)  # in one order everywhere: two workers then never wait for each other
        if sums[key] != [0, 0]
    ]
    if not rows:
        return
    statement = insert_into(session, table)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[period, *_KEY],
            set_={
                "n": table.c.n + statement.excluded.n,
                "duration_ms": table.c.duration_ms + statement.excluded.duration_ms,
            },
        ),
        rows,
    )
    if any(row["n"] < 0 for row in rows):
        session.execute(delete(table).where(table.c.n == 0, table.c[period].in_({row[period] for row in rows})))


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    """A zone that this machine does not know must not keep recordings out: they count by UTC."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC
