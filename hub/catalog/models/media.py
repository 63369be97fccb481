"""Media objects of a recording, and where they rest."""

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from hub.catalog.prepared import MediaKind, Verified
from hub.db.model import Model
from hub.db.types import BigId, HexBytes, Word


class Media(Model):
    """One media object: an original part, a derived form, or peaks."""

    __tablename__ = "media"
    __table_args__ = (Index("uq_media_recording_id_kind_part", "recording_id", "kind", "part", unique=True),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    recording_id: Mapped[int] = mapped_column(BigId, ForeignKey("recording.id", ondelete="CASCADE"))
    kind: Mapped[MediaKind] = mapped_column(Word(MediaKind))
    part: Mapped[int]
    size_bytes: Mapped[int] = mapped_column(BigId)
    sha256: Mapped[str] = mapped_column(HexBytes)
    container: Mapped[str] = mapped_column(String(32))
    codec: Mapped[str] = mapped_column(String(32))
    sample_rate_hz: Mapped[int]
    channels: Mapped[int]
    duration_ms: Mapped[int] = mapped_column(BigId)
    bit_rate_bps: Mapped[int | None] = mapped_column(BigId)
    browser_playable: Mapped[bool]


class Placement(Model):
    """One copy of a media object in one store."""

    __tablename__ = "placement"
    __table_args__ = (
        Index("uq_placement_media_id_store_id", "media_id", "store_id", unique=True),
        Index("ix_placement_store_id_id", "store_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    media_id: Mapped[int] = mapped_column(BigId, ForeignKey("media.id", ondelete="CASCADE"))
    store_id: Mapped[int] = mapped_column(BigId)
    key: Mapped[str] = mapped_column(Text)
    member: Mapped[str] = mapped_column(Text)
    size_bytes: Mapped[int] = mapped_column(BigId)
    verified_by: Mapped[Verified | None] = mapped_column(Word(Verified))
    placed_ms: Mapped[int] = mapped_column(BigId)
