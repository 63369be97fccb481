"""What may leave the trail: private values on request, whole days after their retention. Both leave a line."""

from collections.abc import Collection

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from hub.audit.action import Action
from hub.audit.actor import Actor
from hub.audit.models import AuditLine, AuditPrivate, AuditSegment
from hub.audit.trail import append
from hub.clock import to_ms, utc_now


def erase_private(session: Session, actor: Actor, line_ids: Collection[int], keys: Collection[str], reason: str) -> int:
    """Erase the values of `keys` in these lines, salts with them; the commitments stay and say nothing any more.

    Returns: how many values were erased.
    """
    table = AuditPrivate.table()
    chosen = (table.c.line_id.in_(line_ids), table.c.key.in_(keys))
    erased = [tuple(row) for row in session.execute(select(table.c.line_id, table.c.key).where(*chosen))]
    if not erased:
        return 0
    session.execute(delete(table).where(*chosen))
    facts = {"lines": sorted({line for line, _ in erased}), "keys": sorted({key for _, key in erased})}
    append(session, actor, Action.AUDIT_ERASE, facts=facts, details={"reason": reason})
    return len(erased)


def drop_expired(session: Session, actor: Actor, before_day: int) -> list[int]:
    """Drop the lines of closed days before `before_day` (YYYYMMDD); the last hash of each day stays.

    Returns: the days that were dropped.
    """
    due = select(AuditSegment).where(AuditSegment.day < before_day, AuditSegment.dropped_ms.is_(None))
    days = []
    lines, private = AuditLine.table(), AuditPrivate.table()
    for segment in session.scalars(due.order_by(AuditSegment.day)).all():
        session.execute(
            update(AuditSegment.table()).where(AuditSegment.day == segment.day).values(dropped_ms=to_ms(utc_now()))
        )
        of_day = lines.c.seq.between(segment.first_seq, segment.last_seq)
        session.execute(delete(private).where(private.c.line_id.in_(select(lines.c.id).where(of_day))))
        session.execute(delete(lines).where(of_day))
        append(
            session,
            actor,
            Action.AUDIT_DROP,
            facts={
                "day": segment.day,
                "first_seq": segment.first_seq,
                "last_seq": segment.last_seq,
                "last_hash": segment.last_hash,
            },
        )
        days.append(segment.day)
    return days
