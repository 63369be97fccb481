"""Nothing is public unless it is listed: the gate finds the person of each request or turns it away."""

from collections.abc import Callable
from urllib.parse import quote, urlsplit

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from hub.access.person import Person
from webui.security.cookies import clear_session_cookie, session_token
from webui.security.next_path import safe_next

SIGN_IN = "/sign-in"

# exact paths, and prefixes that end with a slash
PUBLIC_PATHS = frozenset({SIGN_IN, "/setup", "/healthz", "/readyz", "/metrics", "/favicon.ico", "/robots.txt"})
# the API has a gate of its own that takes bearer tokens; /api/docs shows no data of the hub
PUBLIC_PREFIXES = ("/static/", "/api/v1/")

FindPerson = Callable[[str, bool], Person | None]


def is_public(path: str) -> bool:
    """Whether `path` is served to strangers."""
    return path in PUBLIC_PATHS or path.startswith(PUBLIC_PREFIXES)


class Gate:
    """Puts the signed-in person in `request.state.person`; strangers get as far as the public paths.

    find_person: (session token, whether this request counts as activity) -> person or None.
    background_paths: asked for by an open page without anybody touching it; they keep no session alive.
    """

    def __init__(self, app: ASGIApp, find_person: FindPerson, background_paths: frozenset[str]) -> None:
        self.app = app
        self.find_person = find_person
        self.background_paths = background_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Find the person, then serve, or show the way to sign-in."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        state = scope.setdefault("state", {})
        state["person"] = None
        path = request.url.path
        token = "" if path.startswith(PUBLIC_PREFIXES) else session_token(request)
        if token:
            counts = path not in self.background_paths
            state["person"] = await to_thread.run_sync(self.find_person, token, counts)
        if state["person"] is None and not is_public(path):
            await _turn_away(request, had_token=bool(token))(scope, receive, send)
            return
        await self.app(scope, receive, send)


def _turn_away(request: Request, *, had_token: bool) -> Response:
    answer: Response
    if request.headers.get("hx-request") == "true":
        page = urlsplit(request.headers.get("hx-current-url", ""))
        back = safe_next(page.path + (f"?{page.query}" if page.query else ""))
        answer = PlainTextResponse("Please sign in.", 401, {"HX-Redirect": f"{SIGN_IN}?next={quote(back)}"})
    elif request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", ""):
        back = safe_next(request.url.path + (f"?{request.url.query}" if request.url.query else ""))
        answer = RedirectResponse(f"{SIGN_IN}?next={quote(back)}", status_code=303)
    else:
        answer = PlainTextResponse("Please sign in.", 401)
    if had_token:
        clear_session_cookie(answer, request)
    return answer
