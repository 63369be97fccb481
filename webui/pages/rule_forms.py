"""The forms of rules, time profiles and calendars: shown, read, kept, deleted; each kind by the same steps."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from hub.access.errors import NotThere
from hub.rules.book import Book, parse
from hub.rules.errors import EntryChanged, EntryInUse, EntryMissing, EntryRefused
from hub.rules.hours import HolidayCalendar, Hours, TimeProfile
from hub.rules.rule import Rule, Treatment
from hub.sdk import Kind
from webui import rule_words
from webui.language import later
from webui.pages.rules import CONFLICT, UNPROCESSABLE, done_text
from webui.reach import go_to, services_of, shows, takes_form, text_of, web_of
from webui.rule_devices import RuleDevices
from webui.security import actor_of
from webui.told import told

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from hub.rules.entry import Entry

_ROWS_MOST = 600
_ROW = re.compile(r"(hours|days)\.(\d{1,4})\.", re.ASCII)
_LISTS = tuple(rule_words.WHO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """One kind of entry with its pages: where they are, what they are called, how their form is read."""

    model: type[Entry]
    path: str
    folder: str
    title: str
    add: str
    read: Callable[[FormData], dict[str, Any]]
    blank: Mapping[str, Any]
    home: str


@dataclass(slots=True)
class Entered:
    """What a form shows: what is kept or was entered, and what is wrong with it."""

    values: dict[str, Any]
    errors: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, name: str) -> list[str]:
        """What is wrong with a field, and with the values in it."""
        return [
            text for key, texts in self.errors.items() if key == name or key.startswith(f"{name}.") for text in texts
        ]

    def exactly(self, name: str) -> tuple[str, ...]:
        """What is wrong with a field as such."""
        return self.errors.get(name, ())


def _read_rule(form: FormData) -> dict[str, Any]:
    profile = text_of(form, "profile")
    values: dict[str, Any] = {
        name: [text.strip() for text in re.split(r"[,;\n]", text_of(form, name)) if text.strip()] for name in _LISTS
    }
    return values | {
        "name": text_of(form, "name"),
        "enabled": text_of(form, "enabled") == "yes",
        "devices": [int(text) for text in _texts(form, "devices") if text.isdecimal()],
        "calls": _texts(form, "calls"),
        "profile": int(profile) if profile.isdecimal() else None,
        "treatment": text_of(form, "treatment"),
        "share_percent": text_of(form, "share_percent") or 100,
        "longest_s": text_of(form, "longest_s"),
        "keeps_keys": text_of(form, "keeps_keys") == "yes",
        "masks_keys": text_of(form, "masks_keys") == "yes",
        "stops_at_voicemail": text_of(form, "stops_at_voicemail") == "yes",
    }


def _read_profile(form: FormData) -> dict[str, Any]:
    lines = [
        {
            "days": _texts(form, f"hours.{row}.days"),
            "begins": text_of(form, f"hours.{row}.begins"),
            "ends": text_of(form, f"hours.{row}.ends"),
        }
        for row in _rows(form, "hours")
    ]
    return {
        "name": text_of(form, "name"),
        "hours": [line for line in lines if any(line.values())],
        "calendars": [int(text) for text in _texts(form, "calendars") if text.isdecimal()],
        "on_holidays": text_of(form, "on_holidays"),
    }


def _read_calendar(form: FormData) -> dict[str, Any]:
    days = [
        {
            "day": text_of(form, f"days.{row}.day"),
            "name": text_of(form, f"days.{row}.name"),
            "yearly": text_of(form, f"days.{row}.yearly") == "yes",
        }
        for row in _rows(form, "days")
    ]
    return {"name": text_of(form, "name"), "days": [day for day in days if day["day"] or day["name"]]}


def _texts(form: FormData, name: str) -> list[str]:
    return [value for value in form.getlist(name) if isinstance(value, str)]


def _rows(form: FormData, table: str) -> list[int]:
    found = {int(match[2]) for name in form if (match := _ROW.match(name)) and match[1] == table}
    return sorted(found)[:_ROWS_MOST]


RULES = Shelf(
    model=Rule,
    path="/rules",
    folder="rule",
    title=later("Recording rules"),
    add=later("Add a rule"),
    read=_read_rule,
    blank=Rule(name="-").model_dump(mode="json") | {"name": ""},
    home="/rules",
)
PROFILES = Shelf(
    model=TimeProfile,
    path="/rules/profiles",
    folder="profile",
    title=later("Time profiles"),
    add=later("Add a time profile"),
    read=_read_profile,
    blank={
        "name": "",
        "hours": [{"days": ["mon", "tue", "wed", "thu", "fri"], "begins": "08:00", "ends": "18:00"}],
        "calendars": [],
        "on_holidays": "none",
    },
    home="/rules/profiles",
)
CALENDARS = Shelf(
    model=HolidayCalendar,
    path="/rules/calendars",
    folder="calendar",
    title=later("Holidays"),
    add=later("Add a calendar"),
    read=_read_calendar,
    blank={"name": "", "days": []},
    home="/rules/calendars",
)
SHELVES = (PROFILES, CALENDARS, RULES)


def shelf_of(request: Request) -> Shelf:
    """The kind that the address is about."""
    return next(shelf for shelf in SHELVES if request.url.path.startswith(shelf.path))


@shows("rule.list")
def list_page(request: Request) -> Response:
    """All time profiles, or all calendars."""
    shelf, book = shelf_of(request), services_of(request).rules.load()
    return web_of(request).renderer.page(
        request, f"rules/{shelf.folder}s.html", tab=shelf.folder, **_shared(shelf, book), done=done_text(request)
    )


@shows("rule.change")
def new(request: Request) -> Response:
    """An empty form."""
    shelf = shelf_of(request)
    return _form(request, shelf, None, Entered(dict(shelf.blank)))


@takes_form("rule.change")
def create(request: Request, form: FormData) -> Response:
    """Keep what was entered, or show the form again."""
    shelf = shelf_of(request)
    entered = Entered(shelf.read(form))
    try:
        services_of(request).rules.add(parse(shelf.model, dict(entered.values)), actor_of(request))
    except EntryRefused as refused:
        entered.errors = refused.by_field
        return _form(request, shelf, None, entered, UNPROCESSABLE)
    return go_to(f"{shelf.home}?done=added")


@shows("rule.list")
def edit(request: Request) -> Response:
    """The form of one entry."""
    shelf, entry = shelf_of(request), _entry_of(request)
    return _form(request, shelf, entry, Entered(entry.model_dump(mode="json")))


@takes_form("rule.change")
def save(request: Request, form: FormData) -> Response:
    """Keep what was changed, or show the form again."""
    shelf, entry = shelf_of(request), _entry_of(request)
    entered, revision = Entered(shelf.read(form)), text_of(form, "revision")
    entered.values["revision"] = revision
    try:
        wanted = parse(shelf.model, {**entered.values, "revision": 1, "id": entry.id})
        services_of(request).rules.change(wanted, int(revision) if revision.isdecimal() else 0, actor_of(request))
    except EntryRefused as refused:
        entered.errors = refused.by_field
        return _form(request, shelf, entry, entered, UNPROCESSABLE)
    except EntryChanged as conflict:
        entered.errors = {"": (f"{conflict} {conflict.hint}",)}
        return _form(request, shelf, entry, entered, CONFLICT)
    return go_to(f"{shelf.home}?done=saved")


@takes_form("rule.change")
def delete(request: Request, form: FormData) -> Response:
    """Forget it, unless others refer to it."""
    del form
    shelf, entry = shelf_of(request), _entry_of(request)
    try:
        services_of(request).rules.delete(shelf.model, entry.id, actor_of(request))
    except EntryInUse as used:
        entered = Entered(entry.model_dump(mode="json"), {"": (f"{used} {used.hint}",)})
        return _form(request, shelf, entry, entered, CONFLICT)
    return go_to(f"{shelf.home}?done=deleted")


def routes(shelf: Shelf) -> list[Route]:
    """The pages of one kind; the list of rules is a page of its own."""
    base, post = shelf.path, ["POST"]
    return [
        *([] if shelf is RULES else [Route(base, list_page)]),
        Route(f"{base}/new", new),
        Route(f"{base}/new", create, methods=post),
        Route(f"{base}/{{id:int}}", edit),
        Route(f"{base}/{{id:int}}", save, methods=post),
        Route(f"{base}/{{id:int}}/delete", delete, methods=post),
    ]


def _entry_of(request: Request) -> Entry:
    try:
        return services_of(request).rules.get(shelf_of(request).model, request.path_params["id"])
    except EntryMissing as missing:
        raise NotThere(told(str(missing))) from None


def _form(request: Request, shelf: Shelf, entry: Entry | None, entered: Entered, status: int = 200) -> Response:
    book = services_of(request).rules.load()
    return web_of(request).renderer.page(
        request,
        f"rules/{shelf.folder}.html",
        status,
        **_shared(shelf, book),
        entry=entry,
        entered=entered,
        values=entered.values,
        devices=services_of(request).instances.list(Kind.SOURCE) if shelf is RULES else [],
        gone=RuleDevices.of(services_of(request)).gone_of(entry) if isinstance(entry, Rule) else {},
        users=book.users_of(entry) if entry else (),
        mandatory=Treatment.MANDATORY.value,
    )


def _shared(shelf: Shelf, book: Book) -> dict[str, Any]:
    return {
        "shelf": shelf,
        "book": book,
        "calls": rule_words.CALLS,
        "who": {name: words[0] for name, words in rule_words.WHO.items()},
        "treatments": rule_words.TREATMENTS,
        "holiday_hours": rule_words.HOLIDAYS,
        "day_names": rule_words.day_names(),
        "long_day_names": rule_words.day_names("wide"),
        "hours_text": rule_words.hours_text,
        "week": rule_words.week,
        "users_of": book.users_of,
        "week_of": _week_of,
    }


def _week_of(values: Mapping[str, Any]) -> list[rule_words.DayRow]:
    """The picture of hours as they are entered, right or wrong: wrong lines are left out."""
    lines = []
    for line in values["hours"]:
        try:
            lines.append(parse(Hours, dict(line)))
        except EntryRefused:
            continue
    return rule_words.week(lines)
