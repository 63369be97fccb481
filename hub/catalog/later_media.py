"""Media that is made after a recording was committed: forms of long recordings, which take their time."""

from collections.abc import Sequence

from pydantic import JsonValue
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from hub import ids
from hub.audit import SYSTEM, Action
from hub.audit.trail import Fact, append_facts
from hub.catalog import events
from hub.catalog.commit import media_row, placement_row
from hub.catalog.errors import NoSuchMedia
from hub.catalog.models import Media, Placement, Recording
from hub.catalog.prepared import PreparedMedia
from hub.catalog.recording import subject_of
from hub.clock import to_ms, utc_now

_MEDIA, _PLACEMENT, _RECORDING = Media.table(), Placement.table(), Recording.table()


def add_media(session: Session, recording_id: int, media: Sequence[PreparedMedia]) -> list[PreparedMedia]:
    """Add stored media objects, sealed by an audit line; what the recording has already is left as it is.

    Returns: those that were added.
    Raises: NoSuchMedia if the recording was deleted.
    """
    found = session.execute(
        select(_RECORDING.c.playable).where(_RECORDING.c.id == recording_id).with_for_update()
    ).first()
    if found is None:
        raise NoSuchMedia("The recording was deleted meanwhile.")
    rows = session.execute(select(_MEDIA.c.kind, _MEDIA.c.part).where(_MEDIA.c.recording_id == recording_id))
    known = {(row.kind, row.part) for row in rows}
    added = [item for item in media if (item.kind, item.part) not in known]
    now_ms = to_ms(utc_now())
    for item in added:
        statement = insert(_MEDIA).values(media_row(recording_id, item)).returning(_MEDIA.c.id)
        media_id = session.execute(statement).scalar_one()
        session.execute(insert(_PLACEMENT).values(placement_row(media_id, item, now_ms)))
    if added:
        playable = found.playable or any(item.browser_playable for item in added)
        session.execute(
            update(_RECORDING)
            .where(_RECORDING.c.id == recording_id)
            .values(playable=playable, revision=_RECORDING.c.revision + 1)
        )
        _tell(session, recording_id, added)
    return added


def _tell(session: Session, recording_id: int, added: Sequence[PreparedMedia]) -> None:
    facts: dict[str, JsonValue] = {"added": [_seal_facts(item) for item in added]}
    append_facts(session, SYSTEM, Action.INGEST, [Fact(subject=subject_of(recording_id), facts=facts)])
    text_id = ids.to_text(recording_id)
    events.append(session, events.Topic.RECORDING_CHANGED, text_id, {"id": text_id})


def _seal_facts(item: PreparedMedia) -> dict[str, JsonValue]:
    return {"kind": item.kind.value, "part": item.part, "size_bytes": item.size_bytes, "sha256": item.sha256}
