"""What a recording session says of its call, in the end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from hub.sdk import Direction, Role


class Rule(StrEnum):
    """How something was found out, the surest first."""

    ASSOCIATION = "association"
    """The metadata says it in the standard's own words."""
    VENDOR = "vendor"
    """An extension, a label or a header of the vendor says it."""
    ORDER = "order"
    """Nothing says it: the first participant sends on the first label."""
    NONE = "none"
    """It is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Somebody in the recorded call, or, without number and name, whoever is heard on a stream.

    labels: of the media lines that carry this party, the latest last. label_rule, role_rule: how these were found out.
    joined_at, left_at: aware UTC; left_at is None for those who stayed.
    """

    participant_id: str = ""
    number: str = ""
    name: str = ""
    aor: str = ""
    labels: tuple[str, ...] = ()
    label_rule: Rule = Rule.NONE
    role: Role = Role.PARTICIPANT
    role_rule: Rule = Rule.NONE
    session_id: str = ""
    joined_at: datetime | None = None
    left_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFacts:
    """A call as its recording session describes it.

    labels: of all lines that ever carried audio, "#0" for the first one if it has none.
    mixed_labels: of those that carry several parties.
    direction: seen from the recorded user, as the vendor says. recorded: number of that user, "" if not said.
    call_id: the same for all legs of the call where the vendor gives one. ucid: 20 decimal digits.
    vendor_ids, fields: extensions by their paths. provenance: field -> how it was found out.
    problems: what was wrong with the metadata, in words; the call is recorded all the same.
    """

    parties: tuple[Party, ...] = ()
    labels: tuple[str, ...] = ()
    mixed_labels: tuple[str, ...] = ()
    direction: Direction = Direction.UNKNOWN
    recorded: str = ""
    recording_ids: tuple[str, ...] = ()
    group_ids: tuple[str, ...] = ()
    session_ids: tuple[str, ...] = ()
    sip_session_ids: tuple[str, ...] = ()
    call_id: str = ""
    ucid: str = ""
    started_at: datetime | None = None
    vendor_ids: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def mixed(self) -> bool:
        """Whether no line carries one party alone."""
        return bool(self.labels) and set(self.labels) <= set(self.mixed_labels)
