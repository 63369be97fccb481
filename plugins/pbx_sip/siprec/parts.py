"""Several calls that one recording session tells of at the same time: who and what is of which.

Source: RFC 7866 section 3 and RFC 7865 section 6.1 (a recording session may carry several communication sessions).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations

from plugins.pbx_sip.siprec.facts import CallFacts, CallPart
from plugins.pbx_sip.siprec.metadata import Metadata

SESSIONS_MAX = 50
_GROUP = "group"


@dataclass(slots=True)
class _Told:
    """What is told of a communication session; people: ids and addresses of record."""

    sip_session_ids: dict[str, None] = field(default_factory=dict)
    participants: set[str] = field(default_factory=set)
    people: set[str] = field(default_factory=set)
    labels: set[str] = field(default_factory=set)

    def has_in_common(self, other: "_Told") -> bool:
        return not (self.people.isdisjoint(other.people) and self.labels.isdisjoint(other.labels))


class Parts:
    """Gathers what each communication session has over all updates."""

    def __init__(self) -> None:
        self._sessions: dict[str, _Told] = {}
        self._beside: set[tuple[str, str]] = set()

    def note(self, metadata: Metadata) -> None:
        """Take in the state after an update."""
        for session in metadata.sessions:
            if session.id and len(self._sessions) < SESSIONS_MAX:
                self._sessions.setdefault(session.id, _Told())
            if session.id in self._sessions:
                self._sessions[session.id].sip_session_ids |= dict.fromkeys(session.sip_session_ids)
        going = sorted({each.id for each in metadata.sessions if each.stopped_at is None} & self._sessions.keys())
        self._beside |= set(combinations(going, 2))
        addresses = {each.id: each.aor for each in metadata.participants}
        for participant_id, session_id in _find_presences(metadata):
            if told := self._sessions.get(session_id):
                told.participants.add(participant_id)
                told.people |= {participant_id, addresses.get(participant_id, "")} - {""}
        for stream in metadata.streams:
            if stream.label and (told := self._sessions.get(stream.session_id)):
                told.labels.add(stream.label)

    def find(self, lines: dict[str, str]) -> tuple[CallPart, ...]:
        """The calls, where they are several at the same time with nothing in common, of whom all is told; else ().

        lines: label in the metadata -> name of the line that carries its audio.
        """
        if not self._beside:
            return ()
        groups = self._group()
        place = {session_id: number for number, group in enumerate(groups) for session_id in group}
        if all(place[one] == place[other] for one, other in self._beside):
            return ()
        parts = tuple(self._make_part(group, lines) for group in groups)
        return parts if all(part.labels and part.participants for part in parts) else ()

    def _group(self) -> list[list[str]]:
        """The sessions, those together that have somebody or a stream in common."""
        groups: list[list[str]] = []
        for session_id, told in self._sessions.items():
            related = [group for group in groups if any(told.has_in_common(self._sessions[each]) for each in group)]
            groups = [group for group in groups if group not in related]
            groups.append([*(each for group in related for each in group), session_id])
        return groups

    def _make_part(self, session_ids: list[str], lines: dict[str, str]) -> CallPart:
        told = [self._sessions[session_id] for session_id in session_ids]
        return CallPart(
            session_ids=tuple(session_ids),
            sip_session_ids=tuple(dict.fromkeys(each for one in told for each in one.sip_session_ids)),
            participants=frozenset[str]().union(*(one.participants for one in told)),
            labels=frozenset(lines[label] for one in told for label in one.labels if label in lines),
        )


def _find_presences(metadata: Metadata) -> Iterator[tuple[str, str]]:
    """Who is in which session: as is said, or by the streams."""
    yield from ((each.participant_id, each.session_id) for each in metadata.presences)
    sessions = {stream.id: stream.session_id for stream in metadata.streams}
    for use in metadata.uses:
        yield from ((use.participant_id, sessions.get(stream, "")) for stream in (*use.sends, *use.receives))


def narrow(facts: CallFacts, part: CallPart, call_id: str) -> CallFacts:
    """What is said of one of the calls; call_id: by which that is known, where it is not that of all of them."""
    parties = tuple(
        party
        for party in facts.parties
        if party.participant_id in part.participants or (not party.participant_id and part.labels & {*party.labels})
    )
    return replace(
        facts,
        parties=parties,
        labels=tuple(label for label in facts.labels if label in part.labels),
        mixed_labels=tuple(label for label in facts.mixed_labels if label in part.labels),
        recorded=facts.recorded if any(party.number == facts.recorded for party in parties) else "",
        session_ids=part.session_ids,
        sip_session_ids=part.sip_session_ids,
        call_id=facts.call_id if facts.provenance.get("call_id") == _GROUP else call_id,
        parts=(),
    )
