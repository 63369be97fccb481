"""What nobody expected: logged whole, told to the client by its request id alone."""

from collections.abc import Callable

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.db.errors import DatabaseAway

_RETRY_AFTER_S = "5"
FailurePage = Callable[[Request, Exception], Response]
log = structlog.get_logger(__name__)


def plain_failure(request: Request, failure: Exception) -> Response:
    """A text with the id under which the log has the rest."""
    request_id = request.scope.get("state", {}).get("request_id", "")
    if isinstance(failure, DatabaseAway):
        text = f"The hub's database does not answer. Try again in a moment. ({request_id})"
        return PlainTextResponse(text, 503, {"Retry-After": _RETRY_AFTER_S})
    return PlainTextResponse(f"Something went wrong in the hub. Its log has the details under {request_id}.", 500)


class Failures:
    """Answers 500 from inside the guards, so that this answer carries their headers too."""

    def __init__(self, app: ASGIApp, failure_page: FailurePage = plain_failure) -> None:
        self.app = app
        self.failure_page = failure_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, and answer for what goes wrong."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_and_remember(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, send_and_remember)
        except Exception as failure:
            if isinstance(failure, DatabaseAway):
                log.warning("request.postponed", path=scope["path"], method=scope["method"], reason=str(failure))
            else:
                log.exception("request.failed", path=scope["path"], method=scope["method"])
            if started:
                raise  # half an answer is out: the server has to cut the connection
            await self._page(Request(scope), failure)(scope, receive, send)

    def _page(self, request: Request, failure: Exception) -> Response:
        """The page, or a plain text where even that fails, since it was made before its time."""
        try:
            return self.failure_page(request, failure)
        except Exception:
            log.exception("failure_page.failed", path=request.url.path)
            return plain_failure(request, failure)
