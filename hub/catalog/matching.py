"""Which call detail belongs to which recording, whichever of the two comes first.

By call id, on the same device and near in time, since a PBX counts its calls from one again after a restart. Where one
side has no call id: a recording that began within the span of the detail and whose numbers are all numbers of the
detail, if there is exactly one such call. Nothing is guessed.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, exists, or_, select, tuple_
from sqlalchemy.orm import Session

from hub.catalog.content import Content, content_from
from hub.catalog.models import DetailNumber, Number, Party, Recording, StoredDetail
from hub.catalog.terms import digits_of, plan_of

CALL_ID_SLACK_MS = 15 * 60_000
"""How far a recording's start may lie outside the detail's span where the call id is the same."""

LONGEST_CALL_MS = 24 * 3_600_000
_SUBSCRIBER_LENGTH = 7

_RECORDING, _DETAIL = Recording.table(), StoredDetail.table()
_DETAIL_NUMBER, _NUMBER, _PARTY = DetailNumber.table(), Number.table(), Party.table()


@dataclass(frozen=True, slots=True)
class Call:
    """A recording that looks for its details."""

    device_id: int
    start_ms: int
    content: Content


def numbers_of(content: Content) -> frozenset[str]:
    """The digits of a content's numbers."""
    texts = [party.number for party in content.parties]
    texts += [content.target, content.agent, content.owner.id if content.owner else ""]
    return frozenset(digits for text in texts if (digits := digits_of(text)))


def party_numbers_of(content: Content) -> frozenset[str]:
    """The digits of the parties alone: what tells one call from another."""
    return frozenset(digits for party in content.parties if (digits := digits_of(party.number)))


def details_by_call_id(session: Session, calls: Sequence[Call]) -> dict[int, list[Row[Any]]]:
    """Place in `calls` -> the details with the same call id, oldest first; one query for all."""
    wanted = {(call.device_id, call.content.call_id) for call in calls if call.content.call_id}
    if not wanted:
        return {}
    query = (
        select(_DETAIL)
        .where(tuple_(_DETAIL.c.instance_id, _DETAIL.c.call_id).in_(wanted), _DETAIL.c.call_id != "")
        .order_by(_DETAIL.c.started_ms, _DETAIL.c.id)
    )
    by_call: dict[tuple[int, str], list[Row[Any]]] = {}
    for row in session.execute(query):
        by_call.setdefault((row.instance_id, row.call_id), []).append(row)
    found = {}
    for place, call in enumerate(calls):
        near = [row for row in by_call.get((call.device_id, call.content.call_id), ()) if _is_near(row, call.start_ms)]
        if near:
            found[place] = near
    return found


def devices_with_details(session: Session, device_ids: Collection[int]) -> set[int]:
    """Which of these devices ever brought a detail; the others need not be asked for each recording."""
    known = (exists().where(_DETAIL.c.instance_id == device_id) for device_id in device_ids)
    found = session.execute(select(*known)).one() if device_ids else ()
    return {device_id for device_id, is_known in zip(device_ids, found, strict=True) if is_known}


def details_by_numbers(session: Session, call: Call) -> list[Row[Any]]:
    """The details of the one call that can be this recording's, oldest first; none where there are several calls."""
    numbers = party_numbers_of(call.content)
    if not numbers:
        return []
    candidates = select(_DETAIL_NUMBER.c.detail).where(
        _DETAIL_NUMBER.c.instance_id == call.device_id,
        _DETAIL_NUMBER.c.digits.in_(numbers),
        _DETAIL_NUMBER.c.started_ms.between(call.start_ms - LONGEST_CALL_MS, call.start_ms),
    )
    query = select(_DETAIL).where(_DETAIL.c.id.in_(candidates), _DETAIL.c.ended_ms >= call.start_ms)
    if call.content.call_id:
        query = query.where(_DETAIL.c.call_id == "")
    rows = session.execute(query.order_by(_DETAIL.c.started_ms, _DETAIL.c.id)).all()
    fitting = [row for row in rows if _all_known(numbers, row.content["digits"])]
    one_call = {row.call_id for row in fitting} if all(row.call_id for row in fitting) else {row.id for row in fitting}
    return fitting if len(one_call) == 1 else []


def recordings_for(session: Session, detail: Row[Any]) -> list[Row[Any]]:
    """The recordings that a new detail completes."""
    if detail.call_id:
        named = session.execute(
            select(_RECORDING).where(
                _RECORDING.c.call_id == detail.call_id,
                _RECORDING.c.call_id != "",
                _RECORDING.c.device_id == detail.instance_id,
                _RECORDING.c.start_ms.between(detail.started_ms - CALL_ID_SLACK_MS, detail.ended_ms + CALL_ID_SLACK_MS),
            )
        ).all()
        if named:
            return list(named)
    fitting = [row for row in _in_span(session, detail) if _fits(row, detail)]
    return fitting if len(fitting) == 1 else []


def _in_span(session: Session, detail: Row[Any]) -> Sequence[Row[Any]]:
    """Recordings with one of the detail's numbers that began while it lasted."""
    digits = detail.content["digits"]
    if not digits:
        return []
    numbers = select(_NUMBER.c.id).where(
        or_(*(_is_number(text, detail.instance_id) for text in digits)),
    )
    ids = select(_PARTY.c.recording_id).where(
        _PARTY.c.number_id.in_(session.scalars(numbers).all()),
        _PARTY.c.start_ms.between(detail.started_ms, detail.ended_ms),
    )
    query = select(_RECORDING).where(_RECORDING.c.id.in_(ids), _RECORDING.c.device_id == detail.instance_id)
    if detail.call_id:
        query = query.where(_RECORDING.c.call_id == "")
    return session.execute(query).all()


def _is_number(digits: str, device_id: int) -> ColumnElement[bool]:
    return and_(_NUMBER.c.digits == digits, _NUMBER.c.plan == plan_of(digits, device_id))


def _fits(row: Row[Any], detail: Row[Any]) -> bool:
    numbers = party_numbers_of(content_from(row))
    return bool(numbers) and _all_known(numbers, detail.content["digits"])


def _all_known(numbers: Collection[str], known: Collection[str]) -> bool:
    return all(any(_is_same(number, other) for other in known) for number in numbers)


def _is_same(number: str, other: str) -> bool:
    """Whether two spellings can be one number: 0049301234567, 49301234567 and 0301234567 can."""
    if number == other:
        return True
    short, long = sorted((number.lstrip("0"), other.lstrip("0")), key=len)
    return len(short) >= _SUBSCRIBER_LENGTH and long.endswith(short)


def _is_near(detail: Row[Any], start_ms: int) -> bool:
    first_ms, last_ms = detail.started_ms - CALL_ID_SLACK_MS, detail.ended_ms + CALL_ID_SLACK_MS
    return bool(first_ms <= start_ms <= last_ms)
