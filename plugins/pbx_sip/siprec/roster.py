"""Who was in the call, when, and sending on which label, gathered over all updates of the metadata."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hub.sdk import Role
from plugins.pbx_sip.siprec.addresses import ANONYMOUS, is_number, is_placeholder, may_be_same_number
from plugins.pbx_sip.siprec.facts import Rule, Sending
from plugins.pbx_sip.siprec.hints import Hints, find_role, matches
from plugins.pbx_sip.siprec.metadata import Metadata, Participant, Presence
from plugins.pbx_sip.siprec.times import choose_time

MEMBERS_MAX = 200
AWAY_MAX = HOLDS_MAX = SENDINGS_MAX = 200
RETURN_GAP = timedelta(seconds=2)


@dataclass(slots=True)
class Member:
    """A participant as known so far; the first role that was said, labels in the order they were first sent on.

    away: as in `facts.Party`. held: when a participant who had sent was to send nothing any more; sendings: both as
    there.
    is_listener: linked to streams that others send, and to none of its own.
    """

    participant: Participant
    joined_at: datetime
    session_id: str = ""
    left_at: datetime | None = None
    role: Role = Role.PARTICIPANT
    role_rule: Rule = Rule.NONE
    labels: dict[str, None] = field(default_factory=dict)
    away: list[tuple[datetime, datetime]] = field(default_factory=list)
    held: list[tuple[datetime, datetime | None]] = field(default_factory=list)
    sendings: list[Sending] = field(default_factory=list)
    is_listener: bool = False

    @property
    def is_placeholder(self) -> bool:
        """Whether the client has only said that somebody is there."""
        return is_placeholder(self.participant.aor)


class Roster:
    """The members of a call and the labels that more than one of them sent on at the same time."""

    def __init__(self) -> None:
        self.mixed_labels: dict[str, None] = {}
        self._members: dict[str, Member] = {}
        self._streams: dict[str, set[str]] = {}  # that participants sent when the last metadata came
        self._noted_at: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nobody was ever named."""
        return not self._members

    def note(self, metadata: Metadata, hints: Hints, received_at: datetime, began_at: datetime) -> None:
        """Take in the state after an update and what its vendor says; who is no longer named has left.

        began_at: when the session did; of those whom its first metadata names nothing else is known.
        """
        presences = {presence.participant_id: presence for presence in metadata.presences}
        sent = _sent_labels(metadata)
        receivers = {use.participant_id for use in metadata.uses if use.receives and not use.sends}
        is_first = not self._members
        for participant in _without_stand_ins(metadata, sent):
            presence = presences.get(participant.id)
            member = self._members.get(participant.id)
            if member is not None and _is_another(member.participant, participant):
                self._see_off(participant.id, received_at)
                member = None
            if member is None:
                member = self._succeed(participant, metadata, sent)
            if member is None:
                if len(self._members) >= MEMBERS_MAX:
                    continue
                said = presence.joined_at if presence else None
                said = said or (_first_start(metadata) if is_first else None)
                joined_at = choose_time(said, received_at, None if is_first else self._noted_at)
                joined_at = began_at if is_first and joined_at == received_at else joined_at
                member = self._members[participant.id] = Member(participant=participant, joined_at=joined_at)
            member.participant = participant
            member.session_id = _session_of(metadata, presence) or member.session_id
            member.is_listener = participant.id in receivers
            _note_hold(member, sent.get(participant.id), received_at)
            member.labels |= sent.get(participant.id, {})
            if member.role_rule is Rule.NONE:
                member.role, member.role_rule = find_role(participant, hints)
            gone = matches(participant.number, hints.departed) and not sent.get(participant.id)
            _note_leaving(member, presence, received_at, self._noted_at, gone)
            _note_sendings(member, {} if member.left_at else sent.get(participant.id), received_at)
        named = {participant.id for participant in metadata.participants}
        for identity, member in self._members.items():
            if identity not in named and member.left_at is None:
                presence = presences.get(identity)
                member.left_at = choose_time(presence.left_at if presence else None, received_at, self._noted_at)
                _note_hold(member, None, received_at)
                _note_sendings(member, {}, received_at)
        self._noted_at = received_at
        self._streams = _sent_streams(metadata)
        self._note_mixed(metadata, sent)

    def _see_off(self, identity: str, received_at: datetime) -> None:
        """Somebody else goes by an id from now on; who had it before keeps the place among the members."""
        gone = self._members[identity]
        gone.left_at = gone.left_at or received_at
        _note_hold(gone, None, received_at)
        _note_sendings(gone, {}, received_at)
        former = f"{identity} {len(self._members)}"
        self._members = {former if key == identity else key: member for key, member in self._members.items()}

    def _succeed(
        self, participant: Participant, metadata: Metadata, sent: Mapping[str, Mapping[str, None]]
    ) -> Member | None:
        """The placeholder that somebody is known instead of from now on, by what both send; its time becomes theirs."""
        labels = sent.get(participant.id, {}).keys()
        streams = _sent_streams(metadata).get(participant.id, set())
        if is_placeholder(participant.aor):
            return None
        others = {label for member in self._members.values() if not member.is_placeholder for label in member.labels}
        for identity, member in self._members.items():
            is_waiting = member.is_placeholder and (member.left_at is None or not member.labels.keys() & others)
            if is_waiting and (member.labels.keys() & labels or self._streams.get(identity, set()) & streams):
                self._members = {
                    participant.id if key == identity else key: each for key, each in self._members.items()
                }
                return member
        return None

    def _note_mixed(self, metadata: Metadata, sent: Mapping[str, Mapping[str, None]]) -> None:
        """Who has left sends nothing, even if nobody says so of the stream; a placeholder is nobody beside others."""
        here = {each.participant_id for each in metadata.presences if each.left_at is None}
        left = {each.participant_id for each in metadata.presences} - here
        left |= {participant.id for participant in metadata.participants if is_placeholder(participant.aor)}
        senders = Counter(label for participant, labels in sent.items() if participant not in left for label in labels)
        for stream in metadata.streams:
            if stream.label and (stream.mode == "mixed" or senders[stream.label] > 1):
                self.mixed_labels[stream.label] = None

    def members(self, lines: Mapping[str, str]) -> list[Member]:
        """All members in the order they came; who came back under another id is one, who got known is no stranger.

        lines: label in the metadata -> name of the line that carries its audio; other labels are left out.
        """
        found: list[Member] = []
        for known in self._members.values():
            labels = {lines[label]: None for label in known.labels if label in lines}
            sendings = [replace(each, line=lines[each.line]) for each in known.sendings if each.line in lines]
            member = replace(known, labels=labels, sendings=sendings)
            at = _find_earlier(found, member)
            if at is None:
                found.append(member)
            else:
                found[at] = _join(found[at], member)
        return [member for member in found if not (member.is_placeholder and _is_superseded(member, found))]


