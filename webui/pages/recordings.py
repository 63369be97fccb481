"""The list of recordings."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from hub.access.permissions import allows
from hub.catalog.query import COUNT_BOUND, Count, Page
from hub.catalog.recording import RecordingRow
from hub.ingest.spool import SpoolAway
from hub.runtime.instance import Instance, InstanceState
from hub.sdk import Kind
from webui import parties
from webui.language import gettext, later
from webui.reach import services_of, shows, viewer_of, web_of
from webui.recording_filters import (
    DIRECTIONS,
    RANGES,
    TEXT_LABELS,
    RecordingFilters,
    read_cursor,
)
from webui.recording_rows import RowWriter
from webui.security import actor_of
from webui.viewing import language_of

PAGE_ROWS = 50
KNOWN_IDS_MAX = 100
COLUMNS = {
    "length": later("Length"),
    "parties": later("Parties"),
    "direction": later("Direction"),
    "agent": later("Agent"),
    "owner": later("Owner"),
    "target": later("Target"),
    "skill": later("Skill"),
    "call-id": later("Call ID"),
    "device": later("Device"),
    "flags": later("Remarks"),
}
_FILTER_LABELS = {
    "text": later("Search"),
    "date": later("Date"),
    "direction": later("Direction"),
    "device": later("Device"),
    "length": later("Length"),
    "problems": later("Problems"),
} | TEXT_LABELS


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many recordings are on their way: safe in the spool, or set aside."""

    spooled: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class Culprit:
    """A filter without which something would be found."""

    label: str
    value: str
    count: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the first run. state: done, current or later."""

    title: str
    text: str
    state: str
    href: str = ""
    action: str = ""
    live: bool = False


@shows("recording.list")
def list_page(request: Request) -> Response:
    """A page of the list, more rows of it, or the first steps where there is nothing yet."""
    filters = RecordingFilters.read(request.query_params)
    page = _search(request, filters)
    if request.headers.get("hx-target") == "tr":
        return _rows(request, filters, page)
    has_nothing = not page.items and not any(filters.active())
    if has_nothing and allows(viewer_of(request), "device.add"):
        return _first_run(request)
    is_all = page.older is None and "before" not in request.query_params
    return web_of(request).renderer.page(
        request,
        "recordings/list.html",
        **_row_context(request, filters, page),
        count=Count(len(page.items), exact=True) if is_all else None,  # otherwise counted once the page is there
        waiting=_waiting(request),
        culprits=[] if page.items else _culprits(request, filters),
        has_nothing=has_nothing,
        ranges=RANGES,
        text_labels=TEXT_LABELS,
        columns=COLUMNS,
        hidden_columns=_hidden_columns(request),
        columns_are_automatic="columns" not in request.cookies,
    )


@shows("recording.list")
def fresh_rows(request: Request) -> Response:
    """Rows of the first page that the asking list does not show yet, and the new total."""
    filters = RecordingFilters.read(request.query_params)
    known = set(request.query_params.get("known", "").split(".")[:KNOWN_IDS_MAX])
    page = _search(request, filters)
    unknown = Page(tuple(row for row in page.items if row.text_id not in known))
    return web_of(request).renderer.fragment(
        request, "recordings/fresh.html", **_row_context(request, filters, unknown), count=_count(request, filters)
    )


@shows("recording.list")
def total(request: Request) -> Response:
    """How many there are."""
    count = _count(request, RecordingFilters.read(request.query_params))
    return web_of(request).renderer.fragment(request, "recordings/total.html", count=count)


@shows("recording.list")
def waiting_badge(request: Request) -> Response:
    """How many are coming in."""
    return web_of(request).renderer.fragment(request, "recordings/waiting.html", waiting=_waiting(request))


def _search(request: Request, filters: RecordingFilters) -> Page[RecordingRow]:
    return services_of(request).reader.search(
        viewer_of(request),
        filters.query(language_of(request).timezone),
        actor_of(request),
        before=read_cursor(request.query_params.get("before", "")),
        limit=PAGE_ROWS,
    )


def _count(request: Request, filters: RecordingFilters) -> Count:
    return services_of(request).reader.count(viewer_of(request), filters.query(language_of(request).timezone))


def _rows(request: Request, filters: RecordingFilters, page: Page[RecordingRow]) -> Response:
    return web_of(request).renderer.fragment(request, "recordings/rows.html", **_row_context(request, filters, page))


def _row_context(request: Request, filters: RecordingFilters, page: Page[RecordingRow]) -> dict[str, Any]:
    devices = device_names(request)
    hidden = _hidden_columns(request)

    def device_name(device_id: int) -> str:
        return devices.get(device_id, gettext("Deleted device"))

    writer = RowWriter(
        web_of(request).renderer.icon,
        device_name,
        hidden=hidden,
        may_play=allows(viewer_of(request), "recording.play"),
    )
    return {
        "filters": filters,
        "page": page,
        "rows": writer.write(page.items),
        "number": _page_number(request),
        "devices": services_of(request).instances.list(Kind.SOURCE),
        "device_name": device_name,
        "hide": lambda name: Markup(" hidden") if name in hidden else "",
        "directions": DIRECTIONS,
        "direction_icons": parties.DIRECTION_ICONS,
    }


def device_names(request: Request) -> dict[int, str]:
    """The names of all devices and stores by id."""
    return services_of(request).instances.names()


def _page_number(request: Request) -> int:
    text = request.query_params.get("page", "1")
    return int(text) if text.isdecimal() and len(text) < 5 else 1


def _hidden_columns(request: Request) -> frozenset[str]:
    chosen = request.cookies.get("columns", "")
    return frozenset(name for name in chosen.split(".") if name in COLUMNS)


def _waiting(request: Request) -> Waiting:
    services = services_of(request)
    try:
        return Waiting(services.spool.count(), services.quarantine.count())
    except SpoolAway:  # an alarm tells of it
        return Waiting(0, 0)


def _culprits(request: Request, filters: RecordingFilters) -> list[Culprit]:
    """The filters without which there would be something, the best first; counting is bounded and never audited."""
    language, services, person = language_of(request), services_of(request), viewer_of(request)
    names = device_names(request)
    found: list[tuple[int, Culprit]] = []
    for name in filters.active():
        rest = filters.without(name)
        count = services.reader.count(person, rest.query(language.timezone), COUNT_BOUND)
        if count.n:
            value = filters.describe(name, language, lambda device: names.get(device, str(device)))
            label = _FILTER_LABELS[name]
            found.append((count.n, Culprit(label, value, count_text(request, count), rest.address())))
    return [culprit for _, culprit in sorted(found, key=lambda pair: -pair[0])]


def count_text(request: Request, count: Count) -> str:
    """A count for people: exact, or with a plus."""
    return language_of(request).number(count.n) + ("" if count.exact else "+")


def _first_run(request: Request) -> Response:
    devices = services_of(request).instances.list(Kind.SOURCE)
    return web_of(request).renderer.page(
        request, "recordings/first_run.html", steps=first_steps(devices), waiting=_waiting(request)
    )


def first_steps(devices: Iterable[Instance]) -> list[Step]:
    """Add a device, test it, watch recordings arrive: what is done and what comes now."""
    device = next(iter(devices), None)
    works = device is not None and device.health.state is InstanceState.OK
    return [
        Step(
            title=later("Add a device"),
            text=later("A device is one PBX whose recordings the hub collects, such as an Avaya IP Office."),
            state="done" if device else "current",
            href="/devices/new",
            action=later("Add another") if device else later("Add a device"),
        ),
        Step(
            title=later("Test it"),
            text=later("The lamp is green once the hub reaches the device; otherwise it says what to do."),
            state="done" if works else "current" if device else "later",
            href=f"/devices/{device.id}" if device else "",
            action=later("Open the device"),
        ),
        Step(
            title=later("Watch recordings arrive"),
            text=later("Make a call that is recorded. It shows here by itself, a moment after it has ended."),
            state="current" if works else "later",
            live=True,
        ),
    ]
