"""What belongs to the person who looks: how the hub looks to them, their sign-ins, tokens and password."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from starlette.responses import Response

from hub import ids
from hub.access.errors import AccessError, InvalidEntry, NotThere, PasswordRefused, SignInRefused
from hub.access.permissions import PERMISSIONS
from hub.clock import utc_now
from webui.language import gettext, later
from webui.reach import go_to, services_of, shows, takes_form, text_of, viewer_of, web_of
from webui.security import actor_of, safe_next, session_token
from webui.viewing import keep_language

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request

UNPROCESSABLE, NO_CONTENT = 422, 204
_LOOK = ("name", "locale", "timezone", "theme")
TOKEN_DAYS = (30, 90, 180, 365)
_DONE = {
    "look": later("Saved"),
    "password": later("Your password is changed. Your other sign-ins have ended."),
    "ended": later("That sign-in has ended."),
    "others": later("All your other sign-ins have ended."),
    "revoked": later("The token is revoked."),
}


@shows()
def account_page(request: Request) -> Response:
    """All of it on one page."""
    return _page(request)


@takes_form()
def save_look(request: Request, form: FormData) -> Response:
    """Name, language, time zone and theme."""
    person = viewer_of(request)
    values = {name: text_of(form, name) for name in _LOOK}
    try:
        services_of(request).accounts.change_own(person, actor_of(request), **values)
    except InvalidEntry as wrong:
        return _page(request, UNPROCESSABLE, look=values, errors={wrong.field: str(wrong)})
    return keep_language(go_to("/account?done=look"), values["locale"])


@takes_form()
def save_theme(request: Request, form: FormData) -> Response:
    """The theme alone, from the menu; the page has changed its colours already."""
    _change_look(request, theme=text_of(form, "theme"))
    return Response(status_code=NO_CONTENT)


@takes_form()
def save_language(request: Request, form: FormData) -> Response:
    """The language alone, from the menu; then the same page again."""
    locale = text_of(form, "locale")
    back = go_to(safe_next(text_of(form, "next")))
    if locale and locale not in web_of(request).languages.available:
        return back
    _change_look(request, locale=locale)
    return keep_language(back, locale)


def _change_look(request: Request, **changed: str) -> None:
    person = viewer_of(request)
    values = {name: getattr(person, name) for name in _LOOK} | changed
    services_of(request).accounts.change_own(person, actor_of(request), **values)


@takes_form()
def change_password(request: Request, form: FormData) -> Response:
    """Another password, for who knows the present one."""
    try:
        services_of(request).accounts.change_password(
            viewer_of(request),
            text_of(form, "current"),
            text_of(form, "new"),
            actor_of(request),
            session_token=session_token(request),
        )
    except (InvalidEntry, PasswordRefused, SignInRefused) as wrong:
        field = "new" if isinstance(wrong, PasswordRefused) else "current"
        return _page(request, UNPROCESSABLE, errors={field: _words(wrong)})
    return go_to("/account?done=password")


@takes_form()
def end_session(request: Request, form: FormData) -> Response:
    """End one other sign-in, or all of them."""
    person, actor, wanted = viewer_of(request), actor_of(request), text_of(form, "id")
    if not wanted:
        services_of(request).sessions.revoke_others(person, session_token(request), actor)
        return go_to("/account?done=others")
    try:
        services_of(request).sessions.revoke(person, ids.from_text(wanted), actor)
    except (NotThere, ValueError):
        return go_to("/account")  # it has ended meanwhile
    return go_to("/account?done=ended")


@takes_form("account.manage")
def add_token(request: Request, form: FormData) -> Response:
    """A new API token, shown this once."""
    days = text_of(form, "days")
    ends_at = utc_now() + timedelta(days=int(days) if days.isdecimal() and int(days) in TOKEN_DAYS else TOKEN_DAYS[0])
    keys = [key for key in form.getlist("permission") if isinstance(key, str)]
    try:
        made = services_of(request).tokens.create(
            viewer_of(request), text_of(form, "token_name"), keys, ends_at, actor_of(request)
        )
    except InvalidEntry as wrong:
        return _page(request, UNPROCESSABLE, errors={f"token_{wrong.field}": _words(wrong)})
    return _page(request, new_token=made)


@takes_form("account.manage")
def revoke_token(request: Request, form: FormData) -> Response:
    """End a token."""
    try:
        services_of(request).tokens.revoke(viewer_of(request), ids.from_text(text_of(form, "id")), actor_of(request))
    except (NotThere, ValueError):
        return go_to("/account")
    return go_to("/account?done=revoked")


def _page(request: Request, status: int = 200, **more: Any) -> Response:
    person, services = viewer_of(request), services_of(request)
    look = {name: getattr(person, name) for name in _LOOK}
    held = [
        (group, [one for one in keys if one.key in person.permissions]) for group, keys in PERMISSIONS.groups().items()
    ]
    context = {
        "look": look,
        "errors": {},
        "new_token": None,
        "now": utc_now(),
        "zones": sorted(available_timezones()),
        "sessions": services.sessions.list(person, session_token(request)),
        "tokens": services.tokens.list(person),
        "token_days": TOKEN_DAYS,
        "permission_groups": [(group, keys) for group, keys in held if keys],
        "done": gettext(_DONE.get(request.query_params.get("done", ""), "")),
    }
    return web_of(request).renderer.page(request, "account.html", status, **(context | more))


def _words(wrong: AccessError) -> str:
    return f"{wrong} {wrong.hint}".strip()
