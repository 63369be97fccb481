"""What was told, read without waiting: other databases of one PostgreSQL server delay the hub's readers by a moment."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from hub.catalog.models import Event

_EVENT = Event.table()


def told(session: Session, after: int = 0) -> Sequence[Row[Any]]:
    """Every committed event with an id above `after`."""
    return session.execute(select(_EVENT).where(_EVENT.c.id > after).order_by(_EVENT.c.id)).all()


def newest(session: Session) -> int:
    """The id of the last committed event, or 0."""
    return session.scalar(select(func.max(_EVENT.c.id))) or 0
