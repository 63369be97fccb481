"""What the metadata of a recording session says, and what it says after an update.

Source: RFC 7865 section 6 (the model) and section 9 (complete and partial).
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import TypeVar

PARTS_MAX = 500
FIELDS_MAX = 400


class DataMode(StrEnum):
    """Whether metadata is all there is to say or only what changed."""

    COMPLETE = "complete"
    PARTIAL = "partial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Sessions that belong together, such as the legs of a transfer; times as in Metadata."""

    id: str
    associated_at: datetime | None = None
    disassociated_at: datetime | None = None
    extensions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One recorded call; times as in Metadata."""

    id: str
    group_id: str = ""
    sip_session_ids: tuple[str, ...] = ()
    reason: str = ""
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    extensions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """Somebody in a call: address of record and name as written, and the number in the address.

    other_numbers: those in other addresses of record of the same one.
    """

    id: str
    aor: str = ""
    name: str = ""
    number: str = ""
    other_numbers: tuple[str, ...] = ()
    extensions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One stream of media; label: as in a=label of the description. mode: "mixed", "separate" or ""."""

    id: str
    session_id: str = ""
    label: str = ""
    mode: str = ""
    content_type: str = ""
    associated_at: datetime | None = None
    extensions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """That a participant is in a session, and since when and until when; times as in Metadata."""

    participant_id: str
    session_id: str = ""
    joined_at: datetime | None = None
    left_at: datetime | None = None
    extensions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamUse:
    """The streams, by id, that a participant sends and receives; none while on hold; times as in Metadata."""

    participant_id: str
    sends: tuple[str, ...] = ()
    receives: tuple[str, ...] = ()
    associated_at: datetime | None = None
    disassociated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """All that one metadata document says, or that several say together.

    Times are UTC; one without a zone is as the client wrote it, without a zone.
    extensions, here and in the parts: path -> text of elements that the standard does not have, names joined by dots.
    """

    mode: DataMode = DataMode.COMPLETE
    recording_id: str = ""
    groups: tuple[Group, ...] = ()
    sessions: tuple[Session, ...] = ()
    participants: tuple[Participant, ...] = ()
    streams: tuple[Stream, ...] = ()
    presences: tuple[Presence, ...] = ()
    uses: tuple[StreamUse, ...] = ()
    extensions: Mapping[str, str] = field(default_factory=dict)


_Part = TypeVar("_Part", Group, Session, Participant, Stream, Presence)


def merge(previous: Metadata | None, update: Metadata) -> Metadata:
    """The state after an update: a complete one replaces it, a partial one adds to it and changes what it names.

    A participant that a partial update links to streams has those links only, so that an empty link is a hold.
    """
    if previous is None or update.mode is DataMode.COMPLETE:
        return replace(update, mode=DataMode.COMPLETE)
    linked = {use.participant_id for use in update.uses}
    return Metadata(
        recording_id=update.recording_id or previous.recording_id,
        groups=_merge_parts(previous.groups, update.groups, lambda part: part.id),
        sessions=_merge_parts(previous.sessions, update.sessions, lambda part: part.id),
        participants=_merge_parts(previous.participants, update.participants, lambda part: part.id),
        streams=_merge_parts(previous.streams, update.streams, lambda part: part.id),
        presences=_merge_parts(_let_back(previous.presences, update.presences), update.presences, _whose),
        uses=(*(use for use in previous.uses if use.participant_id not in linked), *update.uses)[:PARTS_MAX],
        extensions=_join_fields(previous.extensions, update.extensions),
    )


def _whose(presence: Presence) -> tuple[str, str]:
    return presence.participant_id, presence.session_id


def _let_back(previous: Sequence[Presence], update: Sequence[Presence]) -> list[Presence]:
    """Those known before; who had left and came anew, as an update says, has not left any more."""
    came = {_whose(each): each.joined_at for each in update if each.joined_at and not each.left_at}
    return [
        replace(known, left_at=None) if came.get(_whose(known), known.joined_at) != known.joined_at else known
        for known in previous
    ]


def _merge_parts(
    previous: Sequence[_Part], update: Sequence[_Part], key: Callable[[_Part], Hashable]
) -> tuple[_Part, ...]:
    merged = {key(part): part for part in previous}
    for part in update:
        known = merged.get(key(part))
        merged[key(part)] = _fill(known, part) if known else part
    return tuple(merged.values())[:PARTS_MAX]


def _fill(known: _Part, part: _Part) -> _Part:
    """The newer part, with what it leaves out taken from the one known before."""
    found = {field.name: getattr(part, field.name) or getattr(known, field.name) for field in fields(part)}
    return replace(part, **(found | {"extensions": _join_fields(known.extensions, part.extensions)}))


def _join_fields(known: Mapping[str, str], newer: Mapping[str, str]) -> dict[str, str]:
    return dict(islice({**known, **newer}.items(), FIELDS_MAX))
