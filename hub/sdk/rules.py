"""What is recorded: a source describes a call, the hub's recording rules decide."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from hub.sdk.recording import Direction, Owner, Party

LONGEST_S = 18_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOutline:
    """A call at its beginning, as far as it is known. started_at: aware UTC.

    caller and called: numbers. numbers: of everybody else in the call. users, groups: whose call it is, by number or
    name. route: the line or incoming route it came by. account_code: dialled for the call. agent, skill, owner: as in a
    RecordingDraft; a rule finds the agent among the users, the skill among the groups, the owner where its kind is.
    is_external: whether somebody outside takes part, where the direction does not tell; None if that is not known.
    decided_by: the rule that decided it when less was known of it, which does not count it once more.
    spellings: how else its numbers are written, in full such as "+4930123456" and as they may be dialled; a rule finds
    a number by each of these as a whole, and by how it begins in full where the rule has a "+" as well.
    """

    started_at: datetime
    direction: Direction = Direction.UNKNOWN
    caller: str = ""
    called: str = ""
    numbers: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    route: str = ""
    account_code: str = ""
    agent: str = ""
    skill: str = ""
    owner: Owner | None = None
    is_external: bool | None = None
    decided_by: str = ""
    spellings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Recorded(StrEnum):
    """Whether a call is recorded."""

    YES = "yes"
    NO = "no"
    ON_DEMAND = "on_demand"
    """All of it, if somebody asks for it before the call ends; it is kept until then, in case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the rules say of a call.

    rule: name of the rule that decided, "" where none fitted. is_mandatory: a call that cannot be recorded all the same
    raises an alarm. longest_s: the recording ends there. keeps_keys: the digits of pressed keys are kept. masks_keys:
    their tones are silenced in the recording. stops_at_voicemail: nothing is kept of what is said once the call
    has gone to voicemail, until somebody else is connected.
    """

    recorded: Recorded = Recorded.YES
    rule: str = ""
    is_mandatory: bool = False
    longest_s: float = LONGEST_S
    keeps_keys: bool = False
    masks_keys: bool = False
    stops_at_voicemail: bool = False


class Absence(StrEnum):
    """Why there is no recording of a call."""

    LEFT_OUT = "left_out"
    """A rule says so."""
    NOT_ASKED_FOR = "not_asked_for"
    """It was to be recorded on demand, and nobody demanded it."""
    DISCARDED = "discarded"
    """Somebody who may do so threw it away while it lasted."""
    PAUSED = "paused"
    """Its recording was paused from beginning to end."""
    NO_MEDIA = "no_media"
    """It was signalled, and none of its media was received."""
    UNREADABLE = "unreadable"
    """Its media was received and cannot be decoded or decrypted."""
    REFUSED = "refused"
    """The hub refused it when it was signalled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsentCall:
    """A call of which there is no recording; all that is known of it is kept in place of one.

    absence_id: unique within this source instance. started_at, ended_at: aware UTC. text: the reason in words.
    is_missing, from `why`: whether somebody should look into it.
    """

    absence_id: str
    why: Absence
    started_at: datetime
    ended_at: datetime
    call_id: str = ""
    direction: Direction = Direction.UNKNOWN
    parties: tuple[Party, ...] = ()
    rule: str = ""
    text: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_missing(self) -> bool:
        """Whether the call should have been recorded."""
        return self.why in {Absence.NO_MEDIA, Absence.UNREADABLE, Absence.REFUSED}
