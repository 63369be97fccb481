"""Recording rules and hours in words and pictures: what a rule says as one sentence, a week as bars."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from babel.dates import get_day_names
from babel.lists import format_list

from hub.rules.book import Book
from hub.rules.hours import DAY_MIN, HolidayHours, Hours, TimeProfile, Weekday
from hub.rules.rule import CallKind, Rule, Treatment
from hub.rules.rulebook import Aspect, Miss
from webui.language import current, gettext, later
from webui.rule_devices import RuleDevices

CALLS = {
    CallKind.INCOMING: later("Incoming"),
    CallKind.OUTGOING: later("Outgoing"),
    CallKind.INTERNAL: later("Internal"),
    CallKind.EXTERNAL: later("External"),
}
_ONLY = {
    CallKind.INCOMING: later("Incoming calls"),
    CallKind.OUTGOING: later("Outgoing calls"),
    CallKind.INTERNAL: later("Internal calls"),
    CallKind.EXTERNAL: later("External calls"),
}
TREATMENTS = {
    Treatment.RECORD: (later("Record"), later("Every call, from its beginning.")),
    Treatment.SHARE: (
        later("Record a share"),
        later("Counted, never left to chance: 25 % is at least 1 of any 4 calls."),
    ),
    Treatment.MANDATORY: (later("Mandatory"), later("Recorded, and an alarm is raised for a call that could not be.")),
    Treatment.ON_DEMAND: (
        later("On demand"),
        later("The whole call, if somebody asks for it while it lasts; otherwise nothing of it is kept."),
    ),
    Treatment.LEAVE_OUT: (
        later("Do not record"),
        later("That the call took place is kept, and nothing of what was said."),
    ),
}
SHADES = {
    Treatment.RECORD: "good",
    Treatment.SHARE: "accent",
    Treatment.MANDATORY: "warn",
    Treatment.ON_DEMAND: "accent",
    Treatment.LEAVE_OUT: "",
}
WHO = {
    "users": (later("Users"), later("of user %(names)s")),
    "groups": (later("Groups"), later("of group %(names)s")),
    "routes": (later("Lines and incoming routes"), later("by line %(names)s")),
    "account_codes": (later("Account codes"), later("with account code %(names)s")),
    "numbers": (later("Numbers"), later("with number %(names)s")),
}
ASPECTS = {
    Aspect.ENABLED: later("it is switched off"),
    Aspect.CALLS: later("the call goes another way"),
    Aspect.DEVICES: later("it is another device"),
    Aspect.USERS: later("it is another user"),
    Aspect.GROUPS: later("it is another group"),
    Aspect.ROUTES: later("it came by another line"),
    Aspect.ACCOUNT_CODES: later("it has another account code"),
    Aspect.NUMBERS: later("it has other numbers"),
    Aspect.PROFILE: later("it is outside its hours"),
}
_DEVICES_GONE = later("each device that it names was deleted")
HOLIDAYS = {
    HolidayHours.NONE: later("On holidays these hours do not hold"),
    HolidayHours.ALL_DAY: later("On holidays they hold from midnight to midnight"),
}
_NAMES_SHOWN = 6
_TO = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Bar:
    """Hours of one day in the picture of a week. begin, width: shares of the day in percent."""

    begin: float
    width: float


@dataclass(frozen=True, slots=True)
class DayRow:
    """One day of the picture."""

    name: str
    bars: tuple[Bar, ...]


def sentence(rule: Rule, book: Book, devices: RuleDevices) -> str:
    """Which calls a rule is about."""
    parts = [_calls(rule)]
    for field, (_, words) in WHO.items():
        if values := getattr(rule, field):
            parts.append(gettext(words) % {"names": either(values)})
    if rule.devices:
        names = [devices.name_of(device) for device in rule.devices]
        parts.append(gettext("on the device %(names)s") % {"names": either(names)})
    profile = book.find(TimeProfile, rule.profile) if rule.profile is not None else None
    if profile is not None:
        parts.append(gettext("in the hours “%(name)s”") % {"name": profile.name})
    first, *rest = parts
    if not rest:
        return first
    return gettext("%(calls)s %(conditions)s") % {"calls": first, "conditions": gettext(", ").join(rest)}


def reasons(miss: Miss, devices: RuleDevices) -> str:
    """Why a rule does not fit; that its devices are gone says more than that they are others."""
    words = {**ASPECTS, Aspect.DEVICES: _DEVICES_GONE} if devices.is_idle(miss.rule) else ASPECTS
    return gettext(", ").join(gettext(words[aspect]) for aspect in miss.aspects)


def outcome(rule: Rule) -> str:
    """What becomes of the calls."""
    if rule.treatment is Treatment.SHARE:
        return gettext("Record %(share)s") % {"share": current().percent(rule.share_percent / 100)}
    return gettext(TREATMENTS[rule.treatment][0])


def either(names: Sequence[str]) -> str:
    """Names joined by "or"; of many the first ones."""
    shown = list(names[:_NAMES_SHOWN])
    if len(names) > _NAMES_SHOWN:
        shown.append(gettext("%(num)s more") % {"num": len(names) - _NAMES_SHOWN})
    return str(format_list(shown, style="or", locale=current().locale))


def _calls(rule: Rule) -> str:
    if not rule.calls:
        return gettext("All calls")
    first, *rest = (gettext(_ONLY[kind]) for kind in rule.calls)
    words = [first, *(word[:1].lower() + word[1:] for word in rest)]
    return str(format_list(words, locale=current().locale))


def day_names(width: Literal["abbreviated", "wide"] = "abbreviated") -> dict[Weekday, str]:
    """Each day in the viewer's language."""
    names: Any = get_day_names(width, locale=current().locale)
    return {day: str(names[place]) for place, day in enumerate(Weekday)}


def hours_text(profile: TimeProfile) -> str:
    """All hours of a profile, such as "Mon to Fri 08:00 to 18:00" with dashes."""
    return "; ".join(f"{_days(line.days)} {line.begins}{_TO}{line.ends}" for line in profile.hours)


def week(lines: Iterable[Hours]) -> list[DayRow]:
    """The picture of a week; hours that go on over midnight show on both days."""
    order, names = list(Weekday), day_names()
    bars: list[list[Bar]] = [[] for _ in order]
    for line in lines:
        for day in line.days:
            for later_day, begin, end in line.spans:
                place = (order.index(day) + later_day) % len(order)
                bars[place].append(Bar(begin * 100 / DAY_MIN, (end - begin) * 100 / DAY_MIN))
    return [
        DayRow(names[day], tuple(sorted(found, key=lambda bar: bar.begin)))
        for day, found in zip(order, bars, strict=True)
    ]


def _days(days: Sequence[Weekday]) -> str:
    """Days in a row from three on as a span."""
    order, names = list(Weekday), day_names()
    runs: list[list[int]] = []
    for place in (order.index(day) for day in days):
        if runs and runs[-1][-1] == place - 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    told = []
    for run in runs:
        ends = [names[order[run[0]]], names[order[run[-1]]]]
        told += [_TO.join(ends)] if len(run) > 2 else [names[order[place]] for place in run]
    return ", ".join(told)
