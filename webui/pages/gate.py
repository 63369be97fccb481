"""Coming in and going out: set-up, sign-in, sign-out."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from hub.access.errors import InvalidEntry, PasswordRefused, SetupRefused, SignInRefused
from hub.access.permissions import PERMISSIONS
from webui.navigation import ENTRANCE, home_of, landing_of
from webui.reach import go_to, services_of, shows, takes_form, text_of, viewer_of, web_of
from webui.security import (
    actor_of,
    clear_session_cookie,
    person_of,
    safe_next,
    session_token,
    set_session_cookie,
)
from webui.told import told

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

UNPROCESSABLE, GONE, UNAUTHORISED, TOO_MANY = 422, 410, 401, 429


@shows()
def entrance(request: Request) -> Response:
    """On to the first page that one may open; who may open none is told what they may do, and whom to ask."""
    person = viewer_of(request)
    if (home := home_of(person)) != ENTRANCE:
        return go_to(home)
    labels = [permission.label for permission in PERMISSIONS if permission.key in person.permissions]
    return web_of(request).renderer.page(request, "no_page.html", labels=labels)


def sign_in_page(request: Request) -> Response:
    """The form; who is signed in goes on."""
    wanted = safe_next(request.query_params.get("next"))
    if (person := person_of(request)) is not None:
        return go_to(landing_of(person, wanted))
    return _sign_in(request, wanted)


@takes_form()
def sign_in(request: Request, form: FormData) -> Response:
    """Take login and password."""
    wanted, login = safe_next(text_of(form, "next")), text_of(form, "login")
    try:
        signed_in = services_of(request).accounts.sign_in(
            login,
            text_of(form, "password"),
            actor_of(request),
            agent=request.headers.get("user-agent", ""),
            replacing=session_token(request),
        )
    except SignInRefused as refused:
        status = TOO_MANY if refused.retry_after_s else UNAUTHORISED
        words = told(f"{refused} {refused.hint}".strip())
        response = _sign_in(request, wanted, login=login, message=words, status=status)
        if refused.retry_after_s:
            response.headers["Retry-After"] = str(refused.retry_after_s)
        return response
    response = go_to(landing_of(signed_in.person, wanted))
    set_session_cookie(response, request, signed_in.session_token)
    return response


def _sign_in(request: Request, wanted: str, *, login: str = "", message: str = "", status: int = 200) -> Response:
    return web_of(request).renderer.fragment(
        request,
        "gate/sign_in.html",
        status,
        next=wanted,
        here=f"/sign-in?{urlencode({'next': wanted})}",
        login=login,
        message=message,
        setup_needed=services_of(request).accounts.setup_token_needed(),
    )


@takes_form()
def sign_out(request: Request, form: FormData) -> Response:
    """End this session."""
    del form
    services_of(request).sessions.end(session_token(request), actor_of(request))
    response = go_to("/sign-in")
    clear_session_cookie(response, request)
    return response


def setup_page(request: Request) -> Response:
    """The form of a set-up link that holds."""
    token = request.query_params.get("token", "")
    try:
        services_of(request).accounts.check_setup_token(token)
    except SetupRefused as refused:
        return _setup(request, GONE, refused=told(str(refused)), hint=told(refused.hint))
    return _setup(request, token=token)


@takes_form()
def setup(request: Request, form: FormData) -> Response:
    """Make the first administrator and sign them in."""
    token, login, name = text_of(form, "token"), text_of(form, "login"), text_of(form, "name")
    password = text_of(form, "password")
    accounts = services_of(request).accounts
    try:
        accounts.create_first_administrator(token, login, name, password, actor_of(request))
    except SetupRefused as refused:
        return _setup(request, GONE, refused=told(str(refused)), hint=told(refused.hint))
    except (InvalidEntry, PasswordRefused) as wrong:
        field = "password" if isinstance(wrong, PasswordRefused) else wrong.field
        errors = {field: told(f"{wrong} {wrong.hint}".strip())}
        return _setup(request, UNPROCESSABLE, token=token, login=login, name=name, errors=errors)
    try:
        signed_in = accounts.sign_in(login, password, actor_of(request), agent=request.headers.get("user-agent", ""))
    except SignInRefused:
        return go_to("/sign-in?" + urlencode({"next": "/recordings"}))
    response = go_to("/recordings")
    set_session_cookie(response, request, signed_in.session_token)
    return response


def _setup(request: Request, status: int = 200, **words: object) -> Response:
    context: dict[str, object] = {"token": "", "login": "", "name": "", "errors": {}, "refused": "", "hint": ""} | words
    context["here"] = "/setup?" + urlencode({"token": context["token"]})
    return web_of(request).renderer.fragment(request, "gate/setup.html", status, **context)
