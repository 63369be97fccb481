"""Media objects as the tables keep them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from hub.catalog.models import Media, Placement
from hub.catalog.prepared import PreparedMedia
from hub.clock import to_ms, utc_now
from hub.db.plain import storable_text

_MEDIA, _PLACEMENT = Media.table(), Placement.table()


def media_row(recording_id: int, media: PreparedMedia) -> dict[str, Any]:
    """The columns of `media`."""
    return {
        "recording_id": recording_id,
        "kind": media.kind,
        "part": media.part,
        "size_bytes": media.size_bytes,
        "sha256": media.sha256,
        "container": media.container,
        "codec": media.codec,
        "sample_rate_hz": media.sample_rate_hz,
        "channels": media.channels,
        "duration_ms": round(media.duration_s * 1000),
        "bit_rate_bps": media.bit_rate_bps,
        "browser_playable": media.browser_playable,
    }


def placement_row(media_id: int, media: PreparedMedia, now_ms: int) -> dict[str, Any]:
    """The columns of `placement`."""
    return {
        "media_id": media_id,
        "store_id": media.store_id,
        "key": storable_text(media.key),
        "member": storable_text(media.member),
        "size_bytes": media.size_bytes,
        "verified_by": media.verified_by,
        "placed_ms": now_ms,
    }


def insert_media(session: Session, recording_id: int, media: Sequence[PreparedMedia]) -> None:
    """Write media objects and where each of them rests."""
    now_ms = to_ms(utc_now())
    for item in media:
        statement = insert(_MEDIA).values(media_row(recording_id, item)).returning(_MEDIA.c.id)
        media_id = session.execute(statement).scalar_one()
        if item.store_id is not None:
            session.execute(insert(_PLACEMENT).values(placement_row(media_id, item, now_ms)))
