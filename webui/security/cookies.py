"""The session cookie: one name over https that a browser guards, a plain one where there is no https."""

from starlette.requests import Request
from starlette.responses import Response

SECURE_NAME = "__Host-sid"
PLAIN_NAME = "sid"


def _is_secure(request: Request) -> bool:
    return bool(request.scope.get("state", {}).get("https")) or request.url.scheme == "https"


def cookie_name(request: Request) -> str:
    """The only cookie that is looked at; over https the plain one counts for nothing."""
    return SECURE_NAME if _is_secure(request) else PLAIN_NAME


def session_token(request: Request) -> str:
    """The token that the browser sent, or ""."""
    return request.cookies.get(cookie_name(request), "")


def set_session_cookie(response: Response, request: Request, token: str) -> None:
    """Give the browser its token until it is closed; the hub decides when the session ends."""
    response.set_cookie(
        cookie_name(request), token, path="/", httponly=True, secure=_is_secure(request), samesite="lax"
    )


def clear_session_cookie(response: Response, request: Request) -> None:
    """Take the token away from the browser."""
    response.delete_cookie(cookie_name(request), path="/", httponly=True, secure=_is_secure(request), samesite="lax")
