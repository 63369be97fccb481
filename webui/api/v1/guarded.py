"""What every operation has in common: a permission, and POST requests that are safe to repeat."""

import hashlib
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, cast

import structlog
from anyio import CancelScope, to_thread
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from hub.access.permissions import require
from hub.access.person import Person
from hub.access.repeats import Claim, Repeats, Turn
from hub.access.tokens import ApiToken
from hub.audit.actor import Actor
from hub.db.errors import DatabaseAway
from webui.api.v1.failures import invalid
from webui.api.v1.problem import ApiError, FieldError
from webui.api.v1.strict_json import StrictRequest
from webui.security.actors import actor_of, person_of

KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"
_LONGEST_KEY = 255
_KEPT_HEADERS = ("location", "etag", "content-type")

log = structlog.get_logger(__name__)
Handle = Callable[[Request], Coroutine[Any, Any, Response]]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the person with the token's permissions, the token, and the actor for audit lines."""

    person: Person
    token: ApiToken
    actor: Actor


def caller_of(request: Request) -> Caller:
    """The caller that the gate let in; to be used as a dependency."""
    person = person_of(request)
    if person is None:
        raise RuntimeError("an operation was reached without passing the gate")
    return Caller(person, cast("ApiToken", request.state.api_token), actor_of(request, "api"))


class GuardedRoute(APIRoute):
    """Checks the permission before anything of the request is read, then takes care of repeats."""

    def get_route_handler(self) -> Handle:
        """FastAPI's handler behind our checks."""
        handle = super().get_route_handler()
        if "x-permission" not in (self.openapi_extra or {}):
            raise ValueError(f"{self.path} says nothing about its permission")
        permission = (self.openapi_extra or {})["x-permission"]
        known = self._query_names()

        async def guarded(request: Request) -> Response:
            request = StrictRequest(request.scope, request.receive)
            caller = caller_of(request)
            if permission:
                require(caller.person, permission)
            if known is not None:
                _refuse_unknown(request, known)
            if request.method == "POST" and KEY_HEADER in request.headers:
                return await _once(request, caller, handle)
            return await handle(request)

        return guarded

    def _query_names(self) -> frozenset[str] | None:
        """The query parameters that there are; None where a model of all of them refuses the others itself."""
        fields = self.dependant.query_params
        kinds = [field.field_info.annotation for field in fields]
        if any(isinstance(kind, type) and issubclass(kind, BaseModel) for kind in kinds):
            return None
        return frozenset(field.alias for field in fields)


def _refuse_unknown(request: Request, known: frozenset[str]) -> None:
    """Raises: ApiError 422 for query parameters that there are not."""
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        msg = "Extra inputs are not permitted"
        raise invalid([FieldError(loc=["query", name], code="extra_forbidden", msg=msg) for name in unknown])


async def _once(request: Request, caller: Caller, handle: Handle) -> Response:
    """Carry out the request, or give the answer that it had the first time."""
    repeats = cast("Repeats", request.app.state.repeats)
    key = _checked_key(request.headers[KEY_HEADER])
    person_id = caller.person.id
    digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\0".encode())
    digest.update(await request.body())
    claim = await to_thread.run_sync(repeats.begin, person_id, key, digest.digest())
    if claim.turn is not Turn.DO:
        return _repeated(claim)
    try:
        response = await handle(request)
    except BaseException:
        await _finally(lambda: repeats.abandon(person_id, key))
        raise
    kept = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    text = json.dumps({"headers": kept, "body": bytes(response.body).decode()})
    try:
        await _finally(lambda: repeats.finish(person_id, key, response.status_code, text))
    except DatabaseAway as away:
        log.warning("answer.lost", reason=str(away))  # it was done: the client must hear so all the same
    return response


async def _finally(work: Callable[[], None]) -> None:
    """Do it even if the client has gone in the meantime."""
    with CancelScope(shield=True):
        await to_thread.run_sync(work)


def _repeated(claim: Claim) -> Response:
    if claim.turn is Turn.REPLAY:
        kept = json.loads(claim.answer)
        headers = {**kept["headers"], REPLAYED_HEADER: "true"}
        return Response(kept["body"], status_code=claim.status, headers=headers)
    if claim.turn is Turn.MISMATCH:
        detail = f"This {KEY_HEADER} was used with another request."
        error = FieldError(loc=["header", KEY_HEADER], code="key_reused", msg=detail)
        raise ApiError(422, "idempotency-key-reused", detail, hint="Make a new key for each request.", errors=[error])
    detail = f"A request with this {KEY_HEADER} is still under way."
    raise ApiError(409, "request-in-progress", detail, headers={"Retry-After": "1"})


def _checked_key(key: str) -> str:
    if not key or len(key) > _LONGEST_KEY or not all("!" <= letter <= "~" for letter in key):
        msg = f"Give 1 to {_LONGEST_KEY} visible ASCII characters without spaces."
        raise invalid([FieldError(loc=["header", KEY_HEADER], code="bad_key", msg=msg)])
    return key
