"""One recording session: it takes in every update and says in the end what call was recorded.

Source: RFC 7866 section 6 (the recording session), RFC 7865 section 9 (updates).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from hub.sdk import Direction
from plugins.pbx_sip.siprec.addresses import parse_number, split_name
from plugins.pbx_sip.siprec.belonging import Belonging
from plugins.pbx_sip.siprec.ends import find_end
from plugins.pbx_sip.siprec.facts import CallFacts, Rule
from plugins.pbx_sip.siprec.fork_roster import ForkRoster
from plugins.pbx_sip.siprec.forks import Fork, read_fork
from plugins.pbx_sip.siprec.hints import Hints, join_hints, read_hints
from plugins.pbx_sip.siprec.markup import BadMetadata
from plugins.pbx_sip.siprec.metadata import DataMode, Metadata, merge
from plugins.pbx_sip.siprec.parties import find_shared, make_parties, make_strangers, name_lines, name_unknown
from plugins.pbx_sip.siprec.parts import Parts
from plugins.pbx_sip.siprec.reader import read_metadata
from plugins.pbx_sip.siprec.roster import Roster
from plugins.pbx_sip.siprec.turns import tell_turns_apart
from plugins.pbx_sip.siprec.ucid import find_ucid

PROBLEMS_MAX = 20
IDS_MAX = 200
NAME_HEADERS = ("from", "p-asserted-identity", "remote-party-id")


@dataclass(slots=True)
class _Ids:
    """All ids that were ever said, the first one first."""

    recordings: dict[str, None] = field(default_factory=dict)
    groups: dict[str, None] = field(default_factory=dict)
    sessions: dict[str, None] = field(default_factory=dict)
    sip_sessions: dict[str, None] = field(default_factory=dict)

    def note(self, metadata: Metadata) -> None:
        _add(self.recordings, [metadata.recording_id])
        _add(self.groups, [group.id for group in metadata.groups])
        for session in metadata.sessions:
            _add(self.groups, [session.group_id])
            _add(self.sessions, [session.id])
            _add(self.sip_sessions, session.sip_session_ids)


def _add(known: dict[str, None], ids: Iterable[str]) -> None:
    for one in ids:
        if one and len(known) < IDS_MAX:
            known[one] = None


def name_line(index: int, label: str) -> str:
    """What a media line is called in the facts: its label, or "#0" for the first line if it has none."""
    return label or f"#{index}"


class RecordingSession:
    """What one SIP dialog with a recording client has said so far; nothing in it raises for what a client sends.

    needs_snapshot: whether the client should be asked for all metadata anew.
    """

    def __init__(self) -> None:
        self.needs_snapshot = False
        self._metadata: Metadata | None = None
        self._had_metadata = False
        self._started_at: datetime | None = None
        self._lines: dict[int, str] = {}
        self._labels: dict[str, None] = {}
        self._headers: dict[str, tuple[str, ...]] = {}
        self._ids = _Ids()
        self._hints = Hints()
        self._roster = Roster()
        self._parts = Parts()
        self._forks = ForkRoster()
        self._problems: dict[str, None] = {}
        self._facts: CallFacts | None = None

    def update(
        self,
        metadata: bytes | None,
        *,
        received_at: datetime,
        lines: Mapping[int, str] | None = None,
        headers: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """Take in what an INVITE, UPDATE or other request of the dialog brings.

        metadata: the body, None without one. received_at: aware UTC. lines: index of each media line that carries audio
        -> its label, "" without one; None if there is no new description. headers: of a request of the client, names
        in lower case.
        """
        said = {name: tuple(values) for name, values in (headers or {}).items()}
        if self._started_at and metadata is None and not lines and said.items() <= self._headers.items():
            return
        self._facts = None
        self._started_at = self._started_at or received_at
        for index, label in sorted((lines or {}).items()):
            self._lines[index] = name_line(index, label)
            self._labels[self._lines[index]] = None
        self._headers |= said
        if metadata is not None:
            self._had_metadata = True
            try:
                self._take_in(read_metadata(metadata), received_at)
            except BadMetadata as error:
                self._note_problem(f"metadata that cannot be used: {error}")
                self.needs_snapshot = True
        if self._roster.is_empty:
            self._forks.note(read_fork(self._headers, is_siprec=self._is_siprec), received_at)

    @property
    def _is_siprec(self) -> bool:
        """Whether a SIPREC client sent it."""
        contact, required = (" ".join(self._headers.get(name, ())).lower() for name in ("contact", "require"))
        return self._had_metadata or "+sip.src" in contact or "siprec" in required

    def _take_in(self, update: Metadata, received_at: datetime) -> None:
        if update.mode is DataMode.COMPLETE:
            self.needs_snapshot = False
        elif self._metadata is None:
            self._note_problem("a partial update came before any snapshot")
            self.needs_snapshot = True
        self._metadata = merge(self._metadata, update)
        hints = read_hints(self._metadata)
        self._ids.note(self._metadata)
        self._parts.note(self._metadata)
        self._roster.note(self._metadata, hints, received_at, self._started_at or received_at)
        self._hints = join_hints(self._hints, hints)

    def _note_problem(self, text: str) -> None:
        if len(self._problems) < PROBLEMS_MAX:
            self._problems[text] = None

    @classmethod
    def of(cls, facts: CallFacts) -> Self:
        """A session that is over, of which all is known."""
        session = cls()
        session._facts = facts
        return session

    def describe(self) -> CallFacts:
        """The call as all updates so far describe it."""
        if self._facts is None:
            self._facts = self._describe()
        return self._facts

    def _describe(self) -> CallFacts:
        metadata, hints = self._metadata or Metadata(), self._hints
        fork = self._forks.fork if self._roster.is_empty else Fork()
        streams = tuple(dict.fromkeys(stream.label for stream in metadata.streams if stream.label))
        labels = tuple(self._labels) or streams
        lines = name_lines(streams, labels)
        if self._roster.is_empty:
            named = self._forks.parties(self._lines, labels)
        else:
            named = name_unknown(make_parties(self._roster, self._names(), labels, lines), hints)
        mixed = [lines[label] for label in self._roster.mixed_labels if label in lines]
        mixed_labels = tuple(dict.fromkeys([*mixed, *find_shared(named)]))
        ucid, ucid_source = self._find_ucid()
        call_id, call_id_source = _first(
            (hints.call_id, Rule.VENDOR),
            (fork.call_id, fork.rule),
            (find_told(self._ids.sip_sessions), "sipSessionID"),
            (ucid, "ucid"),
            (next(iter(self._ids.groups), ""), "group"),
        )
        sources = {
            "parties": "metadata" if metadata.participants else fork.rule,
            "direction": Rule.VENDOR if hints.direction is not Direction.UNKNOWN else "",
            "ucid": ucid_source,
            "call_id": call_id_source,
        }
        facts = CallFacts(
            parties=(*named, *make_strangers(labels, named, mixed_labels)),
            labels=labels,
            mixed_labels=mixed_labels,
            direction=hints.direction,
            recorded=hints.recorded or fork.recorded,
            end=(None if len(labels) > 1 else fork.end)
            or find_end(self._call_of_end(call_id, call_id_source), named, labels, mixed_labels),
            is_siprec=self._is_siprec,
            belonging=hints.belonging.joined(Belonging(users=(fork.recorded,) if fork.recorded else ())),
            notice=hints.notice,
            recording_ids=tuple(self._ids.recordings),
            group_ids=tuple(self._ids.groups),
            session_ids=tuple(self._ids.sessions),
            sip_session_ids=tuple(self._ids.sip_sessions),
            call_id=call_id,
            ucid=ucid,
            started_at=self._started_at,
            parts=self._parts.find(lines),
            vendor_ids=hints.ids,
            fields={**hints.fields, **fork.fields},
            provenance={name: str(source) for name, source in sources.items() if source},
            problems=(*self._problems, *self._doubts(metadata, [party.label_rule for party in named], labels)),
        )
        return tell_turns_apart(facts)

    def _call_of_end(self, call_id: str, source: str) -> tuple[str, ...]:
        """The call by whose id its other sessions are known; a group has calls before and behind a transfer too."""
        if source in {Rule.VENDOR, "sipSessionID"}:
            return ("call", call_id)
        return ("session", *self._ids.sessions) if len(self._ids.sessions) == 1 else ()

    def _names(self) -> dict[str, str]:
        """Number -> display name that an extension or a header gives for it."""
        named = dict(self._hints.names)
        for header in NAME_HEADERS:
            for value in self._headers.get(header, ()):
                name, uri = split_name(value)
                named.setdefault(parse_number(uri), name)
        return named

    def _find_ucid(self) -> tuple[str, str]:
        header = next((ucid for one in self._headers.get("user-to-user", ()) if (ucid := find_ucid(one))), "")
        return _first((self._hints.ucid, Rule.VENDOR), (header, "user-to-user"))

    def _doubts(self, metadata: Metadata, label_rules: Sequence[Rule], labels: Sequence[str]) -> list[str]:
        doubts = []
        if self._metadata is not None and not metadata.participants:
            doubts.append("the metadata names no participant")
        if Rule.ORDER in label_rules and len(labels) > 1:
            doubts.append("who sends on which stream is not said and was taken from their order")
        return doubts


def find_told(sip_session_ids: Iterable[str]) -> str:
    """The first id that is one; where a phone gives none it is all zeros: RFC 7989 section 5."""
    ids = (each.partition(";")[0].strip() for each in sip_session_ids)
    return next((each for each in ids if each.strip("0")), "")


def _first(*found: tuple[str, str]) -> tuple[str, str]:
    return next(((text, source) for text, source in found if text), ("", ""))
