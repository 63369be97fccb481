"""What the desk and the vault hand to the catalog, and what it answers."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hub.sdk import RecordingDraft


class MediaKind(StrEnum):
    """What a stored object is to its recording."""

    ORIGINAL = "original"
    DERIVED = "derived"
    PEAKS = "peaks"
    PARALLEL = "parallel"
    """The same call as a further device recorded it; its parts are those devices."""


class Verified(StrEnum):
    """How a stored object was compared with what was sent."""

    SHA256 = "sha256"
    SIZE = "size"
    READ_BACK = "read_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedMedia:
    """One media object and where it was put.

    part: which part of the recording, counted from 0. sha256: lowercase hex of the whole object.
    store_id: the connector instance that keeps it; None for an original that policy dropped (its hash stays).
    member: file inside an archive. verified_by: how the store's copy was compared, None if it is not stored.
    """

    kind: MediaKind
    part: int
    store_id: int | None
    key: str
    member: str = ""
    size_bytes: int
    sha256: str
    container: str = ""
    codec: str = ""
    sample_rate_hz: int = 0
    channels: int = 0
    duration_s: float = 0.0
    bit_rate_bps: int | None = None
    browser_playable: bool = False
    verified_by: Verified | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedRecording:
    """A recording whose media is stored; it lacks only its place in the catalog.

    recording_id: assigned at intake and the same over retries. received_at: aware UTC.
    problem: (code, text) if its content could not be understood.
    """

    recording_id: int
    receipt_id: str
    instance_id: int
    draft: RecordingDraft
    received_at: datetime
    duration_s: float
    has_speech: bool
    mixed: bool | None
    media: tuple[PreparedMedia, ...]
    problem: tuple[str, str] | None = None


class Outcome(StrEnum):
    """What became of a prepared recording."""

    NEW = "new"
    DUPLICATE = "duplicate"  # the same origin of the same instance was committed before
    MERGED = "merged"  # the same bytes were committed before under another origin, which now is one of two
    JOINED = "joined"  # another device recorded the same call; what it lacks is filled from this one


class TakeState(StrEnum):
    """What became of a further device's recording of a call."""

    WAITING = "waiting"
    FILLED = "filled"  # something that the recording lacked was taken from it
    NOTHING_NEW = "nothing_new"  # the recording lacked nothing that it has
    UNLIKE = "unlike"  # it does not sound like the same call


@dataclass(frozen=True, slots=True)
class Committed:
    """The catalog's answer; recording_id is that of the recording that is kept."""

    receipt_id: str
    recording_id: int
    outcome: Outcome
