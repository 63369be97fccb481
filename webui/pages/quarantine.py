"""What was set aside: why, since when, and the ways back."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import quote

from starlette.responses import StreamingResponse

from hub.ingest.quarantine import NotInQuarantine, Room
from webui.language import gettext, later
from webui.pages.recordings import device_names
from webui.reach import go_to, services_of, shows, takes_form, text_of, web_of
from webui.security import actor_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

ROOMS = {
    Room.INTAKE: later("At intake"),
    Room.DESK: later("While preparing"),
    Room.VAULT: later("While storing"),
    Room.CATALOG: later("While cataloguing"),
}
_CHUNK_BYTES = 256 * 1024
_DONE = {
    "retried": later("It is on its way in again."),
    "retried-all": later("They are on their way in again."),
}


@shows("quarantine.list")
def quarantine_page(request: Request) -> Response:
    """Every item with its reason and what can be done."""
    names = device_names(request)
    return web_of(request).renderer.page(
        request,
        "quarantine.html",
        items=services_of(request).quarantine.list(),
        rooms=ROOMS,
        device_name=lambda device_id: names.get(device_id, gettext("Unknown device")),
        done=gettext(_DONE.get(request.query_params.get("done", ""), "")),
    )


@shows("quarantine.list")
def badge(request: Request) -> Response:
    """The count beside the page's name."""
    return web_of(request).renderer.badge(request, "quarantine")


@takes_form("quarantine.retry")
def retry(request: Request, form: FormData) -> Response:
    """Send one item, or all, on its way again."""
    quarantine, actor = services_of(request).quarantine, actor_of(request)
    wanted = text_of(form, "id")
    if wanted:
        quarantine.retry(wanted, actor)
        return go_to("/quarantine?done=retried")
    for item in quarantine.list():
        with suppress(NotInQuarantine):  # somebody else was faster
            quarantine.retry(item.id, actor)
    return go_to("/quarantine?done=retried-all")


@shows("quarantine.download")
def download(request: Request) -> Response:
    """The bytes of one file as they came; they may be anything, so no browser opens them by itself."""
    part: int = request.path_params["part"]
    file, reader = services_of(request).quarantine.open_file(request.path_params["id"], part, actor_of(request))
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name or 'recording', safe='')}",
        "Content-Length": str(file.size_bytes),
    }
    return StreamingResponse(_chunks(reader), media_type="application/octet-stream", headers=headers)


def _chunks(reader: BinaryIO) -> Iterator[bytes]:
    with reader:
        while chunk := reader.read(_CHUNK_BYTES):
            yield chunk
