"""From rows of the database to what leaves the catalog."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from hub.audit import Action
from hub.audit.models import AuditLine
from hub.catalog import models
from hub.catalog.content import owner_from, party_from
from hub.catalog.prepared import MediaKind
from hub.catalog.recording import (
    Media,
    Moment,
    Origin,
    RecordingDetail,
    RecordingRow,
    Seal,
    StoredCopy,
    subject_of,
)
from hub.catalog.timeline import events_from
from hub.clock import from_ms
from hub.sdk import Notice, TimelineEvent

_MEDIA, _PLACEMENT, _ORIGIN = models.Media.table(), models.Placement.table(), models.Origin.table()
LIST_COLUMNS = [
    column
    for column in models.Recording.table().c
    if column.name not in ("fields", "provenance", "local_day", "catalogued_ms")
]
"""What a line of the list needs of `recording`."""

_RAW, _TIMELINE, _LINE = models.RawMetadata.table(), models.Timeline.table(), AuditLine.table()
_TAKE = models.Take.table()


def recording_row(row: Any, legs: int = 1, other_devices: tuple[int, ...] = ()) -> RecordingRow:
    """One line of the list."""
    return RecordingRow(**_row_values(row, legs), other_devices=other_devices)


def other_devices_of(session: Session, recording_ids: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """Recording id -> the further devices that recorded the call, for recordings that have any."""
    if not recording_ids:
        return {}
    takes = select(_TAKE.c.recording_id, _TAKE.c.instance_id).where(_TAKE.c.recording_id.in_(recording_ids))
    found: dict[int, tuple[int, ...]] = {}
    for take in session.execute(takes.order_by(_TAKE.c.part)):
        known = found.get(take.recording_id, ())
        found[take.recording_id] = known if take.instance_id in known else (*known, take.instance_id)
    return found


def recording_detail(session: Session, row: Any, legs: int) -> RecordingDetail:
    """All that is known about one recording."""
    media = media_of(session, row.id)
    origins = _origins(session, row.id)
    return RecordingDetail(
        **_row_values(row, legs),
        other_devices=other_devices_of(session, [row.id]).get(row.id, ()),
        media=media,
        origins=origins,
        fields=row.fields,
        provenance=row.provenance,
        raw=_raw(session, row.id),
        events=_events(session, row.id),
        seal=_seal(session, row, media),
        timeline=_timeline(session, row, media, origins),
    )


def _row_values(row: Any, legs: int) -> dict[str, Any]:
    notice_at = None if row.notice_at_ms is None else from_ms(row.notice_at_ms)
    return {
        "id": row.id,
        "started_at": from_ms(row.start_ms),
        "duration_s": row.duration_ms / 1000,
        "direction": row.direction,
        "parties": tuple(party_from(value) for value in row.parties),
        "agent": row.agent,
        "owner": owner_from(row),
        "target": row.target,
        "skill": row.skill,
        "call_id": row.call_id,
        "device_id": row.device_id,
        "notice": Notice(kind=row.notice_kind, by=row.notice_by, at=notice_at),
        "mixed": row.mixed,
        "has_speech": row.has_speech,
        "problem": None if row.problem_code is None else (row.problem_code, row.problem_text),
        "playable": row.playable,
        "sealed": row.sealed,
        "origin_count": row.origin_count,
        "revision": row.revision,
        "received_at": from_ms(row.received_ms),
        "legs": legs,
    }


def media_of(session: Session, recording_id: int) -> tuple[Media, ...]:
    """The media objects of a recording with their copies, for those who care for its media."""
    rows = session.execute(
        select(_MEDIA).where(_MEDIA.c.recording_id == recording_id).order_by(_MEDIA.c.part, _MEDIA.c.id)
    ).all()
    copies: dict[int, list[StoredCopy]] = {}
    placements = select(_PLACEMENT).where(_PLACEMENT.c.media_id.in_([row.id for row in rows])).order_by(_PLACEMENT.c.id)
    for row in session.execute(placements):
        copies.setdefault(row.media_id, []).append(_copy(row))
    return tuple(_one_media(row, copies.get(row.id, ())) for row in rows)


def _one_media(row: Row[Any], copies: Iterable[StoredCopy]) -> Media:
    return Media(
        id=row.id,
        kind=row.kind,
        part=row.part,
        size_bytes=row.size_bytes,
        sha256=row.sha256,
        container=row.container,
        codec=row.codec,
        sample_rate_hz=row.sample_rate_hz,
        channels=row.channels,
        duration_s=row.duration_ms / 1000,
        bit_rate_bps=row.bit_rate_bps,
        browser_playable=row.browser_playable,
        copies=tuple(copies),
    )


def _copy(row: Row[Any]) -> StoredCopy:
    return StoredCopy(
        id=row.id,
        store_id=row.store_id,
        key=row.key,
        member=row.member,
        size_bytes=row.size_bytes,
        verified_by=row.verified_by,
        placed_at=from_ms(row.placed_ms),
    )


def _origins(session: Session, recording_id: int) -> tuple[Origin, ...]:
    rows = session.execute(select(_ORIGIN).where(_ORIGIN.c.recording_id == recording_id).order_by(_ORIGIN.c.id))
    return tuple(
        Origin(
            instance_id=row.instance_id,
            origin_id=row.origin_id,
            server=row.server,
            name=row.name,
            first_seen_at=from_ms(row.first_seen_ms),
        )
        for row in rows
    )


def _raw(session: Session, recording_id: int) -> Mapping[str, bytes]:
    rows = session.execute(select(_RAW).where(_RAW.c.recording_id == recording_id).order_by(_RAW.c.key))
    return {row.key: bytes(row.value) for row in rows}


def _events(session: Session, recording_id: int) -> tuple[TimelineEvent, ...]:
    values = session.scalar(select(_TIMELINE.c.events).where(_TIMELINE.c.recording_id == recording_id))
    return events_from(values or ())


def _seal(session: Session, row: Any, media: Sequence[Media]) -> Seal:
    """The line of the first hand-over holds the seal; what was merged later has lines of its own."""
    chain_seq = session.scalar(
        select(_LINE.c.seq)
        .where(_LINE.c.subject == subject_of(row.id), _LINE.c.action == Action.INGEST.value)
        .order_by(_LINE.c.id)
        .limit(1)
    )
    return Seal(
        sha256=tuple(item.sha256 for item in media if item.kind is MediaKind.ORIGINAL),
        sealed_at=from_ms(row.catalogued_ms),
        chain_seq=chain_seq,
    )


def _timeline(session: Session, row: Any, media: Sequence[Media], origins: Sequence[Origin]) -> tuple[Moment, ...]:
    moments = [
        Moment(at=from_ms(row.start_ms), what="started"),
        Moment(at=from_ms(row.start_ms + row.duration_ms), what="ended"),
        Moment(at=from_ms(row.received_ms), what="received", text=origins[0].name if origins else ""),
        Moment(at=from_ms(row.catalogued_ms), what="catalogued"),
    ]
    is_joined = any(item.kind is MediaKind.PARALLEL for item in media)
    moments += [
        Moment(
            at=other.first_seen_at,
            what="joined" if is_joined and other.instance_id != row.device_id else "received_again",
            text=other.name,
        )
        for other in origins[1:]
    ]
    moments += [Moment(at=at, what="copied") for at in _copied_at(media, from_ms(row.catalogued_ms))]
    filled = select(_LINE.c.at_ms, _LINE.c.facts).where(
        _LINE.c.subject == subject_of(row.id), _LINE.c.action == Action.DETAILS_FILL.value
    )
    moments += [
        Moment(at=from_ms(line.at_ms), what="completed", text=str(line.facts.get("rule", "")))
        for line in session.execute(filled)
    ]
    return tuple(sorted(moments, key=lambda moment: moment.at))


def _copied_at(media: Iterable[Media], catalogued_at: datetime) -> set[datetime]:
    """When media that rested in one store was put into another; what was made or joined later came to its first one."""
    copied = set[datetime]()
    for item in media:
        placed = sorted(copy.placed_at for copy in item.copies)
        copied |= {at for at in (placed if item.kind is MediaKind.ORIGINAL else placed[1:]) if at > catalogued_at}
    return copied
