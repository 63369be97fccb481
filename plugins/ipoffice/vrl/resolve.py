"""Facts and rules make the fields of a recording, each with its provenance."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from typing import TypeVar

from hub.sdk import Direction, Notice, NoticeKind, Owner, OwnerKind, Party, Role
from plugins.ipoffice.vrl import values
from plugins.ipoffice.vrl.defaults import DEFAULT_RULES
from plugins.ipoffice.vrl.facts import Fact, Facts, split_name
from plugins.ipoffice.vrl.rules import FIELDS, Rule

STAGES = (("riff", "ogg", "id3"), ("sidecar",), ("filename",), ("file",))
EXTRA_FIELDS_MAX = 300
ROLE_ORDER = (Role.CALLER, Role.CALLED, Role.PARTICIPANT)
T = TypeVar("T")
RulesByField = dict[str, list[tuple[Rule, frozenset[str]]]]


@dataclass(frozen=True, slots=True)
class SiteMapping:
    """How facts become fields at one site; zone None: the zone of this machine."""

    own_rules: tuple[Rule, ...] = ()
    zone: tzinfo | None = None
    time_format: str = ""
    internal_digits: int = 0
    notice: NoticeKind = NoticeKind.UNKNOWN

    def rules(self) -> Sequence[Rule]:
        """The site's rules, and the built-in ones of every field that it has no rule for."""
        own = {rule.field for rule in self.own_rules}
        return (*self.own_rules, *(rule for rule in DEFAULT_RULES if rule.field not in own))


@dataclass(slots=True)
class CallFields:
    """The fields of one recording as `RecordingDraft` wants them; extra: everything else that was said."""

    started_at: datetime
    call_id: str = ""
    direction: Direction = Direction.UNKNOWN
    parties: tuple[Party, ...] = ()
    owner: Owner | None = None
    agent: str = ""
    target: str = ""
    skill: str = ""
    notice: Notice = field(default_factory=Notice)
    mixed: bool | None = None
    extra: dict[str, str] = field(default_factory=dict)
    provenance: dict[str, str] = field(default_factory=dict)


class Resolver:
    """Fills the fields of recordings by the rules of one site."""

    def __init__(self, mapping: SiteMapping) -> None:
        self.mapping = mapping
        self._rules: RulesByField = {}
        for rule in mapping.rules():
            last_parts = frozenset(split_name(place.name)[-1] for place in rule.places)
            self._rules.setdefault(rule.field, []).append((rule, last_parts))

    def resolve(self, facts: Facts, ended_at: datetime, duration_s: float | None) -> CallFields:
        """Fields of one recording.

        ended_at: aware UTC, when the file was last written. duration_s: as far as its container tells.
        """
        begun_at = ended_at - timedelta(seconds=duration_s or 0)
        work = _Work(self._rules, facts, CallFields(started_at=begun_at, provenance={"started_at": "file:mtime"}))
        fields = work.fields
        fields.started_at = work.fill("started_at", self._time) or begun_at
        fields.call_id = work.fill("call_id", _text) or ""
        fields.parties = _parties(work)
        fields.agent = work.fill("agent", _text) or ""
        fields.skill = work.fill("skill", _text) or ""
        fields.mixed = work.fill("mixed", values.parse_yes)
        fields.owner = _owner(work)
        fields.target = work.fill("target", _text) or ""
        self._fill_target(fields)
        fields.direction = work.fill("direction", values.parse_direction) or self._guess_direction(fields)
        fields.notice = self._notice(work)
        work.keep_the_rest()
        return fields

    def _time(self, text: str) -> datetime | None:
        return values.parse_time(text, self.mapping.zone, self.mapping.time_format)

    def _notice(self, work: "_Work") -> Notice:
        kind = work.fill("notice", values.parse_notice)
        if kind is None and self.mapping.notice is not NoticeKind.UNKNOWN:
            work.fields.provenance["notice"] = "settings"
        by = work.fill("notice_by", _text) or ""
        at = work.fill("notice_at", self._time)
        return Notice(kind=kind or self.mapping.notice, by=by, at=at)

    def _guess_direction(self, fields: CallFields) -> Direction:
        """By the lengths of the two numbers, where they are known and the site allows it."""
        caller = next((p.number for p in fields.parties if p.role is Role.CALLER), None)
        called = next((p.number for p in fields.parties if p.role is Role.CALLED), None)
        if not self.mapping.internal_digits or not caller or not called:
            return Direction.UNKNOWN
        inside = (self._is_internal(caller), self._is_internal(called))
        guesses = {
            (True, True): Direction.INTERNAL,
            (False, True): Direction.INCOMING,
            (True, False): Direction.OUTGOING,
        }
        guess = guesses.get(inside, Direction.UNKNOWN)
        if guess is not Direction.UNKNOWN:
            fields.provenance["direction"] = "rule:length of the numbers"
        return guess

    def _is_internal(self, number: str) -> bool:
        return number.isdecimal() and len(number) <= self.mapping.internal_digits

    @staticmethod
    def _fill_target(fields: CallFields) -> None:
        called = next((p for p in fields.parties if p.role is Role.CALLED and p.number), None)
        if not fields.target and called:
            fields.target = called.number
            fields.provenance["target"] = fields.provenance.get("called") or fields.provenance["parties"]


