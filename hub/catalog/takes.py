"""What further devices recorded of a call: kept beside the recording, and what it lacked is filled from them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import JsonValue
from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.orm import Session

from hub import ids
from hub.audit import SYSTEM, Action
from hub.audit.trail import Fact, append_facts
from hub.catalog import events, rollups, same_calls
from hub.catalog.content import Content, content_from, content_of, party_from, party_json
from hub.catalog.dialect import insert_into
from hub.catalog.errors import NoSuchMedia
from hub.catalog.filling import fill
from hub.catalog.media_rows import insert_media
from hub.catalog.mended_timeline import FilledSpan, mend_events, note_unlike
from hub.catalog.models import Media, Placement, Recording, Take, Timeline
from hub.catalog.prepared import MediaKind, PreparedMedia, PreparedRecording, TakeState
from hub.catalog.recording import RecordingDetail, subject_of
from hub.catalog.rewriting import When, rewrite
from hub.catalog.seals import seal_media, seal_timeline
from hub.catalog.timeline import events_from, events_json
from hub.catalog.views import recording_detail
from hub.clock import to_ms
from hub.db.plain import storable_json
from hub.sdk import Party, TimelineEvent

DEVICE_RULE = "device:"
"""What the provenance of a field that another device filled begins with; the device's id follows."""

_OF_LOSS = ("_loss_percent", "_concealed_s", "_mos")
_FAR_END = "_far_end_"

