"""The outbox: what happened, for those who watch."""

from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.model import Model
from hub.db.types import BigId, Json


class Event(Model):
    """One event. tx: on PostgreSQL the transaction that wrote it (readers wait for older ones), on SQLite 0."""

    __tablename__ = "event"
    __table_args__ = (Index("ix_event_created_ms", "created_ms"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    topic: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(255))
    payload: Mapped[dict[str, Any]] = mapped_column(Json)
    tx: Mapped[int] = mapped_column(BigId)
    created_ms: Mapped[int] = mapped_column(BigId)