class _Work:
    """The state of one resolution: which facts were used, which rule filled what."""

    def __init__(self, rules: RulesByField, facts: Facts, fields: CallFields) -> None:
        self.rules = rules
        self.facts = facts
        self.fields = fields
        self.used: set[int] = set()

    def candidates(self, name: str) -> Iterator[list[Fact]]:
        """Facts for field `name`, group by group: line by line, in each the file's content first."""
        for rule, last_parts in self.rules.get(name, ()):
            for stage in STAGES if self.facts.has_any(last_parts) else ():
                for place in rule.places:
                    found = [fact for fact in self.facts.at(place) if fact.source in stage]
                    if found:
                        yield found
            texts = [Fact("text", place.name, place.name) for place in rule.places if place.source == "text"]
            if texts:
                yield texts

    def fill(self, name: str, parse: Callable[[str], T | None]) -> T | None:
        """The first value that can be understood, with its provenance noted."""
        for facts in self.candidates(name):
            for fact in facts:
                value = parse(fact.value)
                if value is not None:
                    self.note(name, fact)
                    return value
        return None

    def fill_all(self, name: str, parse: Callable[[str], tuple[T, ...]]) -> tuple[T, ...]:
        """All values of the first place that has any."""
        for facts in self.candidates(name):
            found = tuple(value for fact in facts for value in parse(fact.value))
            if found:
                for fact in facts:
                    self.note(name, fact)
                return found
        return ()

    def note(self, name: str, fact: Fact) -> None:
        """Remember which fact filled field `name`."""
        self.used.add(id(fact))
        self.fields.provenance[name] = fact.label

    def keep_the_rest(self) -> None:
        """Fields that only this site knows, then every fact that filled nothing under its own name."""
        for name in self.rules:
            if name not in FIELDS:
                value = self.fill(name, _text)
                if value:
                    self.fields.extra[name] = value
        for fact in self.facts.found:
            if id(fact) in self.used or fact.source == "file" or len(self.fields.extra) >= EXTRA_FIELDS_MAX:
                continue
            known = self.fields.extra.get(fact.label)
            if known is None:
                self.fields.extra[fact.label] = fact.value
            elif fact.value not in known.split("; "):
                self.fields.extra[fact.label] = f"{known}; {fact.value}"


def _text(value: str) -> str | None:
    return value.strip()[:512] or None


def _parties(work: _Work) -> tuple[Party, ...]:
    """Caller and called first, each once; then everybody else who took part."""
    listed = list(work.fill_all("parties", values.parse_parties))
    for role, name in ((Role.CALLED, "called"), (Role.CALLER, "caller")):
        party = work.fill(name, values.parse_party)
        if party is None:
            continue
        told = work.fill(f"{name}_name", _text)
        same = next((p for p in listed if p.number and p.number == party.number), None)
        if same:
            listed.remove(same)
        label = party.name or (same.name if same else "") or told or ""
        listed.insert(0, replace(party, role=role, name=label))
    return tuple(sorted(listed, key=lambda party: ROLE_ORDER.index(party.role)))


def _owner(work: _Work) -> Owner | None:
    """Who or what triggered the recording; a kind that nothing tells is taken for a user."""
    found = work.fill("owner", values.parse_owner)
    if found is None:
        return None
    kind, owner_id, name = found
    kind = work.fill("owner_kind", values.parse_owner_kind) or kind
    name = work.fill("owner_name", _text) or name
    if kind is None:
        kind = OwnerKind.USER
        work.fields.provenance["owner_kind"] = "rule:a user, where nothing says otherwise"
    return Owner(kind=kind, id=owner_id, name=name)


def place_facts(facts: Facts, names: dict[str, str]) -> None:
    """Add what the file system knows, for rules such as `agent = file:folder`."""
    for name, value in names.items():
        facts.add("file", name, value)
