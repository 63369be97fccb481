"""How long each request took, by its route's pattern, for /metrics."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.observe.metrics import REQUEST_SECONDS

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_UNFINISHED = 500
_ENDLESS = b"text/event-stream"


class RequestTimes:
    """Measures every request but those that stay open on purpose."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note the time once the answer is complete."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, endless = _UNFINISHED, False

        async def send_noting(message: Message) -> None:
            nonlocal status, endless
            if message["type"] == "http.response.start":
                status = message["status"]
                endless = any(
                    name == b"content-type" and value.startswith(_ENDLESS) for name, value in message["headers"]
                )
            await send(message)

        began_s = time.perf_counter()
        try:
            await self.app(scope, receive, send_noting)
        finally:
            if not endless:
                method = scope["method"] if scope["method"] in _METHODS else "other"
                REQUEST_SECONDS.labels(pattern_of(scope), method, str(status)).observe(time.perf_counter() - began_s)


def pattern_of(scope: Scope) -> str:
    """The route that answered, without what was asked for in particular; "none" where none did."""
    route = scope.get("route")
    path = getattr(route, "path", "")
    return f"{scope.get('root_path', '')}{path}" if path else "none"
