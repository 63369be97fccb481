"""The one sealer: it chains new lines, closes each day's segment, and never makes a writer wait for another."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, select, text, update
from sqlalchemy.orm import Session

from hub.audit.chain import GENESIS, Head, line_hash
from hub.audit.models import AuditHead, AuditLine, AuditSegment
from hub.clock import from_ms, to_ms
from hub.db.database import Database

_LOCK_KEY = 0x7265_6875_6261_7564
_BATCH = 2_000


def seal(db: Database, now: datetime) -> int:
    """Chain every line that is committed and not sealed yet; several sealers take turns.

    Returns: how many lines were sealed.
    """
    total = 0
    while True:
        with db.write() as session:
            sealed = _seal_batch(session, to_ms(now))
        total += sealed
        if sealed < _BATCH:
            return total


def head(session: Session) -> Head | None:
    """The end of the chain, None before the first seal."""
    row = session.get(AuditHead, 1)
    return None if row is None else Head(row.seq, row.hash, row.sealed_ms)


def daily_heads(session: Session, since_day: int = 0) -> list[tuple[int, Head]]:
    """(day as YYYYMMDD, its last head) of every closed day from `since_day` on."""
    rows = session.scalars(select(AuditSegment).where(AuditSegment.day >= since_day).order_by(AuditSegment.day))
    return [(row.day, Head(row.last_seq, row.last_hash, row.closed_ms)) for row in rows]


def _seal_batch(session: Session, now_ms: int) -> int:
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_LOCK_KEY)))
    lines = session.execute(_UNSEALED).all()
    if not lines:
        return 0
    last = head(session)
    if last is not None:
        _close_day(session, last, now_ms)
    seq, digest = (last.seq, bytes.fromhex(last.hash)) if last else (0, GENESIS)
    seals: list[dict[str, Any]] = []
    for line in lines:
        seq += 1
        digest = line_hash(digest, seq, line)
        seals.append({"line": line.id, "seq": seq, "hash": digest.hex()})
    session.execute(_SEAL, seals)
    _move_head(session, seq, digest.hex(), now_ms, is_first=last is None)
    return len(lines)


_LINE = AuditLine.table()
_UNSEALED = select(_LINE).where(text("seq IS NULL")).order_by(_LINE.c.id).limit(_BATCH)
_SEAL = update(_LINE).where(_LINE.c.id == bindparam("line")).values(seq=bindparam("seq"), hash=bindparam("hash"))


def _move_head(session: Session, seq: int, digest: str, now_ms: int, *, is_first: bool) -> None:
    values = {"seq": seq, "hash": digest, "sealed_ms": now_ms}
    table = AuditHead.table()
    if is_first:
        session.execute(insert(table).values(id=1, **values))
    else:
        session.execute(update(table).where(table.c.id == 1).values(**values))


def _close_day(session: Session, last: Head, now_ms: int) -> None:
    """When the first line of a new day is sealed, the lines since the last closed segment become a segment."""
    day = day_of(last.sealed_ms)
    if day >= day_of(now_ms):
        return
    before = session.scalar(select(func.max(AuditSegment.last_seq))) or 0
    session.execute(
        insert(AuditSegment.table()).values(
            day=day, first_seq=before + 1, last_seq=last.seq, last_hash=last.hash, closed_ms=now_ms
        )
    )


def day_of(at_ms: int) -> int:
    """YYYYMMDD in UTC."""
    at = from_ms(at_ms).astimezone(UTC)
    return at.year * 10_000 + at.month * 100 + at.day
