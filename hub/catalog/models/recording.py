"""The recording itself, what happened in its course, and the metadata that nobody could read."""

from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.model import Model
from hub.db.types import BigId, Json, Word
from hub.sdk import Direction, NoticeKind, OwnerKind

LONG_MS = 600_000
"""Recordings from this length on have an index of their own: few calls are longer than ten minutes."""


class Recording(Model):
    """One recording; the parties stand here as people read them, and in `party` and `mention` as they are searched.

    local_day: YYYYMMDD of the start where the device stands, for reports. playable, sealed, origin_count repeat what
    `media` and `origin` say, so that a page of the list reads one table.
    """

    __tablename__ = "recording"
    __table_args__ = (
        Index("ix_recording_start_ms_id", "start_ms", "id"),
        Index("ix_recording_device_id_start_ms_id", "device_id", "start_ms", "id"),
        Index("ix_recording_direction_start_ms_id", "direction", "start_ms", "id"),
        Index(
            "ix_recording_call_id_start_ms",
            "call_id",
            "start_ms",
            sqlite_where=text("call_id <> ''"),
            postgresql_where=text("call_id <> ''"),
        ),
        Index(
            "ix_recording_long_start_ms_id",
            "start_ms",
            "id",
            sqlite_where=text(f"duration_ms >= {LONG_MS}"),
            postgresql_where=text(f"duration_ms >= {LONG_MS}"),
        ),
        Index(
            "ix_recording_problem_start_ms_id",
            "start_ms",
            "id",
            sqlite_where=text("problem_code IS NOT NULL"),
            postgresql_where=text("problem_code IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    device_id: Mapped[int] = mapped_column(BigId)
    start_ms: Mapped[int] = mapped_column(BigId)
    duration_ms: Mapped[int] = mapped_column(BigId)
    direction: Mapped[Direction] = mapped_column(Word(Direction))
    call_id: Mapped[str] = mapped_column(Text)
    parties: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    agent: Mapped[str] = mapped_column(Text)
    owner_kind: Mapped[OwnerKind | None] = mapped_column(Word(OwnerKind))
    owner_id: Mapped[str] = mapped_column(Text)
    owner_name: Mapped[str] = mapped_column(Text)
    target: Mapped[str] = mapped_column(Text)
    skill: Mapped[str] = mapped_column(Text)
    notice_kind: Mapped[NoticeKind] = mapped_column(Word(NoticeKind))
    notice_by: Mapped[str] = mapped_column(Text)
    notice_at_ms: Mapped[int | None] = mapped_column(BigId)
    mixed: Mapped[bool | None]
    has_speech: Mapped[bool]
    problem_code: Mapped[str | None] = mapped_column(String(64))
    problem_text: Mapped[str] = mapped_column(Text)
    playable: Mapped[bool]
    sealed: Mapped[bool]
    origin_count: Mapped[int]
    revision: Mapped[int]
    local_day: Mapped[int]
    received_ms: Mapped[int] = mapped_column(BigId)
    catalogued_ms: Mapped[int] = mapped_column(BigId)
    fields: Mapped[dict[str, str]] = mapped_column(Json)
    provenance: Mapped[dict[str, str]] = mapped_column(Json)


class Timeline(Model):
    """What happened in the course of a recording, as `hub.catalog.timeline` writes it; no row if nothing did."""

    __tablename__ = "timeline"

    recording_id: Mapped[int] = mapped_column(ForeignKey("recording.id", ondelete="CASCADE"), primary_key=True)
    events: Mapped[list[dict[str, Any]]] = mapped_column(Json)


class RawMetadata(Model):
    """Unknown metadata of a recording, byte for byte."""

    __tablename__ = "raw_metadata"

    recording_id: Mapped[int] = mapped_column(ForeignKey("recording.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    value: Mapped[bytes] = mapped_column(LargeBinary)