def _is_another(known: Participant, said: Participant) -> bool:
    """Whether a number has become another one: not the same in another form, nor one that is hidden."""
    number, other = known.number, said.number
    is_hidden = not other or other.lower() in ANONYMOUS or is_placeholder(said.aor)
    return is_number(number) and not is_hidden and not may_be_same_number(number, other)


def _without_stand_ins(metadata: Metadata, sent: Mapping[str, Mapping[str, None]]) -> list[Participant]:
    """The participants, without placeholders for those who are named beside them."""
    known = [participant for participant in metadata.participants if not is_placeholder(participant.aor)]
    taken = {label for participant in known for label in sent.get(participant.id, {})}
    return [
        participant
        for participant in metadata.participants
        if not (is_placeholder(participant.aor) and taken.intersection(sent.get(participant.id, {})))
    ]


def _sent_streams(metadata: Metadata) -> dict[str, set[str]]:
    sent: dict[str, set[str]] = {}
    for use in metadata.uses:
        if use.disassociated_at is None:
            sent.setdefault(use.participant_id, set()).update(use.sends)
    return sent


def _sent_labels(metadata: Metadata) -> dict[str, dict[str, None]]:
    labels = {stream.id: stream.label for stream in metadata.streams if stream.label}
    sent: dict[str, dict[str, None]] = {}
    for use in metadata.uses:
        if use.disassociated_at is None:
            known = {labels[stream_id]: None for stream_id in use.sends if stream_id in labels}
            sent.setdefault(use.participant_id, {}).update(known)
    return sent


def _first_start(metadata: Metadata) -> datetime | None:
    return next((session.started_at for session in metadata.sessions if session.started_at), None)


def _session_of(metadata: Metadata, presence: Presence | None) -> str:
    if presence and presence.session_id:
        return presence.session_id
    return metadata.sessions[0].id if len(metadata.sessions) == 1 else ""


def _note_hold(member: Member, sent: Mapping[str, None] | None, received_at: datetime) -> None:
    """Who had sent and is linked to no stream that is sent any more is on hold; sent: None where no link is said.

    Source: RFC 8068 section 3 (hold and resume).
    """
    is_held = bool(member.held) and member.held[-1][1] is None
    if is_held and (sent is None or sent):
        member.held[-1] = (member.held[-1][0], received_at)
    elif not is_held and sent is not None and not sent and member.labels and len(member.held) < HOLDS_MAX:
        member.held.append((received_at, None))


def _note_sendings(member: Member, sent: Mapping[str, None] | None, received_at: datetime) -> None:
    """sent: the labels that it sends on; None where no link is said."""
    if sent is None:
        return
    going = {each.line for each in member.sendings if each.until is None}
    member.sendings = [
        replace(each, until=received_at) if each.until is None and each.line not in sent else each
        for each in member.sendings
    ]
    begun = [Sending(line=label, since=received_at) for label in sent if label not in going]
    member.sendings += begun[: SENDINGS_MAX - len(member.sendings)]


def _note_leaving(
    member: Member, presence: Presence | None, received_at: datetime, noted_at: datetime | None, gone: bool
) -> None:
    """noted_at: when the metadata before this came."""
    if presence and presence.left_at:
        member.left_at = member.left_at or choose_time(presence.left_at, received_at, noted_at)
    elif gone:
        member.left_at = member.left_at or received_at
    elif member.left_at is not None:
        member.away += [(member.left_at, received_at)][: AWAY_MAX - len(member.away)]
        member.left_at = None


def _find_earlier(members: Sequence[Member], member: Member) -> int | None:
    """Who left at the moment when somebody with the same address came: the same person in a new session."""
    for index, other in enumerate(members):
        is_same = other.participant.aor == member.participant.aor != ""
        if is_same and other.left_at and abs(member.joined_at - other.left_at) <= RETURN_GAP:
            return index
    return None


def _join(earlier: Member, later: Member) -> Member:
    return replace(
        later,
        joined_at=earlier.joined_at,
        labels=earlier.labels | later.labels,
        away=earlier.away + later.away,
        held=earlier.held + later.held,
        sendings=earlier.sendings + later.sendings,
    )


def _is_superseded(member: Member, members: Iterable[Member]) -> bool:
    others = [other for other in members if not other.is_placeholder]
    return member.left_at is not None or any(set(member.labels) & set(other.labels) for other in others)
