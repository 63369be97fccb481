"""What is wrong now, and what was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.alerts.errors import AlarmGone
from hub.sdk import Severity
from webui.language import gettext, later
from webui.pages.instances import SECTIONS
from webui.pages.recordings import device_names
from webui.reach import go_to, services_of, shows, takes_form, text_of, web_of
from webui.recording_filters import read_cursor
from webui.security import actor_of

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

SEVERITIES = {
    Severity.CRITICAL: (later("Critical"), "octagon-alert"),
    Severity.MAJOR: (later("Major"), "circle-x"),
    Severity.MINOR: (later("Minor"), "circle-alert"),
    Severity.WARNING: (later("Warning"), "triangle-alert"),
    Severity.INFORMATION: (later("Information"), "info"),
}
PAGE_ROWS = 50


@shows("alarm.list")
def alarms_page(request: Request) -> Response:
    """The open alarms, the worst first; the history page by page."""
    board = services_of(request).board
    tab = "history" if request.query_params.get("tab") == "history" else "open"
    before = read_cursor(request.query_params.get("before", ""))
    history = board.list_history(before, PAGE_ROWS) if tab == "history" else None
    names, paths = device_names(request), _paths(request)
    return web_of(request).renderer.page(
        request,
        "alarms.html",
        tab=tab,
        alarms=history.items if history else board.list_open(),
        older=history.older if history else None,
        severities=SEVERITIES,
        source_name=lambda alarm: names.get(alarm.instance_id, gettext("The hub")),
        source_path=lambda alarm: paths.get(alarm.instance_id, ""),
    )


@shows("alarm.list")
def badge(request: Request) -> Response:
    """The count in the sidebar."""
    return web_of(request).renderer.badge(request, "alarms")


@shows("alarm.list")
def bell(request: Request) -> Response:
    """The bell with its count."""
    place = "top" if request.query_params.get("place") == "top" else "side"
    return web_of(request).renderer.badge(request, "bell", place=place)


@takes_form("alarm.acknowledge")
def acknowledge(request: Request, form: FormData) -> Response:
    """Somebody has seen one alarm, or all of them."""
    wanted = text_of(form, "id")
    board, actor = services_of(request).board, actor_of(request)
    if not wanted:
        board.acknowledge_all(actor)
    elif wanted.isdecimal() and len(wanted) < 19:
        try:
            board.acknowledge(int(wanted), actor)
        except AlarmGone:
            return go_to("/alarms")  # it ended meanwhile: the list shows that
    return go_to("/alarms")


def _paths(request: Request) -> dict[int, str]:
    sections = {section.kind: section.path for section in SECTIONS}
    return {
        instance.id: f"{sections[instance.kind]}/{instance.id}"
        for instance in services_of(request).instances.list()
        if instance.kind in sections
    }
