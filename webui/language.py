"""Texts, dates and numbers as the viewer reads them: gettext catalogues and CLDR data, both through Babel."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.dates import format_date, format_datetime, format_skeleton, format_time, format_timedelta, get_timezone_name
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.support import Translations

from hub.clock import utc_now

FOLDER = Path(__file__).parent / "locale"
DEFAULT = "en"
_KILO = 1000
_BYTE_UNITS = ("kB", "MB", "GB", "TB", "PB")
_RIGHT_TO_LEFT = "right-to-left"
_ROUNDED_AWAY_S = 0.5  # halves are rounded to the even second


@dataclass(frozen=True, slots=True)
class Language:
    """One viewer's way of reading: a locale with its texts, and a time zone."""

    locale: Locale
    texts: NullTranslations
    timezone: ZoneInfo

    @property
    def name(self) -> str:
        """Its locale identifier, such as zh_Hans."""
        return str(self.locale)

    @property
    def tag(self) -> str:
        """As HTML's lang attribute wants it, such as zh-Hans-CN."""
        return self.name.replace("_", "-")

    @property
    def direction(self) -> str:
        """As HTML's dir attribute wants it."""
        return "rtl" if self.locale.character_order == _RIGHT_TO_LEFT else "ltr"

    def local(self, moment: datetime) -> datetime:
        """The moment in the viewer's zone."""
        return moment.astimezone(self.timezone)

    def moment(self, moment: datetime) -> str:
        """Date and time as lists show them: short, the year only if it is another one."""
        local = self.local(moment)
        if local.year == self.local(utc_now()).year:
            day = _short_day(self.locale, local.date())
        else:
            day = _day(self.locale, local.date(), "medium")
        return self._join(day, _minute(self.locale, local.hour, local.minute))

    def exact(self, moment: datetime) -> str:
        """Date and time to the second with the zone, for details and titles."""
        local = self.local(moment)
        return self._join(
            _day(self.locale, local.date(), "full"), _second(self.locale, self.timezone, local.replace(microsecond=0))
        )

    def stamp(self, moment: datetime) -> str:
        """Date and time to the second, for trails."""
        return format_datetime(self.local(moment), "medium", locale=self.locale)

    def day(self, day: date) -> str:
        """Day and month."""
        return _short_day(self.locale, day)

    def clock(self, moment: datetime) -> str:
        """Time of day."""
        local = self.local(moment)
        return _minute(self.locale, local.hour, local.minute)

    def _join(self, day: str, clock: str) -> str:
        pattern = self.locale.datetime_formats["medium"]
        return str(pattern).replace("'", "").replace("{1}", day).replace("{0}", clock)

    def ago(self, moment: datetime) -> str:
        """How long it has been, such as "3 hours"."""
        passed = max(utc_now() - moment, timedelta(seconds=1))
        return str(format_timedelta(passed, threshold=1.2, locale=self.locale))

    def since(self, moment: datetime) -> str:
        """When it began: the time for today, the date for earlier days."""
        is_today = self.local(moment).date() == self.local(utc_now()).date()
        return self.clock(moment) if is_today else self.moment(moment)

    def number(self, number: float) -> str:
        """With the locale's separators."""
        return format_decimal(number, locale=self.locale)

    def percent(self, share: float) -> str:
        """A share of 1 as percent."""
        return format_percent(share, locale=self.locale)

    def size(self, size_bytes: float) -> str:
        """Bytes for people, in steps of 1000."""
        if size_bytes < _KILO:
            return f"{self.number(size_bytes)} B"
        for unit in _BYTE_UNITS:
            size_bytes /= _KILO
            if size_bytes < _KILO or unit == _BYTE_UNITS[-1]:
                break
        return f"{format_decimal(size_bytes, '#,##0.#' if size_bytes < 100 else '#,##0', locale=self.locale)} {unit}"

    def zone_name(self) -> str:
        """The viewer's time zone in words."""
        return str(get_timezone_name(self.timezone, locale=self.locale))


@lru_cache(maxsize=1000)
def _short_day(locale: Locale, day: date) -> str:
    return str(format_skeleton("MMMd", day, locale=locale))


@lru_cache(maxsize=1000)
def _day(locale: Locale, day: date, form: str) -> str:
    return str(format_date(day, form, locale))


