"""What happens, as it happens."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from sse_starlette import EventSourceResponse
from starlette.types import Receive, Scope, Send

from webui.api.v1.guarded import GuardedRoute
from webui.api.v1.operation import operation
from webui.api.v1.parts import Asking, Hub, Own

router = APIRouter(route_class=GuardedRoute, prefix="/events", tags=["Events"])

_STREAM = {
    200: {
        "description": "Server-sent events. `event` is the topic, `data` an object with topic, subject and payload; "
        "`resync` says that some were left out and lists should be got anew, `bye` that the token counts no more.",
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "example": 'id: 7\nevent: recording.catalogued\ndata: {"topic": "recording.catalogued", '
                '"subject": "recording:1J4ZQ6F0M3K8T", "payload": {}}\n\n',
            }
        },
    }
}


class _CountedStream(Response):
    """A stream that is taken off the count when it ends, however it ends."""

    def __init__(self, stream: EventSourceResponse, leave: Callable[[], None]) -> None:
        super().__init__()
        self._stream = stream
        self._leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._stream(scope, receive, send)
        finally:
            self._leave()


LastEventId = Annotated[str, Header(max_length=18, pattern="^[0-9]*$", description="The last id before a break.")]


@router.get(
    "",
    response_class=Response,
    **operation("streamEvents", "Follow what happens", "", responses=_STREAM),
)
async def stream_events(
    request: Request,
    caller: Asking,
    hub: Hub,
    own: Own,
    last_event_id: LastEventId = "",
) -> Response:
    """Events of all topics that the token may know of; those about recordings, as far as its person sees them."""
    bearer = request.headers["authorization"].partition(" ")[2].strip()

    def still_valid() -> bool:
        return hub.tokens.find(bearer) is not None

    leave = own.streams.enter(caller.token.id)
    return _CountedStream(own.live.respond(caller.person, last_event_id, still_valid), leave)
