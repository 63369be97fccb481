"""A recording as the catalog tells it; nothing of the database leaves with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hub import ids
from hub.catalog.prepared import MediaKind, Verified
from hub.sdk import Direction, Notice, Owner, Party, TimelineEvent


def subject_of(recording_id: int) -> str:
    """How the audit trail names a recording."""
    return f"recording:{ids.to_text(recording_id)}"


class RecordingState(StrEnum):
    """How a catalogued recording is; what is still in the spool or in quarantine has no row yet."""

    CATALOGUED = "catalogued"
    PROBLEM = "problem"  # its content could not be understood: kept, and perhaps not playable


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingRow:
    """One line of the list. Times are aware UTC.

    device_id: the source instance. playable: some stored form plays in a browser. sealed: the original's SHA-256 is
    known. origin_count: under how many names it arrived. legs: how many recordings you may see share this call,
    itself included. revision: grows with every change. other_devices: further source instances that recorded the call.
    """

    id: int
    started_at: datetime
    duration_s: float
    direction: Direction
    parties: tuple[Party, ...]
    agent: str
    owner: Owner | None
    target: str
    skill: str
    call_id: str
    device_id: int
    notice: Notice
    mixed: bool | None
    has_speech: bool
    problem: tuple[str, str] | None
    playable: bool
    sealed: bool
    origin_count: int
    revision: int
    received_at: datetime
    legs: int = 1
    other_devices: tuple[int, ...] = ()

    @property
    def text_id(self) -> str:
        """The id as people and the API see it."""
        return ids.to_text(self.id)

    @property
    def state(self) -> RecordingState:
        """How it is."""
        return RecordingState.PROBLEM if self.problem else RecordingState.CATALOGUED


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCopy:
    """One place where a media object rests."""

    id: int
    store_id: int
    key: str
    member: str
    size_bytes: int
    verified_by: Verified | None
    placed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """One media object of a recording; without copies only its hash is known (policy dropped the original)."""

    id: int
    kind: MediaKind
    part: int
    size_bytes: int
    sha256: str
    container: str
    codec: str
    sample_rate_hz: int
    channels: int
    duration_s: float
    bit_rate_bps: int | None
    browser_playable: bool
    copies: tuple[StoredCopy, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a recording came from and what it was called there."""

    instance_id: int
    origin_id: str
    server: str
    name: str
    first_seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """The SHA-256 of the original parts, in order, and the place of the recording in the audit chain (None: soon)."""

    sha256: tuple[str, ...]
    sealed_at: datetime
    chain_seq: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One step of a recording's life: `what` is a constant such as "received", `text` says more."""

    at: datetime
    what: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingDetail(RecordingRow):
    """All that is known about one recording.

    provenance: field -> the rule that filled it. raw: unknown metadata as it was found. events: what happened in its
    course, in time. timeline: its life up to now, oldest first.
    """

    media: tuple[Media, ...]
    origins: tuple[Origin, ...]
    fields: Mapping[str, str]
    provenance: Mapping[str, str]
    raw: Mapping[str, bytes]
    events: tuple[TimelineEvent, ...]
    seal: Seal
    timeline: tuple[Moment, ...]
