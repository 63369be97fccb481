"""The outbox: what happened, for those who watch."""

from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.model import Model
from hub.db.types import BigId, Json


class Event(Model):
    """One event. id: rises with the transactions that wrote events; on PostgreSQL it is made of their numbers."""

    __tablename__ = "event"
    __table_args__ = (Index("ix_event_created_ms", "created_ms"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    topic: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(255))
    payload: Mapped[dict[str, Any]] = mapped_column(Json)
    created_ms: Mapped[int] = mapped_column(BigId)
