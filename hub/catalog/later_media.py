"""Media that is made after a recording was committed: forms of long recordings, which take their time."""

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hub import ids
from hub.audit import SYSTEM, Action
from hub.audit.trail import Fact, append_facts
from hub.catalog import events
from hub.catalog.errors import NoSuchMedia
from hub.catalog.media_rows import insert_media
from hub.catalog.models import Media, Recording
from hub.catalog.prepared import PreparedMedia
from hub.catalog.recording import subject_of
from hub.catalog.seals import seal_media

_MEDIA, _RECORDING = Media.table(), Recording.table()


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
    insert_media(session, recording_id, added)
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
    line = Fact(subject=subject_of(recording_id), facts={"added": [seal_media(item) for item in added]})
    append_facts(session, SYSTEM, Action.INGEST, [line])
    text_id = ids.to_text(recording_id)
    events.append(session, events.Topic.RECORDING_CHANGED, text_id, {"id": text_id})
