"""The event stream of an open page."""

from starlette.requests import Request
from starlette.responses import Response

from webui.reach import services_of, viewer_of, web_of
from webui.security import session_token


async def stream(request: Request) -> Response:
    """Events from where the page was made, or from the last one it got before a break, until it is closed."""
    token, sessions = session_token(request), services_of(request).sessions

    def still_signed_in() -> bool:
        return sessions.find(token, counts=False) is not None

    last = request.headers.get("last-event-id") or request.query_params.get("after", "")
    return web_of(request).live.respond(viewer_of(request), last, still_signed_in)
