"""The API's own gate: a bearer token or nothing; the browser's cookie does not count here."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from anyio import to_thread
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.access.tokens import Bearer
from hub.db.errors import DatabaseAway, DatabaseBroken
from webui.api.v1.failures import database_away
from webui.api.v1.problem import ApiError, answer
from webui.api.v1.rate import RateLimit
from webui.security.actors import address_of

PUBLIC_PATHS = frozenset({"/openapi.json"})
REALM = 'Bearer realm="recording-hub"'


class FindBearer(Protocol):
    """Looks a token up."""

    def __call__(self, bearer: str, /) -> Bearer | None:
        """Who is behind it, or None."""


@dataclass(frozen=True, slots=True)
class Limits:
    """clients: requests of one token. strangers: requests without a valid token from one address."""

    clients: RateLimit
    strangers: RateLimit


class BearerGate:
    """Puts person and token into the request's state; answers 401 or 429 to everyone else."""

    def __init__(self, app: ASGIApp, find: FindBearer, limits: Limits) -> None:
        self.app = app
        self.find = find
        self.limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Find out who asks, then serve or turn away."""
        if scope["type"] != "http" or scope["path"].removeprefix(scope.get("root_path", "")) in PUBLIC_PATHS:
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        found = await self._admit(request)
        if isinstance(found, ApiError):
            await answer(request, found)(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["person"], state["api_token"] = found.person, found.token
        allowance = self.limits.clients.take(str(found.token.id))
        headers = self.limits.clients.headers(allowance)
        if allowance.wait_s:
            await answer(request, _too_many(headers))(scope, receive, send)
            return
        await self.app(scope, receive, _with_headers(send, headers))

    async def _admit(self, request: Request) -> Bearer | ApiError:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            found = None
            if scheme.lower() == "bearer" and token:
                found = await to_thread.run_sync(self.find, token.strip())
        except (DatabaseAway, DatabaseBroken):
            return database_away()
        if found is not None:
            return found
        allowance = self.limits.strangers.take(address_of(request))
        if allowance.wait_s:
            return _too_many(self.limits.strangers.headers(allowance))
        return _unauthorized(given=bool(token))


def _unauthorized(*, given: bool) -> ApiError:
    if given:
        detail = "This token is unknown, has expired or was revoked."
        challenge = f'{REALM}, error="invalid_token"'
    else:
        detail = "This needs an API token: send it as `Authorization: Bearer rh_...`."
        challenge = REALM
    hint = "Make one on the account page of the hub."
    return ApiError(401, "unauthorized", detail, hint=hint, headers={"WWW-Authenticate": challenge})


def _too_many(headers: dict[str, str]) -> ApiError:
    return ApiError(429, "too-many-requests", "Too many requests; wait as Retry-After says.", headers=headers)


def _with_headers(send: Send, headers: dict[str, str]) -> Callable[[Message], Awaitable[None]]:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
            message["headers"] = [*message.get("headers", ()), *raw]
        await send(message)

    return send_with_headers
