"""Recordings as the API shows them."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from hub.catalog.prepared import MediaKind, Verified
from hub.catalog.recording import RecordingState
from hub.sdk import Direction, EventKind, NoticeKind, OwnerKind, Role
from webui.api.v1.schemas.shape import Out
from webui.api.v1.values import Base64, Id, Moment


class PartyOut(Out):
    """One side of the call."""

    number: str = Field(examples=["8001"])
    name: str = Field(examples=["Maria Keller"])
    role: Role
    channel: int | None = Field(description="Channel of the media that carries only this party, counted from 0.")
    joined_s: float | None = Field(description="Seconds after the start of the recording; null: not known.")
    left_s: float | None = Field(description="Seconds after the start of the recording; null: not known, or stayed.")


class OwnerOut(Out):
    """What triggered the recording."""

    kind: OwnerKind
    id: str
    name: str


class NoticeOut(Out):
    """How the parties were told that they are recorded."""

    kind: NoticeKind
    by: str
    at: Moment | None


class ProblemOut(Out):
    """Why the content could not be understood."""

    code: str = Field(examples=["FILE_PARSE_ERROR"])
    text: str


def _problem_of(value: Any) -> Any:
    return {"code": value[0], "text": value[1]} if isinstance(value, tuple) else value


class RecordingOut(Out):
    """A recording in the list."""

    id: Id
    started_at: Moment
    duration_s: float = Field(description="Length in seconds.", examples=[73.2])
    direction: Direction
    parties: list[PartyOut]
    agent: str
    owner: OwnerOut | None
    target: str = Field(description="The number that was called.")
    skill: str
    call_id: str
    device_id: Id = Field(description="The device that brought it.")
    notice: NoticeOut
    mixed: bool | None = Field(description="Whether one channel carries both parties; null: not known.")
    has_speech: bool
    state: RecordingState
    problem: Annotated[ProblemOut | None, BeforeValidator(_problem_of)]
    playable: bool = Field(description="Whether a stored form plays in a browser.")
    sealed: bool = Field(description="Whether the original's SHA-256 is known.")
    origin_count: int = Field(description="Under how many names it arrived.")
    legs: int = Field(description="How many recordings that you may see share this call, itself included.")
    revision: int
    received_at: Moment


class CopyOut(Out):
    """One place where a media object rests."""

    store_id: Id = Field(description="The connector that keeps it.")
    size_bytes: int
    verified_by: Verified | None
    placed_at: Moment


class MediaOut(Out):
    """One media object; without copies only its hash is known."""

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
    copies: list[CopyOut]


class OriginOut(Out):
    """Where a recording came from and what it was called there."""

    device_id: Id = Field(validation_alias="instance_id")
    server: str
    name: str
    first_seen_at: Moment


class SealOut(Out):
    """The SHA-256 of the original parts, and the recording's place in the audit chain (null: within a second)."""

    sha256: list[str]
    sealed_at: Moment
    chain_seq: int | None


class EventOut(Out):
    """What happened at a moment of the recording, or during a stretch of it."""

    at_s: float = Field(description="Seconds after the start of the recording.", examples=[12.5])
    until_s: float | None = Field(description="End of the stretch; null: a moment.")
    kind: EventKind
    party: str = Field(description="Number of whom it is about.")
    text: str = Field(description="More of it, such as a digit where a rule lets digits be kept.")


class StepOut(Out):
    """One step of a recording's life."""

    at: Moment
    what: str = Field(examples=["received"])
    text: str


class RecordingDetailOut(RecordingOut):
    """All that is known about one recording."""

    media: list[MediaOut]
    origins: list[OriginOut]
    fields: dict[str, str] = Field(description="Other facts, under their own names.")
    provenance: dict[str, str] = Field(description="Field -> the rule that filled it.")
    raw: dict[str, Base64] = Field(description="Unknown metadata as it was found, in base64.")
    events: list[EventOut] = Field(description="What happened in its course, in time; at most 2,000.")
    seal: SealOut
    timeline: list[StepOut]


class RecordingPage(Out):
    """One page, the newest first; the Link header says where the next ones are."""

    items: list[RecordingOut]
    next: str | None = Field(description="Cursor of the older page.")
    prev: str | None = Field(description="Cursor of the newer page.")


class CountOut(Out):
    """How many there are."""

    n: int = Field(examples=[10000])
    exact: bool = Field(description="If false, there are at least `n`.")
