"""One id for each request: in the log lines, in audit lines, in the answer and in every error text."""

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub import ids

HEADER = "X-Request-ID"


class RequestIds:
    """Gives each request an id of our own; one sent by a client is not taken over, since it could be forged."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Bind the id for the time of the request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = ids.to_text(ids.new_id())
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self.app(scope, receive, send_with_id)
