"""Requests that change something must come from our own pages."""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "QUERY"})
_OURS = frozenset({"same-origin", "none"})
REFUSAL = (
    "This request did not come from a page of this hub, so nothing was changed. Open the page again and repeat it; "
    "behind a proxy, set RECORDING_HUB_PUBLIC_URL to the address that people use."
)


class SameOrigin:
    """Refuses unsafe requests from other sites with 403.

    public_origin: scheme://host[:port] that people use. api_prefix: takes bearer tokens only, so a browser has
    nothing there that another site could ride on.
    Source: OWASP Cross-Site Request Forgery Prevention Cheat Sheet, Fetch Metadata headers with a fall-back to Origin.
    """

    def __init__(self, app: ASGIApp, public_origin: str, api_prefix: str) -> None:
        self.app = app
        self.public_origin = public_origin
        self.api_prefix = api_prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let pass what is safe or ours."""
        if scope["type"] == "http" and not self._passes(Request(scope)):
            await PlainTextResponse(REFUSAL, status_code=403)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _passes(self, request: Request) -> bool:
        if request.method in SAFE_METHODS or request.url.path.startswith(self.api_prefix):
            return True
        fetch_site = request.headers.get("sec-fetch-site")
        if fetch_site is not None:
            return fetch_site in _OURS
        # plain http on a name other than localhost: browsers leave the fetch metadata out
        origin = request.headers.get("origin", "")
        return origin == self.public_origin or (bool(origin) and origin == _own_origin(request))


def _own_origin(request: Request) -> str:
    """The origin that the request was sent to, as a browser would write it."""
    return f"{request.url.scheme}://{request.headers.get('host', '').lower()}"


def origin_of(url: str) -> str:
    """Scheme, host and a port that is not the scheme's own, as browsers write an origin."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    standard_port = {"http": 80, "https": 443}.get(parts.scheme)
    port = "" if parts.port in (None, standard_port) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"
