"""The audit trail: who did what, with the filters of the older systems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from hub.audit.action import Action
from hub.audit.listing import AuditEntry, AuditFilter, list_entries
from webui.fact_names import name_of_fact
from webui.language import gettext, later
from webui.pages.recordings import device_names
from webui.reach import services_of, shows, web_of
from webui.recording_filters import RecordingFilters, read_cursor
from webui.viewing import language_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

PAGE_ROWS = 50
_LONGEST_LOGIN = 64
ACTIONS = {
    Action.SEARCH: (later("Searched recordings"), "search"),
    Action.REPLAY: (later("Replayed a recording"), "play"),
    Action.DOWNLOAD: (later("Downloaded a recording"), "download"),
    Action.DELETE: (later("Deleted a recording"), "trash-2"),
    Action.EXPORT: (later("Exported recordings"), "upload"),
    Action.SHARE: (later("Shared a recording"), "share-2"),
    Action.VERIFY: (later("Verified a recording"), "badge-check"),
    Action.INGEST: (later("Took a recording in"), "audio-lines"),
    Action.CALL_LISTEN: (later("Listened to a call"), "headphones"),
    Action.CALL_PAUSE: (later("Paused the recording of a call"), "circle-pause"),
    Action.CALL_RESUME: (later("Resumed the recording of a call"), "play"),
    Action.CALL_STOP: (later("Stopped the recording of a call"), "circle-x"),
    Action.CALL_KEEP: (later("Kept the recording of a call"), "check"),
    Action.CALL_DISCARD: (later("Discarded the recording of a call"), "trash-2"),
    Action.DETAILS_FILL: (later("Filled in call details"), "wand-sparkles"),
    Action.SIGN_IN: (later("Signed in"), "user-round"),
    Action.SIGN_IN_FAILED: (later("Sign-in refused"), "lock"),
    Action.SIGN_OUT: (later("Signed out"), "log-out"),
    Action.SETUP: (later("Set the hub up"), "wand-sparkles"),
    Action.PERSON_ADD: (later("Added a person"), "user-round"),
    Action.PERSON_CHANGE: (later("Changed a person"), "pencil"),
    Action.PASSWORD_CHANGE: (later("Changed a password"), "key-round"),
    Action.QUARANTINE_RETRY: (later("Retried from quarantine"), "refresh-cw"),
    Action.QUARANTINE_DOWNLOAD: (later("Downloaded from quarantine"), "download"),
    Action.DEVICE_ADD: (later("Added a device or store"), "plus"),
    Action.DEVICE_CHANGE: (later("Changed a device or store"), "pencil"),
    Action.DEVICE_DELETE: (later("Deleted a device or store"), "trash-2"),
    Action.DEVICE_TEST: (later("Tested a device or store"), "plug-zap"),
    Action.DEVICE_UPLOAD: (later("Uploaded a file to a device"), "upload"),
    Action.SETTINGS_CHANGE: (later("Changed settings"), "settings"),
    Action.RULES_ADD: (later("Added to the recording rules"), "plus"),
    Action.RULES_CHANGE: (later("Changed the recording rules"), "list-filter"),
    Action.RULES_DELETE: (later("Deleted from the recording rules"), "trash-2"),
    Action.TOKEN_ADD: (later("Made an API token"), "key-round"),
    Action.TOKEN_REVOKE: (later("Revoked an API token"), "x"),
    Action.SECRETS_ROTATE: (later("Rotated the master key"), "rotate-cw"),
    Action.ALARM_ACKNOWLEDGE: (later("Acknowledged an alarm"), "bell"),
}
VIAS = {"web": later("in the browser"), "api": later("by the API"), "cli": later("on the command line")}


@dataclass(frozen=True, slots=True)
class Line:
    """One line as people read it."""

    entry: AuditEntry
    label: str
    icon: str
    subject: str
    href: str
    details: str


@shows("audit.list")
def audit_page(request: Request) -> Response:
    """Lines, newest first."""
    dates = RecordingFilters.read(request.query_params)
    started_from, started_before = dates.span(language_of(request).timezone)
    login = request.query_params.get("login", "").strip()[:_LONGEST_LOGIN]
    chosen = [action for action in ACTIONS if action.value in request.query_params.getlist("action")]
    wanted = AuditFilter(
        started_from=started_from, started_before=started_before, actions=frozenset(chosen), login=login
    )
    with services_of(request).db.read() as session:
        page = list_entries(
            session, wanted, before=read_cursor(request.query_params.get("before", "")), limit=PAGE_ROWS
        )
    names = device_names(request)
    pairs = [pair for pair in request.query_params.multi_items() if pair[0] != "before" and pair[1]]
    return web_of(request).renderer.page(
        request,
        "audit.html",
        lines=[_line(entry, names) for entry in page.items],
        older=page.older,
        here=urlencode(pairs),
        dates=dates,
        login=login,
        chosen=chosen,
        actions=ACTIONS,
        vias=VIAS,
    )


def _line(entry: AuditEntry, names: dict[int, str]) -> Line:
    label, icon = _words_of(entry.action)
    subject, href = _subject(entry, names)
    return Line(entry, gettext(label), icon, subject, href, _details(entry))


def _words_of(action: str) -> tuple[str, str]:
    try:
        return ACTIONS.get(Action(action), (action, "circle"))
    except ValueError:
        return action, "circle"


def _subject(entry: AuditEntry, names: dict[int, str]) -> tuple[str, str]:
    """(what it was done to, where that is)."""
    kind, _, rest = entry.subject.partition(":")
    if kind == "recording":
        return rest, f"/r/{rest}"
    if kind == "instance" and rest.isdecimal():
        return names.get(int(rest), rest), ""
    return rest, ""


def _details(entry: AuditEntry) -> str:
    """Facts and private values in one line; what was erased says so."""
    values: dict[str, Any] = {**entry.facts, **entry.details}
    words = [f"{name_of_fact(name)}: {_value(value)}" for name, value in values.items()]
    erased = gettext("erased")
    words += [f"{name_of_fact(name)}: {erased}" for name in entry.erased if name not in ("login", "address")]
    return " · ".join(words)


def _value(value: Any) -> str:
    match value:
        case list() | tuple():
            return gettext(", ").join(_value(item) for item in value)
        case dict():
            return "; ".join(f"{name} {_value(item)}" for name, item in value.items())
        case bool():
            return gettext("yes") if value else gettext("no")
        case _:
            return str(value)
