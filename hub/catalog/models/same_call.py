"""Calls that several devices record: by what they are known, and what each further device brought of them."""

from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from hub.catalog.prepared import TakeState
from hub.db.model import Model
from hub.db.types import BigId, HexBytes, Json, Word


class SameCall(Model):
    """One call key (its SHA-256) of what one device recorded; forgotten when no other device will bring it any more.

    longest_ms: how long a rule lets that recording be, None without one.
    """

    __tablename__ = "same_call"
    __table_args__ = (
        Index("ix_same_call_recording_id", "recording_id"),
        Index("ix_same_call_noted_ms", "noted_ms"),
        {"sqlite_with_rowid": False},
    )

    key_sha256: Mapped[str] = mapped_column(HexBytes, primary_key=True)
    recording_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("recording.id", ondelete="CASCADE", deferrable=True, initially="DEFERRED"), primary_key=True
    )
    instance_id: Mapped[int] = mapped_column(BigId, primary_key=True)
    start_ms: Mapped[int] = mapped_column(BigId, primary_key=True)
    end_ms: Mapped[int] = mapped_column(BigId)
    longest_ms: Mapped[int | None] = mapped_column(BigId)
    noted_ms: Mapped[int] = mapped_column(BigId)


class Take(Model):
    """What a further device recorded of a call; its media is that of kind "parallel" with the same part.

    start_ms: by that device's clock. longest_ms: how long the recording may become. parties, events: as it told them.
    """

    __tablename__ = "take"

    recording_id: Mapped[int] = mapped_column(BigId, ForeignKey("recording.id", ondelete="CASCADE"), primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True)
    instance_id: Mapped[int] = mapped_column(BigId)
    start_ms: Mapped[int] = mapped_column(BigId)
    longest_ms: Mapped[int | None] = mapped_column(BigId)
    parties: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    events: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    state: Mapped[TakeState] = mapped_column(Word(TakeState))
