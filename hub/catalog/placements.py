"""Further copies of media, and how far a hand-over has come."""

from collections import Counter

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hub import ids
from hub.catalog import events
from hub.catalog.dialect import insert_into
from hub.catalog.errors import NoSuchMedia
from hub.catalog.media_rows import placement_row
from hub.catalog.models import Media, Origin, Placement, Recording, StoredDetail
from hub.catalog.prepared import MediaKind, PreparedMedia
from hub.clock import to_ms, utc_now
from hub.sdk import Stage

_MEDIA, _PLACEMENT, _RECORDING = Media.table(), Placement.table(), Recording.table()
_COPIES = 2
_ORIGIN, _DETAIL = Origin.table(), StoredDetail.table()


def add_placement(session: Session, media_id: int, copy: PreparedMedia) -> None:
    """Note that a media object now also rests in `copy.store_id`; a second note about the same store replaces it.

    Raises: NoSuchMedia.
    """
    recording_id = session.scalar(select(_MEDIA.c.recording_id).where(_MEDIA.c.id == media_id))
    if recording_id is None:
        raise NoSuchMedia("The recording was deleted meanwhile.")
    row = placement_row(media_id, copy, to_ms(utc_now()))
    statement = insert_into(session, _PLACEMENT)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["media_id", "store_id"],
            set_={name: value for name, value in row.items() if name not in ("media_id", "store_id")},
        ),
        row,
    )
    session.execute(
        update(_RECORDING).where(_RECORDING.c.id == recording_id).values(revision=_RECORDING.c.revision + 1)
    )
    text_id = ids.to_text(recording_id)
    events.append(session, events.Topic.RECORDING_CHANGED, text_id, {"id": text_id, "copied_to": copy.store_id})


def receipt_stage(session: Session, receipt_id: str) -> Stage | None:
    """How far the catalog knows a hand-over to be; None: it is still in the spool, in quarantine, or nowhere.

    COPIED: every part of the original, or of its stored form where the original was dropped, and what further devices
    recorded of the same call, rests verified in at least two stores.
    """
    recording_id = session.scalar(select(_ORIGIN.c.recording_id).where(_ORIGIN.c.receipt_id == receipt_id))
    if recording_id is None:
        detail = select(_DETAIL.c.id).where(_DETAIL.c.receipt_id == receipt_id)
        return None if session.scalar(detail) is None else Stage.STORED
    return Stage.COPIED if _is_copied(session, recording_id) else Stage.STORED


def _is_copied(session: Session, recording_id: int) -> bool:
    query = (
        select(_MEDIA.c.kind, _MEDIA.c.part, _PLACEMENT.c.store_id, _PLACEMENT.c.verified_by)
        .join(_PLACEMENT, _PLACEMENT.c.media_id == _MEDIA.c.id, isouter=True)
        .where(_MEDIA.c.recording_id == recording_id, _MEDIA.c.kind != MediaKind.PEAKS)
    )
    rows = session.execute(query).all()
    kept = {(row.kind, row.part) for row in rows if row.store_id is not None}
    verified = Counter((row.kind, row.part) for row in rows if row.verified_by is not None)
    wanted = {_wanted(kept, row.part) for row in rows if row.kind is not MediaKind.PARALLEL}
    wanted |= {each for each in kept if each[0] is MediaKind.PARALLEL}
    return bool(wanted) and all(verified[each] >= _COPIES for each in wanted)


def _wanted(kept: set[tuple[MediaKind, int]], part: int) -> tuple[MediaKind, int]:
    """What must be copied: the original, or the stored form where policy dropped the original."""
    return (MediaKind.ORIGINAL if (MediaKind.ORIGINAL, part) in kept else MediaKind.DERIVED), part
