"""Who was in the call, when, and sending on which label, gathered over all updates of the metadata."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hub.sdk import Role
from plugins.pbx_sip.siprec.addresses import is_placeholder
from plugins.pbx_sip.siprec.facts import Rule
from plugins.pbx_sip.siprec.hints import Hints, find_role, matches
from plugins.pbx_sip.siprec.metadata import Metadata, Participant, Presence
from plugins.pbx_sip.siprec.times import choose_time

MEMBERS_MAX = 200
RETURN_GAP = timedelta(seconds=2)


@dataclass(slots=True)
class Member:
    """A participant as known so far; the first role that was said, labels in the order they were first sent on."""

    participant: Participant
    joined_at: datetime
    session_id: str = ""
    left_at: datetime | None = None
    role: Role = Role.PARTICIPANT
    role_rule: Rule = Rule.NONE
    labels: dict[str, None] = field(default_factory=dict)

    @property
    def is_placeholder(self) -> bool:
        """Whether the client has only said that somebody is there."""
        return is_placeholder(self.participant.aor)


class Roster:
    """The members of a call and the labels that more than one of them sent on at the same time."""

    def __init__(self) -> None:
        self.mixed_labels: dict[str, None] = {}
        self._members: dict[str, Member] = {}

    def note(self, metadata: Metadata, hints: Hints, received_at: datetime) -> None:
        """Take in the state after an update and what its vendor says; who is no longer named has left."""
        presences = {presence.participant_id: presence for presence in metadata.presences}
        sent = _sent_labels(metadata)
        is_first = not self._members
        for participant in metadata.participants:
            presence = presences.get(participant.id)
            member = self._members.get(participant.id)
            if member is None:
                if len(self._members) >= MEMBERS_MAX:
                    continue
                said = presence.joined_at if presence else None
                joined_at = choose_time(said or (_first_start(metadata) if is_first else None), received_at)
                member = self._members[participant.id] = Member(participant=participant, joined_at=joined_at)
            member.participant = participant
            member.session_id = _session_of(metadata, presence) or member.session_id
            member.labels |= sent.get(participant.id, {})
            if member.role_rule is Rule.NONE:
                member.role, member.role_rule = find_role(participant, hints)
            gone = matches(participant.number, hints.departed) and not sent.get(participant.id)
            _note_leaving(member, presence, received_at, gone)
        named = {participant.id for participant in metadata.participants}
        for identity, member in self._members.items():
            if identity not in named and member.left_at is None:
                member.left_at = received_at
        self._note_mixed(metadata, sent)

    def _note_mixed(self, metadata: Metadata, sent: Mapping[str, Mapping[str, None]]) -> None:
        senders = Counter(label for labels in sent.values() for label in labels)
        for stream in metadata.streams:
            if stream.label and (stream.mode == "mixed" or senders[stream.label] > 1):
                self.mixed_labels[stream.label] = None

    def members(self, lines: Mapping[str, str]) -> list[Member]:
        """All members in the order they came; who came back under another id is one, who got known is no stranger.

        lines: label in the metadata -> name of the line that carries its audio; other labels are left out.
        """
        found: list[Member] = []
        for known in self._members.values():
            member = replace(known, labels={lines[label]: None for label in known.labels if label in lines})
            at = _find_earlier(found, member)
            if at is None:
                found.append(member)
            else:
                labels = found[at].labels | member.labels
                found[at] = replace(member, joined_at=found[at].joined_at, labels=labels)
        return [member for member in found if not (member.is_placeholder and _is_superseded(member, found))]


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


def _note_leaving(member: Member, presence: Presence | None, received_at: datetime, gone: bool) -> None:
    if presence and presence.left_at:
        member.left_at = member.left_at or choose_time(presence.left_at, received_at)
    elif gone:
        member.left_at = member.left_at or received_at
    else:
        member.left_at = None


def _find_earlier(members: Sequence[Member], member: Member) -> int | None:
    """Who left at the moment when somebody with the same address came: the same person in a new session."""
    for index, other in enumerate(members):
        is_same = other.participant.aor == member.participant.aor != ""
        if is_same and other.left_at and abs(member.joined_at - other.left_at) <= RETURN_GAP:
            return index
    return None


def _is_superseded(member: Member, members: Iterable[Member]) -> bool:
    others = [other for other in members if not other.is_placeholder]
    return member.left_at is not None or any(set(member.labels) & set(other.labels) for other in others)
