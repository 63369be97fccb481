"""Pages for what went wrong: what happened, who can help, and the id under which the log has more."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response

from hub.access.errors import Forbidden
from webui.language import gettext
from webui.reach import web_of
from webui.security import person_of
from webui.told import told

if TYPE_CHECKING:
    from starlette.requests import Request

NOT_FOUND, FORBIDDEN, UNAVAILABLE, BROKEN = 404, 403, 503, 500
_RETRY_AFTER_S = "5"


def forbidden(request: Request, failure: Exception) -> Response:
    """403: which permission it is, and who can give it."""
    text = told(str(failure))
    hint = gettext("An administrator can give you this permission.")
    permission = failure.permission if isinstance(failure, Forbidden) else ""
    return _page(request, FORBIDDEN, _Words("lock", gettext("You may not open this"), text, hint, permission))


def missing(request: Request, failure: Exception) -> Response:
    """404."""
    own = not isinstance(failure, HTTPException)
    text = told(str(failure)) if own else gettext("There is no such page.")
    return _page(request, NOT_FOUND, _Words("search", gettext("Nothing here"), text))


def refused(request: Request, failure: Exception) -> Response:
    """What Starlette itself refuses, such as a wrong method or a body that is too large."""
    if not isinstance(failure, HTTPException) or failure.status_code == NOT_FOUND:
        return missing(request, failure)
    phrase = HTTPStatus(failure.status_code).phrase
    words = _Words("circle-alert", gettext("That cannot be done"), failure.detail or phrase)
    response = _page(request, failure.status_code, words)
    response.headers.update(failure.headers or {})
    return response


def away(request: Request, failure: Exception) -> Response:
    """503: the database is away for a moment."""
    text = gettext("The database of the hub does not answer. Recordings go on being taken in and wait safely on disk.")
    hint = gettext("Try again in a moment.")
    response = _page(request, UNAVAILABLE, _Words("database", gettext("Back soon"), text, hint), bare=True)
    response.headers["Retry-After"] = _RETRY_AFTER_S
    del failure
    return response


def spool_away(request: Request, failure: Exception) -> Response:
    """503: the folder of the spool is away."""
    text = gettext("The folder of the spool cannot be read. Recordings wait with their devices until it is back.")
    hint = gettext("See whether its disk is mounted; the alarms say more.")
    response = _page(request, UNAVAILABLE, _Words("database", gettext("Back soon"), text, hint))
    response.headers["Retry-After"] = _RETRY_AFTER_S
    del failure
    return response


def broken(request: Request, failure: Exception) -> Response:
    """500: the request id is all that is told."""
    del failure
    text = gettext("Something went wrong in the hub. The log has the details.")
    return _page(request, BROKEN, _Words("octagon-alert", gettext("That should not have happened"), text), bare=True)


@dataclass(frozen=True, slots=True)
class _Words:
    """What a page of this kind says; code: for programs and administrators."""

    symbol: str
    title: str
    text: str
    hint: str = ""
    code: str = ""


def _page(request: Request, status: int, words: _Words, *, bare: bool = False) -> Response:
    """A whole page in the hub's frame where somebody is signed in; JSON or text where no page was asked for.

    bare: outside the frame, which would ask the database.
    """
    request_id = getattr(request.state, "request_id", "")
    accepts = request.headers.get("accept", "")
    if "application/json" in accepts:
        return JSONResponse({"state": "failed", "message": words.text, "request_id": request_id}, status)
    if "text/html" not in accepts and "*/*" not in accepts and accepts:
        return PlainTextResponse(f"{words.text} ({request_id})", status)
    context = {**asdict(words), "status": status, "request_id": request_id}
    renderer = web_of(request).renderer
    if bare or person_of(request) is None:
        return renderer.fragment(request, "gate/failure.html", status, **context)
    return renderer.page(request, "failure.html", status, **context)
