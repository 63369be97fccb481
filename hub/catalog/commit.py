"""The last room: one transaction writes a batch of recordings with everything that belongs to them."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import JsonValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub import ids
from hub.audit import SYSTEM, Action
from hub.audit.trail import Fact, append_facts
from hub.catalog import details, events, postings, rollups, takes
from hub.catalog.claims import Claim, claim
from hub.catalog.content import Content, columns_of, content_of
from hub.catalog.media_rows import media_row, placement_row
from hub.catalog.models import Media, Placement, RawMetadata, Recording, Timeline
from hub.catalog.prepared import Committed, MediaKind, Outcome, PreparedRecording
from hub.catalog.seals import seal_media, seal_timeline
from hub.catalog.terms import terms_of
from hub.catalog.timeline import events_json
from hub.clock import to_ms, utc_now
from hub.db.bulk import insert_rows
from hub.db.plain import injective_text, storable_json, storable_text
from hub.sdk import RecordingDraft

_RAW_KEY_LENGTH = 255
_PROBLEM_LENGTH = 64


def commit_recordings(
    session: Session, prepared: Sequence[PreparedRecording], *, timezone_of: Callable[[int], str]
) -> list[Committed]:
    """Write a batch within the session's transaction; what was committed before changes nothing.

    timezone_of: instance id -> the time zone where the device stands, for the local day of reports.
    Returns: what became of each, in the order of `prepared`.
    """
    details.hold_devices(session, recordings={item.instance_id for item in prepared})
    claims = claim(session, prepared)
    new = [each for each in claims if each.becomes_recording]
    contents = details.complete(session, [(item.prepared, content_of(item.prepared.draft)) for item in new])
    origins = Counter(each.recording_id for each in claims if each.is_new)
    rows = [
        _recording_row(each, content, origins[each.recording_id], timezone_of(each.prepared.instance_id))
        for each, content in zip(new, contents, strict=True)
    ]
    if rows:
        insert_rows(session, Recording.table(), rows)
        _write_raw(session, new)
        _write_timelines(session, new)
        _write_media(session, new, rows[0]["catalogued_ms"])
        _write_index(session, rows, contents)
    for each in claims:
        if each.is_joined:
            takes.attach(session, each.recording_id, each.prepared)
    _tell(session, claims)
    return [Committed(each.prepared.receipt_id, each.recording_id, _outcome(each)) for each in claims]


def _outcome(each: Claim) -> Outcome:
    if each.is_merged or each.is_joined:
        return Outcome.MERGED if each.is_merged else Outcome.JOINED
    return Outcome.NEW if each.is_new else Outcome.DUPLICATE


def _recording_row(each: Claim, content: Content, origin_count: int, timezone: str) -> dict[str, Any]:
    prepared = each.prepared
    draft, problem = prepared.draft, prepared.problem or prepared.draft.problem
    start_ms = to_ms(draft.started_at)
    return columns_of(content) | {
        "id": each.recording_id,
        "device_id": prepared.instance_id,
        "start_ms": start_ms,
        "duration_ms": round(prepared.duration_s * 1000),
        "notice_kind": draft.notice.kind,
        "notice_by": storable_text(draft.notice.by, _RAW_KEY_LENGTH),
        "notice_at_ms": None if draft.notice.at is None else to_ms(draft.notice.at),
        "mixed": prepared.mixed,
        "has_speech": prepared.has_speech,
        "problem_code": None if problem is None else storable_text(problem[0], _PROBLEM_LENGTH),
        "problem_text": "" if problem is None else storable_text(problem[1]),
        "playable": any(media.browser_playable and media.store_id is not None for media in prepared.media),
        "sealed": any(media.kind is MediaKind.ORIGINAL and media.sha256 for media in prepared.media),
        "origin_count": origin_count,
        "revision": 1,
        "local_day": rollups.local_day(start_ms, timezone),
        "received_ms": to_ms(prepared.received_at),
        "catalogued_ms": to_ms(utc_now()),
    }


def _write_raw(session: Session, new: Sequence[Claim]) -> None:
    rows = [
        {"recording_id": each.recording_id, "key": injective_text(key, _RAW_KEY_LENGTH), "value": value}
        for each in new
        for key, value in each.prepared.draft.raw.items()
    ]
    insert_rows(session, RawMetadata.table(), rows)


def _write_timelines(session: Session, new: Sequence[Claim]) -> None:
    timelines = ((each.recording_id, _timeline(each.prepared.draft)) for each in new)
    rows = [{"recording_id": recording_id, "events": values} for recording_id, values in timelines if values]
    insert_rows(session, Timeline.table(), rows)


def _timeline(draft: RecordingDraft) -> list[JsonValue]:
    values: list[JsonValue] = storable_json(events_json(draft.events))
    return values


def _write_media(session: Session, new: Sequence[Claim], now_ms: int) -> None:
    """Media objects first; their ids then name their placements."""
    table = Media.table()
    rows = [media_row(each.recording_id, media) for each in new for media in each.prepared.media]
    if not rows:
        return
    insert_rows(session, table, rows)
    query = select(table.c.id, table.c.recording_id, table.c.kind, table.c.part).where(
        table.c.recording_id.in_([each.recording_id for each in new])
    )
    media_ids = {(row.recording_id, row.kind, row.part): row.id for row in session.execute(query)}
    placements = [
        placement_row(media_ids[each.recording_id, media.kind, media.part], media, now_ms)
        for each in new
        for media in each.prepared.media
        if media.store_id is not None
    ]
    insert_rows(session, Placement.table(), placements)


def _write_index(session: Session, rows: Sequence[dict[str, Any]], contents: Sequence[Content]) -> None:
    """What search and reports read."""
    pairs = list(zip(rows, contents, strict=True))
    postings.post(
        session,
        [postings.Posted(row["id"], row["start_ms"], terms_of(content, row["device_id"])) for row, content in pairs],
    )
    rollups.add(
        session,
        [
            rollups.share_of(content, day=row["local_day"], device_id=row["device_id"], duration_ms=row["duration_ms"])
            for row, content in pairs
        ],
    )


def _tell(session: Session, claims: Sequence[Claim]) -> None:
    """The audit lines, which bring the seals into the chain, and the events for those who watch."""
    new = [(each, ids.to_text(each.recording_id)) for each in claims if each.is_new]
    lines = [Fact(subject=f"recording:{text_id}", facts=_seal_facts(each)) for each, text_id in new]
    append_facts(session, SYSTEM, Action.INGEST, lines)
    events.append_many(
        session,
        [
            (
                events.Topic.RECORDING_CATALOGUED if each.becomes_recording else events.Topic.RECORDING_CHANGED,
                text_id,
                {
                    "id": text_id,
                    "instance": each.prepared.instance_id,
                    "start_ms": to_ms(each.prepared.draft.started_at),
                    "merged": each.is_merged,
                },
            )
            for each, text_id in new
        ],
    )


def _seal_facts(each: Claim) -> dict[str, JsonValue]:
    facts: dict[str, JsonValue] = {
        "instance": each.prepared.instance_id,
        "receipt": each.prepared.receipt_id,
        "media": [seal_media(media) for media in each.prepared.media],
    }
    if each.is_joined:
        facts["joined"] = True
    if each.is_merged:
        facts["merged"] = True
    elif timeline := _timeline(each.prepared.draft):
        facts["timeline"] = seal_timeline(timeline)
    return facts
