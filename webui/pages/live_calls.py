"""Calls that go on: the list that keeps itself up to date, and what can be done with each of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from anyio import to_thread
from starlette.responses import PlainTextResponse

from hub import ids
from hub.access.errors import NotThere
from hub.access.permissions import require
from hub.access.scope import sees_all_live
from hub.catalog.live_calls import ListedCall, LiveQuery
from hub.clock import to_ms, utc_now
from hub.rules.rule import Treatment
from hub.runtime.failure import PluginFailure, SupervisorAway
from hub.runtime.live.audio_line import AudioLine
from hub.sdk import CallControl, Kind, LiveState, StateBy
from webui import parties
from webui.language import gettext, later
from webui.live_audio import LiveAudioResponse
from webui.reach import services_of, shows, takes_form, text_of, viewer_of, web_of
from webui.recording_filters import DIRECTIONS
from webui.security import actor_of, session_token
from webui.told import told

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from hub.app.services import Services

ROWS = (100, 300, 600)
"""So many calls are shown at first, and on each further request."""
NOT_FOUND, UNAVAILABLE = 404, 503
STATES = {
    LiveState.RECORDING: (later("Recording"), "disc-3", "bad"),
    LiveState.PAUSED: (later("Paused"), "circle-pause", "warn"),
    LiveState.STOPPED: (later("Stopped"), "circle-x", ""),
    LiveState.WAITING: (later("Kept only if asked"), "hourglass", "accent"),
    LiveState.LEFT_OUT: (later("Not recorded"), "circle-dashed", ""),
}
DISCARDED = (later("Discarded"), "trash-2", "")
STATE_BY = {
    StateBy.KEYS: later("by keys in the call"),
    StateBy.SYSTEM: later("by the telephone system"),
    StateBy.RULE: later("by its rule"),
}
DONE = {
    CallControl.PAUSE: later("Paused"),
    CallControl.RESUME: later("Recording again"),
    CallControl.STOP: later("Stopped. What was recorded before is kept."),
    CallControl.KEEP: later("It will be kept"),
    CallControl.DISCARD: later("Its recording is thrown away"),
}
PAUSES = {"": later("Until I resume"), "60": later("1 minute"), "300": later("5 minutes"), "900": later("15 minutes")}
_LONGEST_TEXT = 400
_MOST_DEVICES = 200


@dataclass(frozen=True, slots=True)
class LiveFilters:
    """What the list is asked for, as its address says it."""

    text: str
    devices: tuple[int, ...]
    states: tuple[LiveState, ...]
    rows: int = ROWS[0]

    @classmethod
    def read(cls, request: Request) -> LiveFilters:
        """The filters of an address; what makes no sense is left out."""
        params = request.query_params
        numbers = [text for text in params.getlist("device")[:_MOST_DEVICES] if text.isdecimal() and len(text) < 19]
        return cls(
            text=params.get("q", "").strip()[:_LONGEST_TEXT],
            devices=tuple(dict.fromkeys(map(int, numbers))),
            states=tuple(state for state in LiveState if state.value in params.getlist("state")),
            rows=next((rows for rows in ROWS if str(rows) == params.get("rows")), ROWS[0]),
        )

    @property
    def is_any(self) -> bool:
        """Whether anything is filtered."""
        return bool(self.text or self.devices or self.states)

    @property
    def further(self) -> LiveFilters | None:
        """The same with more rows, as far as there may be more."""
        rows = next((rows for rows in ROWS if rows > self.rows), None)
        return None if rows is None else replace(self, rows=rows)

    @property
    def query(self) -> LiveQuery:
        """What to ask of the catalog."""
        return LiveQuery(text=self.text, device_ids=frozenset(self.devices), states=frozenset(self.states))

    @property
    def address(self) -> str:
        """The part of the address behind "?"; "" without filters."""
        pairs = [("q", self.text)] if self.text else []
        pairs += [("device", str(device)) for device in self.devices]
        pairs += [("state", state.value) for state in self.states]
        return urlencode(pairs + ([("rows", str(self.rows))] if self.rows != ROWS[0] else []))


@shows("live.list")
def live_page(request: Request) -> Response:
    """The calls with their filters."""
    return web_of(request).renderer.page(request, "live/page.html", **_context(request))


@shows("live.list")
def live_list(request: Request) -> Response:
    """The calls alone, for their live update."""
    return web_of(request).renderer.fragment(request, "live/list.html", **_context(request))


@takes_form("live.control")
def act(request: Request, form: FormData) -> Response:
    """Have the device do something with a call; answers with the list as it is then."""
    try:
        action = CallControl(request.path_params["action"])
    except ValueError:
        raise NotThere(gettext("There is no such page.")) from None
    said = {"toast": gettext(DONE[action]), "shade": "good"}
    try:
        result = services_of(request).live_control.act(
            viewer_of(request), _live_id(request), action, actor_of(request), resume_after_s=_pause_s(form)
        )
        if not result.done:
            said = {"toast": gettext("It was not done"), "text": told(result.text), "shade": "warn"}
    except (NotThere, PluginFailure, SupervisorAway) as failure:
        said = {"toast": gettext("It was not done"), "text": told(f"{failure} {failure.hint}".strip()), "shade": "bad"}
    return web_of(request).renderer.fragment(request, "live/list.html", **_context(request) | {"said": said})


async def audio(request: Request) -> Response:
    """The call as it is heard now, without an end; audited once for each listening."""
    person, services = viewer_of(request), services_of(request)
    require(person, "live.listen")
    live_id, token = _live_id(request), session_token(request)

    def may_go_on() -> bool:
        now = services.sessions.find(token, counts=False)
        return now is not None and services.live_control.may_go_on_listening(now, live_id)

    try:
        place = await to_thread.run_sync(services.live_control.listen, person, live_id, actor_of(request))
        return LiveAudioResponse(await AudioLine.open(place), may_go_on)
    except NotThere as failure:
        return PlainTextResponse(told(str(failure)), NOT_FOUND)
    except (PluginFailure, SupervisorAway) as failure:
        return PlainTextResponse(told(f"{failure} {failure.hint}".strip()), UNAVAILABLE)


def _live_id(request: Request) -> int:
    try:
        return ids.from_text(request.path_params["id"])
    except ValueError:
        raise NotThere(gettext("This call is over, or you may not see it.")) from None


def _pause_s(form: FormData) -> float | None:
    wanted = text_of(form, "resume_after_s")
    return float(wanted) if wanted in PAUSES and wanted else None


def _others_of(call: ListedCall) -> str:
    """Those whom the title of a call only counts."""
    return ", ".join(map(parties.name_of, parties.in_order(call.parties)[parties.SHOWN :]))


def _insisting_rules(services: Services) -> frozenset[str]:
    return frozenset(rule.name for rule in services.rules.load().rules if rule.treatment is Treatment.MANDATORY)


def _insisted(call: ListedCall) -> str:
    text = gettext("The rule “{rule}” insists on the recording of this call: an alarm will say that it is not whole.")
    return text.format(rule=call.rule)


def _context(request: Request) -> dict[str, Any]:
    services, person, filters = services_of(request), viewer_of(request), LiveFilters.read(request)
    calls = services.live.search(person, filters.query, limit=filters.rows).items
    count = len(calls) if len(calls) < filters.rows else services.live.count(person, filters.query)
    devices = services.instances.list(Kind.SOURCE)
    names = {device.id: device.name for device in devices}
    actions = services.live_control.actions_for(person, devices)
    insisting = _insisting_rules(services) if any(call.rule and actions.of(call) for call in calls) else frozenset()
    return {
        "calls": calls,
        "discarded": DISCARDED,
        "others_of": _others_of,
        "insisted": lambda call: _insisted(call) if call.rule in insisting else "",
        "is_limited": not sees_all_live(person),
        "count": count,
        "filters": filters,
        "devices": devices,
        "device_name": lambda device_id: names.get(device_id, gettext("Deleted device")),
        "askers": services.live_control.askers_of(calls),
        "state_by": STATE_BY,
        "actions": actions,
        "states": STATES,
        "pauses": PAUSES,
        "directions": DIRECTIONS,
        "direction_icons": parties.DIRECTION_ICONS,
        "now": utc_now(),
        "now_ms": to_ms(utc_now()),
        "said": None,
        "section": "/live",
    }