@lru_cache(maxsize=3000)
def _minute(locale: Locale, hour: int, minute: int) -> str:
    return str(format_time(time(hour, minute), "short", locale=locale))


@lru_cache(maxsize=3000)
def _second(locale: Locale, _zone: ZoneInfo, local: datetime) -> str:  # equal moments of two zones read differently
    return str(format_time(local, "long", locale=locale))


def length(seconds: float) -> str:
    """m:ss, or h:mm:ss from an hour on; the same in every language.

    What would be rounded to nothing, and is something, is "< 1 s".
    """
    if 0 < seconds <= _ROUNDED_AWAY_S:
        return "< 1 s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Languages:
    """The languages that are installed: every folder with a catalogue, and English without one.

    extra: locale identifier -> its texts, such as a pseudo-locale for tests.
    """

    def __init__(self, folder: Path = FOLDER, extra: dict[str, NullTranslations] | None = None) -> None:
        self._texts: dict[str, NullTranslations] = {DEFAULT: NullTranslations()}
        for path in sorted(folder.glob("*/LC_MESSAGES/messages.po")):
            self._texts[path.parent.parent.name] = _read(path)
        self._texts |= extra or {}

    @property
    def available(self) -> tuple[str, ...]:
        """Locale identifiers, such as zh_Hans."""
        return tuple(self._texts)

    @property
    def named(self) -> tuple[tuple[str, str], ...]:
        """Each language as (locale identifier, its own name for itself)."""
        return tuple((name, _own_name(name)) for name in self.available)

    def choose(self, preferred: str, accept: str, timezone: ZoneInfo) -> Language:
        """The viewer's own choice if it is installed, else the best of the browser's languages, else English.

        accept: the Accept-Language header.
        """
        name = preferred if preferred in self._texts else self._negotiate(accept)
        return Language(_locale(name), self._texts[name], timezone)

    def _negotiate(self, accept: str) -> str:
        tags = (part.split(";")[0].strip() for part in accept.split(","))
        found = (name for tag in tags for name in _names_of(tag) if name in self._texts)
        return next(found, DEFAULT)


@lru_cache(maxsize=50)
def _read(path: Path) -> NullTranslations:
    """The texts of a catalogue, compiled as it is read."""
    compiled = BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=path.parent.parent.name))
    compiled.seek(0)
    return Translations(compiled)


@lru_cache(maxsize=200)
def _names_of(tag: str) -> tuple[str, ...]:
    """The locales that serve a browser's language, the closest first: "zh-CN" is zh_Hans_CN, then zh_Hans, then zh.

    Source: UTS #35, likely subtags.
    """
    name = tag.replace("-", "_")
    try:
        locale = Locale.parse(get_global("likely_subtags").get(name, name))
    except (UnknownLocaleError, ValueError):
        return ()
    parts = ((locale.script, locale.territory), (None, locale.territory), (locale.script, None), (None, None))
    names = ("_".join(filter(None, (locale.language, *some))) for some in parts)
    return tuple(dict.fromkeys(names))


@lru_cache(maxsize=200)
def _locale(name: str) -> Locale:
    try:
        return Locale.parse(name)
    except (UnknownLocaleError, ValueError):
        return Locale.parse(name.partition("_")[0])


def _own_name(name: str) -> str:
    try:
        return (Locale.parse(name).display_name or name).capitalize()
    except (UnknownLocaleError, ValueError):
        return name


_current: ContextVar[Language] = ContextVar("language")


def current() -> Language:
    """The language of the request that is being served."""
    return _current.get(_ENGLISH)


def speak(language: Language) -> None:
    """Serve the rest of this request in `language`."""
    _current.set(language)


_ENGLISH = Language(Locale.parse(DEFAULT), NullTranslations(), ZoneInfo("UTC"))


def gettext(text: str) -> str:
    """`text` in the viewer's language."""
    return current().texts.gettext(text) if text else ""


def ngettext(one: str, many: str, count: float) -> str:
    """The form that the viewer's language uses for `count`."""
    return current().texts.ngettext(one, many, int(count))


def later(text: str) -> str:
    """Mark a text for the catalogue that is translated where it is shown."""
    return text


Translate = Callable[[str], str]
