"""The one neutral shape that every source and migrator hands over."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path


class Direction(StrEnum):
    """Which way the call went, seen from the company."""

    INTERNAL = "internal"
    INCOMING = "incoming"
    OUTGOING = "outgoing"
    UNKNOWN = "unknown"


class Role(StrEnum):
    """What a party was in the call."""

    CALLER = "caller"
    CALLED = "called"
    PARTICIPANT = "participant"


class OwnerKind(StrEnum):
    """What triggered the recording."""

    USER = "user"
    GROUP = "group"
    LINE = "line"
    ACCOUNT_CODE = "account_code"


class NoticeKind(StrEnum):
    """How the parties were told that they are recorded."""

    ANNOUNCED = "announced"
    TONE = "tone"
    AGENT = "agent"
    SIGNALLED = "signalled"
    """Their telephones were told, which show it."""
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One side of the call as the PBX names it.

    channel: the channel of the media that carries only this party, counted from 0.
    joined_s, left_s: seconds after the start of the recording.
    """

    number: str
    name: str = ""
    role: Role = Role.PARTICIPANT
    channel: int | None = None
    joined_s: float | None = None
    left_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """What triggered the recording: a user, hunt group, line or account code."""

    kind: OwnerKind
    id: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Notice and consent: how the parties were told, by whom or what, and when (aware UTC)."""

    kind: NoticeKind = NoticeKind.UNKNOWN
    by: str = ""
    at: datetime | None = None


class EventKind(StrEnum):
    """What can happen in the course of a recording."""

    KEY = "key"
    PAUSE = "pause"
    HOLD = "hold"
    JOIN = "join"
    LEAVE = "leave"
    GAP = "gap"
    """Media that should be there is not."""
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEvent:
    """Something that happened at a moment of the recording, or during a stretch of it.

    at_s, until_s: seconds after its start; until_s: None for a moment. party: number of whom it is about.
    text: what to show beside the kind, such as a digit where a rule lets digits be kept.
    """

    at_s: float
    kind: EventKind
    until_s: float | None = None
    party: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFile:
    """One finished media file on this machine.

    path: the hub reads it; what happens to it after the receipt is the source's affair.
    sha256: lowercase hex if the source knows it; the hub then refuses bytes that changed since.
    channel_parties: numbers of the parties on channel 0, 1, ... where channels are separate. More than two channels are
    kept as they are, and played as two: the first left, all others right.
    """

    path: Path
    sha256: str = ""
    channel_parties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLocation:
    """Media that stays where it is: migrated recordings are not moved.

    connector: name of the connector instance. key: object there. member: file inside an archive such as a tar.
    """

    connector: str
    key: str
    member: str = ""
    size_bytes: int | None = None
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingDraft:
    """A recording before it has an id.

    origin_id: what makes it unique within this source instance; the same one again is the same recording.
    origin_server, origin_name: where it came from and what it was called there (any string, shown to people).
    started_at: aware UTC. duration_s: None if the media tells it.
    mixed: True if one channel carries both parties, None if the media tells it.
    merge_same_media: the same bytes under another origin are the same call (never for media without speech).
    call_keys: by what another device that records the same call knows it, too, whoever's call it is and wherever: such
    as "sip:" and a Call-ID. Two devices' recordings that share a key and overlap in time become one.
    longest_s: how long a rule lets it be; it is never filled from another device beyond that.
    fields: other facts under their own names, such as "ucid" or "skill_group"; kept and shown. Those that end in
    "_loss_percent", "_concealed_s" or "_mos" are of what this device lost, and go once that is filled from another.
    provenance: field -> the rule that filled it, such as "riff:INFO.IART", "sidecar", "filename", "smdr".
    raw: unknown metadata as it was found, such as "riff:SIGN" -> the chunk's bytes.
    events: what happened in its course, in any order.
    problem: why the content could not be understood (code, text); such a recording is catalogued all the same.
    """

    origin_id: str
    started_at: datetime
    media: tuple[MediaFile | MediaLocation, ...]
    duration_s: float | None = None
    origin_server: str = ""
    origin_name: str = ""
    call_id: str = ""
    direction: Direction = Direction.UNKNOWN
    parties: tuple[Party, ...] = ()
    owner: Owner | None = None
    agent: str = ""
    target: str = ""
    skill: str = ""
    notice: Notice = field(default_factory=Notice)
    mixed: bool | None = None
    merge_same_media: bool = False
    call_keys: tuple[str, ...] = ()
    longest_s: float | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
    raw: Mapping[str, bytes] = field(default_factory=dict)
    events: tuple[TimelineEvent, ...] = ()
    problem: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDetail:
    """What the PBX says later about a call: it fills empty fields of matching recordings and overwrites none.

    detail_id: unique within this source instance. rule: the provenance its fields get, such as "smdr".
    started_at, ended_at: aware UTC, the span in which a matching recording began.
    numbers: all numbers of the call, for matching where no call id is known.
    """

    detail_id: str
    rule: str
    started_at: datetime
    ended_at: datetime
    call_id: str = ""
    direction: Direction = Direction.UNKNOWN
    parties: tuple[Party, ...] = ()
    owner: Owner | None = None
    agent: str = ""
    target: str = ""
    skill: str = ""
    numbers: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)


class Stage(StrEnum):
    """How far a handed-over recording has come; each stage includes the ones before."""

    SPOOLED = "spooled"
    STORED = "stored"
    COPIED = "copied"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The hub's promise that the recording is durable on its disk: the source may let go of its copy.

    id: names the hand-over; ask `PluginContext.stage` with it. duplicate: this origin_id was handed over before.
    sha256: of each media file as the hub wrote it.
    """

    id: str
    duplicate: bool = False
    sha256: tuple[str, ...] = ()
