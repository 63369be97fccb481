"""The order in which a request passes the guards."""

from dataclasses import dataclass

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from webui.security.body_limit import PageBodyLimit
from webui.security.failures import FailurePage, Failures, plain_failure
from webui.security.gate import FindPerson, Gate
from webui.security.headers import SecurityHeaders
from webui.security.origin import SameOrigin, origin_of
from webui.security.request_ids import RequestIds

BODY_LIMIT_BYTES = 1_048_576
API_PREFIX = "/api/v1/"
BACKGROUND_PATHS = frozenset({"/events", "/live/list"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SecuritySettings:
    """What the guards need to know of the configuration.

    public_url: the address that people use. trusted_proxies: addresses or networks whose X-Forwarded headers count.
    """

    public_url: str
    trusted_proxies: tuple[str, ...] = ()

    @property
    def https(self) -> bool:
        """Whether people reach the hub over https."""
        return self.public_url.lower().startswith("https:")


class MarkHttps:
    """Tells what follows that people reach the hub over https, even if the last hop is plain http."""

    def __init__(self, app: ASGIApp, https: bool) -> None:
        self.app = app
        self.https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Put it into the request's state."""
        if scope["type"] == "http":
            scope.setdefault("state", {})["https"] = self.https or scope["scheme"] == "https"
        await self.app(scope, receive, send)


def middleware(
    settings: SecuritySettings, find_person: FindPerson, failure_page: FailurePage = plain_failure
) -> list[Middleware]:
    """The guards, outermost first, for `Starlette(middleware=...)`."""
    return [
        Middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.trusted_proxies)),
        Middleware(MarkHttps, https=settings.https),
        Middleware(RequestIds),
        Middleware(SecurityHeaders, https=settings.https),
        Middleware(Failures, failure_page=failure_page),
        Middleware(PageBodyLimit, max_body_size=BODY_LIMIT_BYTES, api_prefix=API_PREFIX),
        Middleware(SameOrigin, public_origin=origin_of(settings.public_url), api_prefix=API_PREFIX),
        Middleware(Gate, find_person=find_person, background_paths=BACKGROUND_PATHS),
    ]