_MEDIA, _PLACEMENT, _RECORDING = Media.table(), Placement.table(), Recording.table()
_TAKE, _TIMELINE = Take.table(), Timeline.table()


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTake:
    """A further device's recording of a call. start_ms: by its clock. parties, events: as it told them."""

    part: int
    instance_id: int
    start_ms: int
    longest_ms: int | None
    parties: tuple[Party, ...]
    events: tuple[TimelineEvent, ...]
    state: TakeState


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a take added to its recording.

    device: what people call the device. spans: seconds of the new recording. lead_ms: how much earlier it now begins.
    events: of the take, in seconds of the new recording. media: the new form and peaks, which replace the earlier ones.
    """

    state: TakeState
    device: str
    spans: tuple[FilledSpan, ...] = ()
    lead_ms: int = 0
    duration_ms: int = 0
    events: tuple[TimelineEvent, ...] = ()
    media: tuple[PreparedMedia, ...] = ()
    has_speech: bool = False


def attach(session: Session, recording_id: int, prepared: PreparedRecording) -> None:
    """Keep what a further device recorded beside the recording of the same call, and fill its empty fields."""
    row = session.execute(select(_RECORDING).where(_RECORDING.c.id == recording_id).with_for_update()).one()
    before, content = content_from(row), content_of(prepared.draft)
    after = fill(before, content, f"{DEVICE_RULE}{ids.to_text(prepared.instance_id)}")
    if after is not before:
        rewrite(session, row, after)
    part = session.scalar(select(func.count()).where(_TAKE.c.recording_id == recording_id)) or 0
    insert_media(session, recording_id, [replace(_kept(prepared), kind=MediaKind.PARALLEL, part=part)])
    take = {
        "recording_id": recording_id,
        "part": part,
        "instance_id": prepared.instance_id,
        "start_ms": to_ms(prepared.draft.started_at),
        "longest_ms": same_calls.longest_ms(session, recording_id),
        "parties": [party_json(party) for party in content.parties],
        "events": storable_json(events_json(prepared.draft.events)),
        "state": TakeState.WAITING,
    }
    session.execute(insert(_TAKE).values(take))


def find_takes(session: Session, recording_id: int) -> tuple[RecordingDetail | None, list[KnownTake]]:
    """A recording, for those who care for its media, and its takes, the first to come first; None if it was deleted."""
    recording = session.execute(select(_RECORDING).where(_RECORDING.c.id == recording_id)).first()
    rows = session.execute(select(_TAKE).where(_TAKE.c.recording_id == recording_id).order_by(_TAKE.c.part))
    takes = [
        KnownTake(
            part=row.part,
            instance_id=row.instance_id,
            start_ms=row.start_ms,
            longest_ms=row.longest_ms,
            parties=tuple(party_from(value) for value in row.parties),
            events=events_from(row.events),
            state=row.state,
        )
        for row in rows
    ]
    return (None if recording is None else recording_detail(session, recording, 1)), takes


def complete(session: Session, recording_id: int, part: int, taken: Taken, timezone: str) -> list[tuple[int, str]]:
    """Write what became of a take; one that was completed before changes nothing.

    timezone: where the device of the recording stands.
    Returns: stored objects (store id, key) that nothing refers to any more.
    Raises: NoSuchMedia if the recording was deleted, or another worker completed the take.
    """
    row = session.execute(select(_RECORDING).where(_RECORDING.c.id == recording_id).with_for_update()).first()
    mine = (_TAKE.c.recording_id == recording_id) & (_TAKE.c.part == part)
    state = session.scalar(select(_TAKE.c.state).where(mine))
    if row is None or state is not TakeState.WAITING:
        raise NoSuchMedia("The recording was deleted, or filled by another worker.")
    session.execute(update(_TAKE).where(mine).values(state=taken.state))
    freed: list[tuple[int, str]] = []
    content = content_from(row)
    if taken.state is TakeState.FILLED:
        freed = _replace_media(session, recording_id, taken.media)
        start_ms = row.start_ms - taken.lead_ms
        when = When(start_ms, taken.duration_ms, rollups.local_day(start_ms, timezone))
        content = _shifted(content, taken.lead_ms / 1000)
        rewrite(session, row, _without_losses(content) if _had_gaps(row, taken) else content, when)
        has_speech = row.has_speech or taken.has_speech
        session.execute(
            update(_RECORDING).where(_RECORDING.c.id == recording_id).values(playable=True, has_speech=has_speech)
        )
    else:
        session.execute(
            update(_RECORDING).where(_RECORDING.c.id == recording_id).values(revision=_RECORDING.c.revision + 1)
        )
    if taken.state is TakeState.NOTHING_NEW:
        freed = _free(session, recording_id, MediaKind.PARALLEL, part)
    timeline = _mend_timeline(session, row, taken)
    _tell(session, recording_id, part, taken, timeline)
    return freed


def _kept(prepared: PreparedRecording) -> PreparedMedia:
    """What is kept of a take: its original, or its stored form where policy dropped the original."""
    original = next(media for media in prepared.media if media.kind is MediaKind.ORIGINAL)
    derived = (media for media in prepared.media if media.kind is MediaKind.DERIVED)
    return original if original.store_id is not None else next(derived, original)


def _shifted(content: Content, lead_s: float) -> Content:
    """The content, with the times of its parties counted from an earlier beginning."""
    if not lead_s:
        return content
    parties = tuple(
        replace(
            party,
            joined_s=None if party.joined_s is None else party.joined_s + lead_s,
            left_s=None if party.left_s is None else party.left_s + lead_s,
        )
        for party in content.parties
    )
    return replace(content, parties=parties)


def _had_gaps(row: Row[Any], taken: Taken) -> bool:
    """Whether something was filled within the recording, and not only before and behind it. row: as it was before."""
    began_s = taken.lead_ms / 1000
    ended_s = began_s + row.duration_ms / 1000
    return any(began_s < span.at_s and span.until_s < ended_s for span in taken.spans)


def _without_losses(content: Content) -> Content:
    """The content without what one device told of its own losses, which is not true of the filled sound."""
    fields = {name: value for name, value in content.fields.items() if _FAR_END in name or not name.endswith(_OF_LOSS)}
    return replace(content, fields=fields)


def _replace_media(session: Session, recording_id: int, media: Sequence[PreparedMedia]) -> list[tuple[int, str]]:
    freed = []
    for item in media:
        freed += _free(session, recording_id, item.kind, item.part)
        same = (_MEDIA.c.recording_id == recording_id) & (_MEDIA.c.kind == item.kind) & (_MEDIA.c.part == item.part)
        session.execute(delete(_MEDIA).where(same))
    insert_media(session, recording_id, media)
    return freed


def _free(session: Session, recording_id: int, kind: MediaKind, part: int) -> list[tuple[int, str]]:
    """Let a media object rest nowhere; its seal stays."""
    media_id = select(_MEDIA.c.id).where(
        _MEDIA.c.recording_id == recording_id, _MEDIA.c.kind == kind, _MEDIA.c.part == part
    )
    gone = delete(_PLACEMENT).where(_PLACEMENT.c.media_id.in_(media_id))
    return [(row.store_id, row.key) for row in session.execute(gone.returning(_PLACEMENT.c.store_id, _PLACEMENT.c.key))]


def _mend_timeline(session: Session, row: Row[Any], taken: Taken) -> list[JsonValue]:
    """Write the course of the recording as it is now; none if nothing of it changed. row: as it was before."""
    if taken.state is TakeState.NOTHING_NEW:
        return []
    known = session.scalar(select(_TIMELINE.c.events).where(_TIMELINE.c.recording_id == row.id))
    before = events_from(known or ())
    if taken.state is TakeState.UNLIKE:
        after = note_unlike(before, taken.device)
    else:
        lead_s = taken.lead_ms / 1000
        own_s = (lead_s, lead_s + row.duration_ms / 1000)
        after = mend_events(
            before, content_from(row).parties, taken.spans, taken.device, own_s=own_s, more=taken.events
        )
    values: list[JsonValue] = storable_json(events_json(after))
    statement = insert_into(session, _TIMELINE)
    session.execute(
        statement.on_conflict_do_update(index_elements=["recording_id"], set_={"events": statement.excluded.events}),
        {"recording_id": row.id, "events": values},
    )
    return values


def _tell(session: Session, recording_id: int, part: int, taken: Taken, timeline: Sequence[JsonValue]) -> None:
    facts: dict[str, JsonValue] = {"take": part, "state": taken.state.value}
    if taken.media:
        facts["added"] = [seal_media(item) for item in taken.media]
        facts["filled"] = [[span.channel, span.at_s, span.until_s] for span in taken.spans]
        facts["lead_ms"] = taken.lead_ms
    if timeline:
        facts["timeline"] = seal_timeline(timeline)
    append_facts(session, SYSTEM, Action.INGEST, [Fact(subject=subject_of(recording_id), facts=facts)])
    text_id = ids.to_text(recording_id)
    events.append(session, events.Topic.RECORDING_CHANGED, text_id, {"id": text_id})
