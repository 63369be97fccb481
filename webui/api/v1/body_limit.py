"""How much a request to the API may bring along, answered as a problem."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webui.api.v1.problem import ApiError, answer

LIMIT_BYTES = 1_048_576
_DETAIL = f"A request may bring {LIMIT_BYTES:,} bytes at most.".replace(",", " ")


class BodyLimit:
    """Refuses by the declared length before anything is read, else by counting."""

    def __init__(self, app: ASGIApp, limit_bytes: int = LIMIT_BYTES) -> None:
        self.app = app
        self.limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve what is small enough."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        if not declared.isdecimal() or int(declared[:18]) > self.limit_bytes:
            await answer(Request(scope), ApiError(413, "too-large", _DETAIL))(scope, receive, send)
            return
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.limit_bytes:
                raise HTTPException(413, _DETAIL)
            return message

        await self.app(scope, receive_counted, send)
