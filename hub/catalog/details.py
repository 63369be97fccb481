"""Call details: kept, and matched with recordings that came before them or come after them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert
from sqlalchemy.orm import Session

from hub import ids
from hub.audit import SYSTEM, Action
from hub.audit.trail import Fact, append_facts
from hub.catalog import events, matching
from hub.catalog.content import Content, columns_of, content_from, content_of, owner_from, party_from
from hub.catalog.dialect import insert_into, lock_device
from hub.catalog.filling import fill
from hub.catalog.models import DetailNumber, StoredDetail
from hub.catalog.prepared import PreparedRecording
from hub.catalog.recording import subject_of
from hub.catalog.rewriting import rewrite
from hub.catalog.terms import digits_of
from hub.clock import to_ms, utc_now
from hub.db.plain import injective_text, storable_text
from hub.sdk import CallDetail, Direction

_DETAIL_ID_LENGTH = 512
_LOCK_SPACE = 0x6465_7461  # locks of one device between its recordings and its details
_DETAIL, _NUMBER = StoredDetail.table(), DetailNumber.table()


def commit_details(session: Session, instance_id: int, details: Sequence[tuple[str, CallDetail]]) -> list[int]:
    """Keep call details, each as (receipt id, detail), and complete the recordings they belong to.

    Returns: the ids of recordings that got fields filled.
    """
    hold_devices(session, recordings=(), details=(instance_id,))
    changed: dict[int, tuple[Row[Any], str]] = {}
    for row in _keep(session, instance_id, details):
        detail = _content(row)
        for recording in matching.recordings_for(session, row):
            before = content_from(recording)
            after = fill(before, detail, row.rule)
            if after is not before:
                changed[recording.id] = (recording, row.rule)
                rewrite(session, recording, after)
    _tell(session, changed)
    return list(changed)


def complete(session: Session, recordings: Sequence[tuple[PreparedRecording, Content]]) -> list[Content]:
    """The contents of new recordings, completed by the details that came before them."""
    calls = [
        matching.Call(prepared.instance_id, to_ms(prepared.draft.started_at), content)
        for prepared, content in recordings
    ]
    known = matching.devices_with_details(session, sorted({call.device_id for call in calls}))
    if not known:
        return [content for _, content in recordings]
    by_call_id = matching.details_by_call_id(session, calls)
    contents = []
    for place, call in enumerate(calls):
        content, rows = call.content, by_call_id.get(place, [])
        if not rows and call.device_id in known:
            rows = matching.details_by_numbers(session, call)
        for row in rows:
            content = fill(content, _content(row), row.rule)
        contents.append(content)
    return contents


def hold_devices(session: Session, *, recordings: Collection[int], details: Collection[int] = ()) -> None:
    """Let recordings of these devices be committed side by side, and details only where none of them is.

    Without it, on PostgreSQL, a recording and its detail that are committed at once would not see each other. Whoever
    commits both in one transaction calls this first, or two workers may wait for each other.
    """
    for device_id in sorted({*recordings, *details}):
        lock_device(session, _LOCK_SPACE, device_id, shared=device_id not in details)


def forget_details(session: Session, older_than: datetime) -> int:
    """Forget details that no recording will ask for any more.

    Returns: how many.
    """
    gone = session.execute(delete(_DETAIL).where(_DETAIL.c.received_ms < to_ms(older_than)).returning(_DETAIL.c.id))
    return len(gone.all())


def _keep(session: Session, instance_id: int, details: Sequence[tuple[str, CallDetail]]) -> list[Row[Any]]:
    """Store the details that are new.

    Returns: their rows, in the order they came.
    """
    rows: dict[str, dict[str, Any]] = {}
    for receipt_id, detail in details:
        row = _detail_row(instance_id, receipt_id, detail)
        rows.setdefault(row["detail_id"], row)
    if not rows:
        return []
    statement = insert_into(session, _DETAIL).on_conflict_do_nothing(index_elements=["instance_id", "detail_id"])
    kept = session.execute(statement.returning(_DETAIL), list(rows.values())).all()
    numbers = [
        {"instance_id": instance_id, "digits": digits, "started_ms": row.started_ms, "detail": row.id}
        for row in kept
        for digits in row.content["digits"]
    ]
    if numbers:
        session.execute(insert(_NUMBER), numbers)
    return sorted(kept, key=lambda row: row.id)


def _detail_row(instance_id: int, receipt_id: str, detail: CallDetail) -> dict[str, Any]:
    content = content_of(detail)
    columns = columns_of(content)
    digits = {digits for text in detail.numbers if (digits := digits_of(text))} | matching.numbers_of(content)
    return {
        "instance_id": instance_id,
        "detail_id": injective_text(detail.detail_id, _DETAIL_ID_LENGTH),
        "receipt_id": receipt_id,
        "rule": storable_text(detail.rule, 64),
        "started_ms": to_ms(detail.started_at),
        "ended_ms": to_ms(detail.ended_at),
        "received_ms": to_ms(utc_now()),
        "call_id": columns.pop("call_id"),
        "content": {**columns, "digits": sorted(digits)},
    }


def _content(row: Row[Any]) -> Content:
    """The content of a stored detail."""
    stored = row.content
    return Content(
        call_id=row.call_id,
        direction=Direction(stored["direction"]),
        parties=tuple(party_from(value) for value in stored["parties"]),
        owner=owner_from(_Stored(stored)),
        agent=stored["agent"],
        target=stored["target"],
        skill=stored["skill"],
        fields=stored["fields"],
        provenance={},
    )


class _Stored:
    """A JSON object read like a row."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)


def _tell(session: Session, changed: dict[int, tuple[Row[Any], str]]) -> None:
    lines = [
        Fact(subject=subject_of(recording_id), facts={"rule": rule}) for recording_id, (_, rule) in changed.items()
    ]
    append_facts(session, SYSTEM, Action.DETAILS_FILL, lines)
    events.append_many(
        session,
        [
            (
                events.Topic.RECORDING_CHANGED,
                ids.to_text(recording_id),
                {"id": ids.to_text(recording_id), "instance": row.device_id, "start_ms": row.start_ms},
            )
            for recording_id, (row, _) in changed.items()
        ],
    )
