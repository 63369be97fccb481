"""What a recording session says of its call, in the end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from hub.sdk import Direction, Notice, Role
from plugins.pbx_sip.siprec.belonging import Belonging


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
class Sending:
    """That a party sent on a line; until: None if it did to the end. Aware UTC."""

    line: str
    since: datetime
    until: datetime | None = None

    def is_within(self, begin: datetime | None, end: datetime | None) -> bool:
        """Whether some of it was between two moments; None for always."""
        return (end is None or self.since < end) and (begin is None or self.until is None or self.until > begin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """That from a moment on somebody else sends on `line`: what was known as `former` is known as `name` then."""

    line: str
    at: datetime
    former: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Somebody in the recorded call, or, without number and name, whoever is heard on a stream.

    labels: of the media lines that carry this party, the latest last. label_rule, role_rule: how these were found out.
    joined_at, left_at: aware UTC; left_at is None for those who stayed. away: when those who came back were not there,
    (from, until). held: when this party was to be heard no more,
    although it was there, as the metadata says: (from, until), None for what never ended. sendings: when it sent on
    which line, as far as the metadata says. other_numbers: by which the same one is known as well.
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
    away: tuple[tuple[datetime, datetime], ...] = ()
    held: tuple[tuple[datetime, datetime | None], ...] = ()
    sendings: tuple[Sending, ...] = ()
    other_numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnd:
    """That a session carries one end of its call alone, as a phone's built-in bridge sends it.

    call: the same for all ends of the call. party: whose end it is; is_near: whether that is the recorded user's.
    others: who is to be heard in other sessions, in words; "" where that is not said.
    """

    call: tuple[str, ...]
    party: str
    is_near: bool = False
    others: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPart:
    """One of several calls that a session carries at the same time; participants: their ids. labels: of its lines."""

    session_ids: tuple[str, ...]
    sip_session_ids: tuple[str, ...]
    participants: frozenset[str]
    labels: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFacts:
    """A call as its recording session describes it.

    labels: of all lines that ever carried audio, "#0" for the first one if it has none.
    mixed_labels: of those that carry several parties.
    direction: seen from the recorded user, as the vendor says. recorded: number of that user, "" if not said.
    end: where the session carries one end of its call alone. is_siprec: a SIPREC client sent it, no plain fork.
    belonging: whose call it is beyond its parties. notice: how these were told that they are recorded.
    call_id: the same for all legs of the call where the vendor gives one. ucid: 20 decimal digits.
    parts: the calls, where it carries several at the same time that have nothing in common; else (). turns: in time.
    vendor_ids, fields: extensions by their paths. provenance: field -> how it was found out.
    problems: what was wrong with the metadata, in words; the call is recorded all the same.
    """

    parties: tuple[Party, ...] = ()
    labels: tuple[str, ...] = ()
    mixed_labels: tuple[str, ...] = ()
    direction: Direction = Direction.UNKNOWN
    recorded: str = ""
    end: CallEnd | None = None
    is_siprec: bool = False
    belonging: Belonging = field(default_factory=Belonging)
    notice: Notice = field(default_factory=Notice)
    recording_ids: tuple[str, ...] = ()
    group_ids: tuple[str, ...] = ()
    session_ids: tuple[str, ...] = ()
    sip_session_ids: tuple[str, ...] = ()
    call_id: str = ""
    ucid: str = ""
    started_at: datetime | None = None
    parts: tuple[CallPart, ...] = ()
    turns: tuple[Turn, ...] = ()
    vendor_ids: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def mixed(self) -> bool:
        """Whether no line carries one party alone."""
        return bool(self.labels) and set(self.labels) <= set(self.mixed_labels)
