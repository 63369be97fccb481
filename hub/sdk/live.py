"""Calls that go on now, as a source shows them to people."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from hub.sdk.recording import Direction, Party

SILENT_SINCE = "silent_since"
"""In the fields of a call that is recorded: since when nothing of it is heard, an aware moment in ISO 8601."""
STATE_SINCE = "state_since"
"""In the fields of a call that is paused or stopped: since when, an aware moment in ISO 8601."""
STATE_BY = "state_by"
"""In the fields of a call that is paused or stopped: by what, a value of StateBy."""

DISCARDED = "discarded"
"""In the fields of a call that is stopped: "yes" if what was recorded of it is thrown away."""


class StateBy(StrEnum):
    """What paused a call or ended its recording."""

    PERSON = "person"
    """Somebody who asked the hub for it."""
    KEYS = "keys"
    """Keys that were pressed in the call."""
    SYSTEM = "system"
    """The telephone system."""
    RULE = "rule"


class LiveState(StrEnum):
    """What becomes of a call that goes on."""

    RECORDING = "recording"
    PAUSED = "paused"
    STOPPED = "stopped"
    """The rest of it is not recorded; what was recorded before is kept."""
    WAITING = "waiting"
    """It is recorded only once somebody asks for it."""
    LEFT_OUT = "left_out"
    """A rule says that it is not recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveCall:
    """A call that goes on now; shown again under the same id it replaces what was shown before.

    id: unique within this instance for as long as the call lasts. started_at, resumes_at: aware UTC; resumes_at: when a
    pause ends by itself, None if it does not. rule: name of the rule that decided. fields: other facts under their own
    names. can_listen: whether it can be listened to now.
    """

    id: str
    started_at: datetime
    state: LiveState = LiveState.RECORDING
    parties: tuple[Party, ...] = ()
    direction: Direction = Direction.UNKNOWN
    call_id: str = ""
    resumes_at: datetime | None = None
    rule: str = ""
    can_listen: bool = True
    fields: Mapping[str, str] = field(default_factory=dict)
