"""Who looks, in which language and time zone: settled once for each request, before any page is made."""

import time
from contextlib import suppress
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from anyio import to_thread
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from hub.catalog import preferences
from hub.db.database import Database
from hub.errors import HubError
from webui.language import Language, Languages, speak
from webui.security import person_of

_COOKIE = "timezone"
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
        wanted = zone(person.timezone if person else "") or zone(unquote(request.cookies.get(_COOKIE, "")))
        timezone = wanted or zone(await self.hub_zone.name()) or ZoneInfo("UTC")
        accept = request.headers.get("accept-language", "")
        return self.languages.choose(person.locale if person else "", accept, timezone)


def language_of(request: Request) -> Language:
    """The viewer's language."""
    language: Language = request.state.language
    return language
