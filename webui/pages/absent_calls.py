"""Calls without a recording: what is missing, with what to do; and what rules left out."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from hub.rules.absences import AbsenceQuery
from hub.sdk import Absence, Kind
from webui import parties
from webui.language import gettext, later
from webui.pages.recordings import device_names
from webui.reach import services_of, shows, viewer_of, web_of
from webui.recording_filters import DIRECTIONS, RecordingFilters, read_cursor
from webui.viewing import language_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

PAGE_ROWS = 50
_LONGEST_NUMBER = 64
REASONS = {
    Absence.NO_MEDIA: (later("No media came"), "volume-x", "bad"),
    Absence.UNREADABLE: (later("Unreadable"), "lock", "bad"),
    Absence.REFUSED: (later("Refused"), "circle-x", "bad"),
    Absence.LEFT_OUT: (later("Left out by a rule"), "list-filter", ""),
    Absence.NOT_ASKED_FOR: (later("Not asked for"), "circle-pause", ""),
    Absence.PAUSED: (later("Paused"), "circle-pause", ""),
    Absence.DISCARDED: (later("Discarded"), "trash-2", "warn"),
}
ADVICE = {
    Absence.NO_MEDIA: later(
        "The call was signalled, and none of its speech reached the hub. See whether the mirror port or the recording "
        "session carries the media of these phones too."
    ),
    Absence.UNREADABLE: later(
        "Speech came, and the hub has no key or no decoder for it. See whether the calls are encrypted without the hub "
        "seeing their keys, or use a codec it does not know."
    ),
    Absence.REFUSED: later(
        "The telephone system sent the call here, and the hub did not take it for the reason that is named. If the "
        "system has a second recorder, see whether that one has it."
    ),
}
TABS = {
    "missing": (later("Missing"), True),
    "excluded": (later("Left out"), False),
    "all": (later("All"), None),
}


@shows("absence.list")
def absent_calls_page(request: Request) -> Response:
    """One page, the newest first; those that somebody should look into are shown first."""
    query = request.query_params
    tab = query.get("tab", "missing") if query.get("tab") in TABS else "missing"
    dates = RecordingFilters.read(query)
    started_from, started_before = dates.span(language_of(request).timezone)
    number = query.get("number", "").strip()[:_LONGEST_NUMBER]
    reasons = frozenset(why for why in Absence if why.value in query.getlist("why"))
    wanted = AbsenceQuery(
        reasons=reasons,
        device_ids=frozenset(dates.devices),
        missing=TABS[tab][1],
        started_from=started_from,
        started_before=started_before,
        number=number,
    )
    page = services_of(request).absent_calls.list(
        viewer_of(request), wanted, before=read_cursor(query.get("before", "")), limit=PAGE_ROWS
    )
    names = device_names(request)
    pairs = [pair for pair in query.multi_items() if pair[0] != "before" and pair[1]]
    return web_of(request).renderer.page(
        request,
        "absent_calls.html",
        tab=tab,
        tabs=TABS,
        calls=page.items,
        older=page.older,
        here=urlencode(pairs),
        is_narrowed=any(name != "tab" for name, _ in pairs),
        dates=dates,
        number=number,
        chosen=reasons,
        reasons={why: words for why, words in REASONS.items() if _fits(why, TABS[tab][1])},
        words=REASONS,
        advice=ADVICE,
        devices=services_of(request).instances.list(Kind.SOURCE),
        device_name=lambda device_id: names.get(device_id, gettext("Deleted device")),
        directions=DIRECTIONS,
        direction_icons=parties.DIRECTION_ICONS,
    )


def _fits(why: Absence, missing: bool | None) -> bool:
    return missing is None or (why in ADVICE) is missing
