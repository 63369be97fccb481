"""Who looks, in which language and time zone: settled once for each request, before any page is made."""

import time
from contextlib import suppress
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from hub.catalog import preferences
from hub.db.database import Database
from hub.errors import HubError
from webui.language import Language, Languages, speak
from webui.security import person_of

_ZONE_COOKIE = "timezone"
_LANGUAGE_COOKIE = "language"
_YEAR_S = 31_536_000
_LONGEST_ZONE = 64
_ZONE_AGE_S = 30.0


def zone(name: str) -> ZoneInfo | None:
    """The time zone called `name`, or None."""
    if not name or len(name) > _LONGEST_ZONE:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


class HubZone:
    """The hub's own time zone, read from the preferences now and then; while the database is away, the last one."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._name = "UTC"
        self._read_at_s = float("-inf")

    async def name(self) -> str:
        """Such as Europe/Vienna."""
        now_s = time.monotonic()
        if now_s - self._read_at_s > _ZONE_AGE_S:
            self._read_at_s = now_s
            with suppress(HubError):
                self._name = await to_thread.run_sync(self._read)
        return self._name

    def _read(self) -> str:
        with self._db.read() as session:
            return preferences.load(session).timezone


class Viewing:
    """Puts the viewer's language in `request.state.language` and makes it the current one.

    Language: the person's own, else what was chosen in this browser (a cookie), else what the browser asks for.
    Time zone: the person's own, else the browser's (a cookie that our script sets), else the hub's.
    """

    def __init__(self, app: ASGIApp, languages: Languages, hub_zone: HubZone) -> None:
        self.app = app
        self.languages = languages
        self.hub_zone = hub_zone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Settle it, then serve."""
        if scope["type"] == "http" and not scope["path"].startswith(("/static/", "/api/v1/")):
            language = await self._language(Request(scope))
            scope.setdefault("state", {})["language"] = language
            speak(language)
        await self.app(scope, receive, send)

    async def _language(self, request: Request) -> Language:
        person = person_of(request)
        wanted = zone(person.timezone if person else "") or zone(unquote(request.cookies.get(_ZONE_COOKIE, "")))
        timezone = wanted or zone(await self.hub_zone.name()) or ZoneInfo("UTC")
        accept = request.headers.get("accept-language", "")
        chosen = person.locale if person and person.locale else request.cookies.get(_LANGUAGE_COOKIE, "")
        return self.languages.choose(chosen, accept, timezone)


def keep_language(response: Response, locale: str) -> Response:
    """Let this browser remember the choice for the pages before sign-in; "" forgets it."""
    if locale:
        response.set_cookie(_LANGUAGE_COOKIE, locale, max_age=_YEAR_S, path="/", samesite="lax")
    else:
        response.delete_cookie(_LANGUAGE_COOKIE, path="/", samesite="lax")
    return response


def language_of(request: Request) -> Language:
    """The viewer's language."""
    language: Language = request.state.language
    return language
