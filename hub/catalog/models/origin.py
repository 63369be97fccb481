"""Under which names recordings arrived."""

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.model import Model
from hub.db.types import BigId, HexBytes


class Origin(Model):
    """One arrival of a recording; (instance, origin id) is what makes a hand-over happen once."""

    __tablename__ = "origin"
    __table_args__ = (
        UniqueConstraint("instance_id", "origin_id"),
        Index("ix_origin_recording_id", "recording_id"),
        Index("ix_origin_receipt_id", "receipt_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    recording_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("recording.id", ondelete="CASCADE", deferrable=True, initially="DEFERRED")
    )
    instance_id: Mapped[int] = mapped_column(BigId)
    origin_id: Mapped[str] = mapped_column(Text)
    receipt_id: Mapped[str] = mapped_column(Text)
    server: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    first_seen_ms: Mapped[int] = mapped_column(BigId)


class Mergeable(Model):
    """Original bytes that stand for one call wherever they come from; recordings without speech are never here."""

    __tablename__ = "mergeable"

    sha256: Mapped[str] = mapped_column(HexBytes, primary_key=True)
    recording_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("recording.id", ondelete="CASCADE", deferrable=True, initially="DEFERRED"), index=True
    )
