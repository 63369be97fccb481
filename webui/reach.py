"""What a page reaches through its request: the hub's services, the renderer, the person; and who may open it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, cast

from anyio import to_thread
from starlette.responses import RedirectResponse, Response

from hub.access.permissions import require
from hub.catalog import preferences
from webui.security import person_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.datastructures import FormData
    from starlette.requests import Request

    from hub.access.person import Person
    from hub.app.services import Services
    from hub.config import HubConfig, HubPreferences
    from webui.assets import Assets
    from webui.language import Languages
    from webui.live import Live
    from webui.rendering import Renderer

    Handler = Callable[[Request], Response]
    FormHandler = Callable[[Request, FormData], Response]

SEE_OTHER = 303


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """The parts of the web process that pages use."""

    services: Services
    config: HubConfig
    renderer: Renderer
    assets: Assets
    languages: Languages
    live: Live


def web_of(request: Request) -> Web:
    """The parts."""
    return cast("Web", request.app.state.web)


def services_of(request: Request) -> Services:
    """The hub."""
    return web_of(request).services


def load_preferences(request: Request) -> HubPreferences:
    """What the administrators prefer."""
    with services_of(request).db.read() as session:
        return preferences.load(session)


def viewer_of(request: Request) -> Person:
    """The person; the gate lets nobody else come so far."""
    person = person_of(request)
    if person is None:
        raise LookupError("this page is behind the gate")
    return person


def shows(permission: str = "") -> Callable[[Handler], Handler]:
    """A page for those who hold `permission` ("" for everyone signed in); it runs in a thread.

    Raises, when served: Forbidden.
    """

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def serve(request: Request) -> Response:
            if permission:
                require(viewer_of(request), permission)
            return handler(request)

        return serve

    return decorate


def takes_form(permission: str = "") -> Callable[[FormHandler], Callable[[Request], Awaitable[Response]]]:
    """What a submitted form does, for those who hold `permission`; it runs in a thread.

    Raises, when served: Forbidden.
    """

    def decorate(handler: FormHandler) -> Callable[[Request], Awaitable[Response]]:
        @wraps(handler)
        async def serve(request: Request) -> Response:
            if permission:
                require(viewer_of(request), permission)
            async with request.form() as form:
                return await to_thread.run_sync(handler, request, form)

        return serve

    return decorate


def text_of(form: FormData, name: str) -> str:
    """A field's last value, or ""; an uploaded file is none."""
    values = form.getlist(name)
    return values[-1] if values and isinstance(values[-1], str) else ""


def texts_of(form: FormData) -> dict[str, list[str]]:
    """All fields with all their values."""
    found: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            found.setdefault(name, []).append(value)
    return found


def go_to(path: str) -> Response:
    """On to another page after something was done."""
    return RedirectResponse(path, SEE_OTHER)
