"""The board's table."""

from sqlalchemy import Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.model import Model
from hub.db.types import BigId, Word
from hub.sdk import Severity


class AlarmEntry(Model):
    """One condition, open until cleared_ms is set. repeats: how often it was raised again while open."""

    __tablename__ = "alarm"
    __table_args__ = (
        Index(
            "uq_alarm_open_source_key",
            "source",
            "key",
            unique=True,
            sqlite_where=text("cleared_ms IS NULL"),
            postgresql_where=text("cleared_ms IS NULL"),
        ),
        Index("ix_alarm_raised_ms_id", "raised_ms", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(255))
    code: Mapped[str] = mapped_column(String(64))
    severity: Mapped[Severity] = mapped_column(Word(Severity))
    text: Mapped[str] = mapped_column(Text)
    hint: Mapped[str] = mapped_column(Text)
    raised_ms: Mapped[int] = mapped_column(BigId)
    updated_ms: Mapped[int] = mapped_column(BigId)
    repeats: Mapped[int]
    cleared_ms: Mapped[int | None] = mapped_column(BigId)
    acknowledged_ms: Mapped[int | None] = mapped_column(BigId)
    acknowledged_by: Mapped[str] = mapped_column(String(255))
