"""One's own account: who am I, API tokens, signed-in browsers."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import Field

from hub.access.errors import InvalidEntry
from webui.api.v1.failures import body_field, invalid
from webui.api.v1.guarded import GuardedRoute
from webui.api.v1.operation import operation
from webui.api.v1.parts import Asking, Hub
from webui.api.v1.schemas.shape import In, Out
from webui.api.v1.values import Id, Moment, OneLine

router = APIRouter(route_class=GuardedRoute, tags=["Account"])


class TokenOut(Out):
    """What is known of a token; the token itself is not."""

    id: Id
    name: str
    ending: str = Field(description="Its last letters, to tell tokens apart.")
    permissions: list[str]
    created_at: Moment
    expires_at: Moment
    last_used_at: Moment | None
    revoked_at: Moment | None


class MeOut(Out):
    """Who asks, and with what."""

    id: Id
    login: str
    name: str
    is_administrator: bool
    permissions: list[str] = Field(description="What this token may do, implied permissions included.")
    locale: str
    timezone: str
    theme: str
    token: TokenOut


class TokenIn(In):
    """A new token."""

    name: Annotated[OneLine, Field(min_length=1, max_length=100)] = Field(examples=["Nightly export"])
    permissions: list[Annotated[OneLine, Field(max_length=64)]] = Field(
        min_length=1, max_length=200, examples=[["recording.list", "recording.download"]]
    )
    expires_at: Moment = Field(description="Within a year, and not after the end of the asking token.")


class NewTokenOut(TokenOut):
    """A token just made."""

    plain: str = Field(description="The token; it is shown this once.", examples=["rh_..."])


class TokenList(Out):
    """Tokens, the newest first."""

    items: list[TokenOut]


class SessionOut(Out):
    """A signed-in browser."""

    id: Id
    created_at: Moment
    last_seen_at: Moment
    expires_at: Moment
    address: str
    agent: str = Field(description="What the browser calls itself.")


class SessionList(Out):
    """Signed-in browsers, the newest first."""

    items: list[SessionOut]


@router.get("/me", **operation("getMe", "Who am I", ""))
def get_me(caller: Asking) -> MeOut:
    """The person behind the token, and what the token may do."""
    person = caller.person
    return MeOut(
        id=person.id,
        login=person.login,
        name=person.name,
        is_administrator=person.is_administrator,
        permissions=sorted(person.permissions),
        locale=person.locale,
        timezone=person.timezone,
        theme=person.theme,
        token=TokenOut.model_validate(caller.token),
    )


@router.get("/tokens", **operation("listTokens", "List own API tokens", "account.manage"))
def list_tokens(caller: Asking, hub: Hub) -> TokenList:
    """One's own tokens, those that ended included."""
    return TokenList(items=[TokenOut.model_validate(token) for token in hub.tokens.list(caller.person)])


@router.post("/tokens", status_code=201, **operation("addToken", "Make an API token", "account.manage", errors=[409]))
def add_token(body: TokenIn, response: Response, caller: Asking, hub: Hub) -> NewTokenOut:
    """A token with no more permissions and no later end than the asking one."""
    if body.expires_at > caller.token.expires_at:
        raise invalid([body_field("expires_at", "A token cannot make one that outlives it.", "too_late")])
    try:
        made = hub.tokens.create(caller.person, body.name, body.permissions, body.expires_at, caller.actor)
    except InvalidEntry as refused:
        raise invalid([body_field(refused.field, str(refused))]) from None
    response.headers["Cache-Control"] = "no-store"
    return NewTokenOut(**TokenOut.model_validate(made.token).model_dump(), plain=made.plain)


@router.delete(
    "/tokens/{id}", status_code=204, **operation("revokeToken", "Revoke an API token", "account.manage", errors=[404])
)
def revoke_token(id: Annotated[Id, Path(description="The token.")], caller: Asking, hub: Hub) -> None:
    """End one of one's own tokens."""
    hub.tokens.revoke(caller.person, id, caller.actor)


@router.get("/sessions", **operation("listSessions", "List own sessions", "account.manage"))
def list_sessions(caller: Asking, hub: Hub) -> SessionList:
    """The browsers in which one is signed in."""
    return SessionList(items=[SessionOut.model_validate(found) for found in hub.sessions.list(caller.person)])


@router.delete(
    "/sessions/{id}", status_code=204, **operation("endSession", "End a session", "account.manage", errors=[404])
)
def end_session(id: Annotated[Id, Path(description="The session.")], caller: Asking, hub: Hub) -> None:
    """Sign a browser out."""
    hub.sessions.revoke(caller.person, id, caller.actor)
