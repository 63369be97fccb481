"""What the PBX said about calls, kept so that a recording that comes later still learns it."""

from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.model import Model
from hub.db.types import BigId, Json


class StoredDetail(Model):
    """One call detail; content holds its direction, parties, owner, agent, target, skill, numbers and fields."""

    __tablename__ = "call_detail"
    __table_args__ = (
        UniqueConstraint("instance_id", "detail_id"),
        Index("ix_call_detail_receipt_id", "receipt_id"),
        Index("ix_call_detail_received_ms", "received_ms"),
        Index(
            "ix_call_detail_instance_id_call_id",
            "instance_id",
            "call_id",
            sqlite_where=text("call_id <> ''"),
            postgresql_where=text("call_id <> ''"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    instance_id: Mapped[int] = mapped_column(BigId)
    detail_id: Mapped[str] = mapped_column(Text)
    receipt_id: Mapped[str] = mapped_column(Text)
    rule: Mapped[str] = mapped_column(String(64))
    started_ms: Mapped[int] = mapped_column(BigId)
    ended_ms: Mapped[int] = mapped_column(BigId)
    received_ms: Mapped[int] = mapped_column(BigId)
    call_id: Mapped[str] = mapped_column(Text)
    content: Mapped[dict[str, Any]] = mapped_column(Json)


class DetailNumber(Model):
    """A number of a call detail, for matching where no call id is known."""

    __tablename__ = "detail_number"
    __table_args__ = (Index("ix_detail_number_detail", "detail"), {"sqlite_with_rowid": False})

    instance_id: Mapped[int] = mapped_column(BigId, primary_key=True)
    digits: Mapped[str] = mapped_column(String(64), primary_key=True)
    started_ms: Mapped[int] = mapped_column(BigId, primary_key=True)
    detail: Mapped[int] = mapped_column(BigId, ForeignKey("call_detail.id", ondelete="CASCADE"), primary_key=True)
