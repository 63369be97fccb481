"""Which rule decides a call: the book made ready, so that a call costs microseconds however many rules there are."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo

from hub.rules.book import Book
from hub.rules.calendar import WeekClock
from hub.rules.rule import CallKind, Rule, Treatment
from hub.rules.shares import Shares
from hub.rules.texts import Asked, read_keys
from hub.sdk import CallOutline, Direction, OwnerKind, Recorded, Verdict

_UTC = ZoneInfo("UTC")
_KINDS = {
    Direction.INCOMING: frozenset({CallKind.INCOMING, CallKind.EXTERNAL}),
    Direction.OUTGOING: frozenset({CallKind.OUTGOING, CallKind.EXTERNAL}),
    Direction.INTERNAL: frozenset({CallKind.INTERNAL}),
}
_KINDS_UNTOLD = {True: frozenset({CallKind.EXTERNAL}), False: frozenset({CallKind.INTERNAL}), None: frozenset()}
_RECORDED = {Treatment.LEAVE_OUT: Recorded.NO, Treatment.ON_DEMAND: Recorded.ON_DEMAND}


class Aspect(StrEnum):
    """What a rule looks at."""

    ENABLED = "enabled"
    CALLS = "calls"
    DEVICES = "devices"
    USERS = "users"
    GROUPS = "groups"
    ROUTES = "routes"
    ACCOUNT_CODES = "account_codes"
    NUMBERS = "numbers"
    PROFILE = "profile"


_TEXTS = (Aspect.USERS, Aspect.GROUPS, Aspect.ROUTES, Aspect.ACCOUNT_CODES, Aspect.NUMBERS)


@dataclass(frozen=True, slots=True)
class Miss:
    """A rule that does not fit, and why."""

    rule: Rule
    aspects: tuple[Aspect, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """rule: the one that decides, None where no rule fits. misses: every rule above it."""

    rule: Rule | None
    misses: tuple[Miss, ...]


@dataclass(frozen=True, slots=True)
class Places:
    """Where devices stand. zones: device -> time zone such as "Europe/London"; zone: of all others."""

    zone: str = "UTC"
    zones: Mapping[int, str] | None = None


class Rulebook:
    """A book made ready; bit n of every mask stands for rule n. Never changes, so threads may share it."""

    def __init__(self, book: Book, places: Places | None = None) -> None:
        places = places or Places()
        self.book = book
        self._rules = book.rules
        self._zone = _zone(places.zone)
        self._zones = {device: _zone(name) for device, name in (places.zones or {}).items() if name}
        self._enabled = _mask(rule.enabled for rule in self._rules)
        self._calls = {
            kinds: _mask(not rule.calls or bool(kinds.intersection(rule.calls)) for rule in self._rules)
            for kinds in (*_KINDS.values(), *_KINDS_UNTOLD.values())
        }
        self._any_device = _mask(not rule.devices for rule in self._rules)
        self._devices: dict[int, int] = {}
        self._asked = {aspect: Asked() for aspect in _TEXTS}
        for place, rule in enumerate(self._rules):
            for device in rule.devices:
                self._devices[device] = self._devices.get(device, 0) | 1 << place
            for aspect, asked in self._asked.items():
                asked.add(1 << place, getattr(rule, aspect.value))
        self._clocks = {
            profile.id: WeekClock(profile, [found for found in book.calendars if found.id in profile.calendars])
            for profile in book.profiles
        }
        self._verdicts = [_verdict(rule) for rule in self._rules]
        self._left_out = [Verdict(recorded=Recorded.NO, rule=rule.name) for rule in self._rules]
        self._otherwise = Verdict(recorded=Recorded.YES if book.otherwise.records else Recorded.NO)

    @property
    def counts(self) -> bool:
        """Whether any rule records a share."""
        return any(rule.treatment is Treatment.SHARE for rule in self._rules)

    def decide(self, call: CallOutline, device_id: int, shares: Shares) -> Verdict:
        """What the rules say of a call; who asks again says by which rule it was decided, since shares are counted."""
        place = self._first(call, device_id)
        if place is None:
            return self._otherwise
        rule = self._rules[place]
        if rule.name == call.decided_by:
            return self._verdicts[place]
        if rule.treatment is Treatment.SHARE and not shares.takes(rule.id, rule.share_percent):
            return self._left_out[place]
        return self._verdicts[place]

    def judge(self, call: CallOutline, device_id: int) -> Judgement:
        """Which rule decides, and why each one above it does not; counts nothing."""
        masks = self._masks(call, device_id)
        misses: list[Miss] = []
        for place, rule in enumerate(self._rules):
            aspects = [aspect for aspect, mask in masks.items() if not mask >> place & 1]
            if not self._is_time(rule, call, device_id):
                aspects.append(Aspect.PROFILE)
            if not aspects:
                return Judgement(rule, tuple(misses))
            misses.append(Miss(rule, tuple(aspects)))
        return Judgement(None, tuple(misses))

    def _first(self, call: CallOutline, device_id: int) -> int | None:
        fitting = -1
        for mask in self._masks(call, device_id).values():
            fitting &= mask
        while fitting:
            lowest = fitting & -fitting
            place = lowest.bit_length() - 1
            if self._is_time(self._rules[place], call, device_id):
                return place
            fitting ^= lowest
        return None

    def _masks(self, call: CallOutline, device_id: int) -> dict[Aspect, int]:
        owned = {kind: _owned(call, kind) for kind in OwnerKind}
        numbers = (call.caller, call.called, *call.numbers)
        texts = {
            # A device that knows no users knows them by number.
            Aspect.USERS: (*(tuple(filter(None, call.users)) or numbers), call.agent, *owned[OwnerKind.USER]),
            Aspect.GROUPS: (*call.groups, call.skill, *owned[OwnerKind.GROUP]),
            Aspect.ROUTES: (call.route, *owned[OwnerKind.LINE]),
            Aspect.ACCOUNT_CODES: (call.account_code, *owned[OwnerKind.ACCOUNT_CODE]),
            Aspect.NUMBERS: numbers,
        }
        return {
            Aspect.ENABLED: self._enabled,
            Aspect.CALLS: self._calls[_KINDS.get(call.direction, _KINDS_UNTOLD[call.is_external])],
            Aspect.DEVICES: self._any_device | self._devices.get(device_id, 0),
            **{aspect: self._asked[aspect].mask(read_keys(told, call.spellings)) for aspect, told in texts.items()},
        }

    def _is_time(self, rule: Rule, call: CallOutline, device_id: int) -> bool:
        if rule.profile is None:
            return True
        clock = self._clocks.get(rule.profile)
        zone = self._zones.get(device_id, self._zone)
        return clock is not None and clock.holds(call.started_at.astimezone(zone))


def _owned(call: CallOutline, kind: OwnerKind) -> tuple[str, ...]:
    """What the call belongs to, if that is of this kind."""
    return (call.owner.id, call.owner.name) if call.owner is not None and call.owner.kind is kind else ()


def _verdict(rule: Rule) -> Verdict:
    return Verdict(
        recorded=_RECORDED.get(rule.treatment, Recorded.YES),
        rule=rule.name,
        is_mandatory=rule.treatment is Treatment.MANDATORY,
        longest_s=float(rule.longest_s),
        keeps_keys=rule.keeps_keys,
        masks_keys=rule.masks_keys,
        stops_at_voicemail=rule.stops_at_voicemail,
    )


def _mask(fits: Iterator[bool]) -> int:
    return sum(1 << place for place, fit in enumerate(fits) if fit)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return _UTC
