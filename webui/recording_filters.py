"""What the list is asked for, as its address says it: the address is the state, so that it can be kept and sent."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.datastructures import QueryParams

from hub import ids
from hub.catalog.query import Cursor, RecordingQuery
from hub.clock import utc_now
from hub.sdk import Direction
from webui.language import Language, gettext, later, length

TEXT_FIELDS = ("parties", "agent", "owner", "target", "skill", "call_id")
TEXT_LABELS = {
    "parties": later("Parties"),
    "agent": later("Agent"),
    "owner": later("Owner"),
    "target": later("Target"),
    "skill": later("Skill"),
    "call_id": later("Call ID"),
}
DIRECTIONS = {
    Direction.INCOMING: later("Incoming"),
    Direction.OUTGOING: later("Outgoing"),
    Direction.INTERNAL: later("Internal"),
    Direction.UNKNOWN: later("Unknown"),
}
RANGES = {
    "today": later("Today"),
    "yesterday": later("Yesterday"),
    "7d": later("Last 7 days"),
    "30d": later("Last 30 days"),
    "month": later("This month"),
    "year": later("This year"),
}
_LONGEST_TEXT = 400
_TO = " \N{EN DASH} "
_LENGTH = re.compile(r"(?:(\d{1,3}):)?(\d{1,5}):(\d{1,2})|(\d{1,6})(?:[.,]\d+)?")
_LOCAL_TIME = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::\d{2})?)?")


@dataclass(frozen=True, slots=True)
class RecordingFilters:
    """The filters as they were typed or ticked; what makes no sense is left out and named in `problems`."""

    text: str = ""
    range: str = ""
    date_from: datetime | None = None
    date_to: datetime | None = None
    directions: tuple[Direction, ...] = ()
    devices: tuple[int, ...] = ()
    min_s: float | None = None
    max_s: float | None = None
    fields: dict[str, str] = field(default_factory=dict)
    problems_only: bool = False
    problems: tuple[str, ...] = ()

    @classmethod
    def read(cls, params: QueryParams) -> "RecordingFilters":
        """The filters of an address; times are in the viewer's zone and have none here yet."""
        wrong: list[str] = []
        preset = params.get("range", "") if params.get("range") in RANGES else ""
        return cls(
            text=params.get("q", "").strip()[:_LONGEST_TEXT],
            range=preset,
            date_from=None if preset else _local_time(params.get("from", ""), wrong),
            date_to=None if preset else _local_time(params.get("to", ""), wrong),
            directions=tuple(found for found in Direction if found.value in params.getlist("direction")),
            devices=tuple(dict.fromkeys(_numbers(params.getlist("device")))),
            min_s=_seconds(params.get("min", ""), wrong),
            max_s=_seconds(params.get("max", ""), wrong),
            fields={name: text for name in TEXT_FIELDS if (text := params.get(name, "").strip()[:_LONGEST_TEXT])},
            problems_only=params.get("problems") == "1",
            problems=tuple(wrong),
        )

    def query(self, zone: ZoneInfo) -> RecordingQuery:
        """What to ask of the catalog."""
        started_from, started_before = self.span(zone)
        return RecordingQuery(
            text=self.text,
            started_from=started_from,
            started_before=started_before,
            directions=frozenset(self.directions),
            device_ids=frozenset(self.devices),
            min_s=self.min_s,
            max_s=self.max_s,
            problems=True if self.problems_only else None,
            **self.fields,
        )

    def span(self, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
        """From when to before when; a preset wins over dates."""
        if self.range:
            return _preset(self.range, utc_now().astimezone(zone).date(), zone)
        until = self.date_to
        if until is not None:  # the day or minute that is named is still in
            until += timedelta(days=1) if until.time() == time.min else timedelta(minutes=1)
        return (
            self.date_from.replace(tzinfo=zone) if self.date_from else None,
            until.replace(tzinfo=zone) if until else None,
        )

    def active(self) -> Iterator[str]:
        """The names of the filters that are on."""
        if self.text:
            yield "text"
        if self.range or self.date_from or self.date_to:
            yield "date"
        if self.directions:
            yield "direction"
        if self.devices:
            yield "device"
        if self.min_s is not None or self.max_s is not None:
            yield "length"
        yield from self.fields
        if self.problems_only:
            yield "problems"

    def without(self, name: str) -> "RecordingFilters":
        """The same without one of them."""
        clearings: dict[str, dict[str, object]] = {
            "text": {"text": ""},
            "date": {"range": "", "date_from": None, "date_to": None},
            "direction": {"directions": ()},
            "device": {"devices": ()},
            "length": {"min_s": None, "max_s": None},
            "problems": {"problems_only": False},
        }
        others = {"fields": {key: value for key, value in self.fields.items() if key != name}}
        return replace(self, **clearings.get(name, others))

    def address(self, path: str = "/recordings", **more: str) -> str:
        """The address of the list with these filters."""
        pairs = [*self._pairs(), *more.items()]
        return f"{path}?{urlencode(pairs)}" if pairs else path

    def _pairs(self) -> Iterator[tuple[str, str]]:
        if self.text:
            yield "q", self.text
        if self.range:
            yield "range", self.range
        for name, moment in (("from", self.date_from), ("to", self.date_to)):
            if moment:
                yield name, moment.isoformat(timespec="minutes")
        for direction in self.directions:
            yield "direction", direction.value
        for device in self.devices:
            yield "device", str(device)
        for name, seconds in (("min", self.min_s), ("max", self.max_s)):
            if seconds is not None:
                yield name, f"{seconds:g}"
        yield from self.fields.items()
        if self.problems_only:
            yield "problems", "1"

    def describe(self, name: str, language: Language, device_name: Callable[[int], str]) -> str:
        """What one filter asks for, in a few words."""
        described: dict[str, Callable[[], str]] = {
            "text": lambda: self.text,
            "date": lambda: self._describe_dates(language),
            "direction": lambda: gettext(", ").join(gettext(DIRECTIONS[direction]) for direction in self.directions),
            "device": lambda: gettext(", ").join(device_name(device) for device in self.devices),
            "length": lambda: _describe_lengths(self.min_s, self.max_s),
            "problems": lambda: gettext("With a problem"),
        }
        return described[name]() if name in described else self.fields[name]

    def _describe_dates(self, language: Language) -> str:
        if self.range:
            return gettext(RANGES[self.range])
        shown = [
            "" if moment is None else language.day(moment.date()) if moment.time() == time.min else _to_minute(moment)
            for moment in (self.date_from, self.date_to)
        ]
        if shown[0] and shown[1]:
            return shown[0] if shown[0] == shown[1] else f"{shown[0]}{_TO}{shown[1]}"
        return (
            gettext("from {time}").format(time=shown[0]) if shown[0] else gettext("until {time}").format(time=shown[1])
        )


def read_cursor(text: str) -> Cursor | None:
    """The place in the list that an address names, or None."""
    start_ms, _, number = text.partition(".")
    try:
        return Cursor(int(start_ms), ids.from_text(number)) if text else None
    except ValueError:
        return None


def write_cursor(cursor: Cursor) -> str:
    """A place in the list for an address."""
    return f"{cursor.start_ms}.{ids.to_text(cursor.id)}"


def _to_minute(moment: datetime) -> str:
    return moment.isoformat(" ", "minutes")


def _describe_lengths(min_s: float | None, max_s: float | None) -> str:
    low = length(min_s) if min_s is not None else ""
    high = length(max_s) if max_s is not None else ""
    if low and high:
        return low if min_s == max_s else f"{low}{_TO}{high}"
    return f"≥ {low}" if low else f"≤ {high}"


def _preset(name: str, today: date, zone: ZoneInfo) -> tuple[datetime, datetime | None]:
    def midnight(day: date) -> datetime:
        return datetime.combine(day, time.min, zone)

    match name:
        case "today":
            return midnight(today), None
        case "yesterday":
            return midnight(today - timedelta(days=1)), midnight(today)
        case "month":
            return midnight(today.replace(day=1)), None
        case "year":
            return midnight(today.replace(month=1, day=1)), None
        case _:
            return midnight(today - timedelta(days=int(name.removesuffix("d")) - 1)), None


def _local_time(text: str, wrong: list[str]) -> datetime | None:
    if not text.strip():
        return None
    if match := _LOCAL_TIME.fullmatch(text.strip()):
        try:
            return datetime(*(int(part or 0) for part in match.groups()))  # type: ignore[arg-type]  # noqa: DTZ001 - the zone comes in span()
        except ValueError:
            pass
    wrong.append(gettext("“{text}” is no date; write it as 2026-11-21 or 2026-11-21T16:30.").format(text=text[:40]))
    return None


def _seconds(text: str, wrong: list[str]) -> float | None:
    """A length written as seconds, m:ss or h:mm:ss."""
    text = text.strip()
    if not text:
        return None
    if match := _LENGTH.fullmatch(text):
        hours, minutes, seconds, plain = match.groups()
        if plain is not None:
            return float(text.replace(",", "."))
        return int(hours or 0) * 3600.0 + int(minutes) * 60 + int(seconds)
    wrong.append(gettext("“{text}” is no length; write seconds, or 1:30.").format(text=text[:40]))
    return None


def _numbers(texts: list[str]) -> Iterator[int]:
    return (int(text) for text in texts if text.isdecimal() and len(text) < 19)
