"""Tables of the rule book and of calls without a recording."""

from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.model import Model
from hub.db.types import BigId, Json, Word
from hub.sdk import Absence, Direction


class RulebookEntry(Model):
    """One row, id 1: `hub.rules.book.Book` as JSON. Order and references are of the whole, and so is every change."""

    __tablename__ = "rulebook"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    revision: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(Json)
    changed_ms: Mapped[int] = mapped_column(BigId)


class AbsentCallEntry(Model):
    """A call of which there is no recording. missing: it should have been recorded; mandatory: a rule insists on it."""

    __tablename__ = "absent_call"
    __table_args__ = (
        UniqueConstraint("instance_id", "absence_id"),
        Index("ix_absent_call_started_ms_id", "started_ms", "id"),
        Index("ix_absent_call_received_ms", "received_ms"),
        Index(
            "ix_absent_call_missing_started_ms_id",
            "started_ms",
            "id",
            sqlite_where=text("missing"),
            postgresql_where=text("missing"),
        ),
        Index(
            "ix_absent_call_missing_instance_id_received_ms",
            "instance_id",
            "received_ms",
            sqlite_where=text("missing"),
            postgresql_where=text("missing"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    instance_id: Mapped[int] = mapped_column(BigId)
    absence_id: Mapped[str] = mapped_column(Text)
    receipt_id: Mapped[str] = mapped_column(Text)
    why: Mapped[Absence] = mapped_column(Word(Absence))
    missing: Mapped[bool]
    mandatory: Mapped[bool]
    started_ms: Mapped[int] = mapped_column(BigId)
    ended_ms: Mapped[int] = mapped_column(BigId)
    received_ms: Mapped[int] = mapped_column(BigId)
    call_id: Mapped[str] = mapped_column(Text)
    direction: Mapped[Direction] = mapped_column(Word(Direction))
    parties: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    rule: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    fields: Mapped[dict[str, str]] = mapped_column(Json)


class AbsentNumber(Model):
    """A number of such a call, as `hub.catalog.terms` reads it: who may see the call, and how it is found."""

    __tablename__ = "absent_number"
    __table_args__ = (Index("ix_absent_number_absent_call", "absent_call"), {"sqlite_with_rowid": False})

    digits: Mapped[str] = mapped_column(String(64), primary_key=True)
    plan: Mapped[int] = mapped_column(BigId, primary_key=True)
    absent_call: Mapped[int] = mapped_column(BigId, ForeignKey("absent_call.id", ondelete="CASCADE"), primary_key=True)
