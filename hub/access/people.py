"""Rows of the person table as the rest of the hub sees them."""

import re
import unicodedata
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub import ids
from hub.access.errors import InvalidEntry
from hub.access.models import PersonRow
from hub.access.permissions import PERMISSIONS
from hub.access.person import Person

_LONGEST_LOGIN = 64
_LONGEST_NAME = 100
THEMES = ("auto", "light", "dark")


def person_of(row: PersonRow) -> Person:
    """The person of a row, with all that the permissions imply."""
    return Person(
        id=row.id,
        login=row.login,
        name=row.name,
        is_administrator=row.is_administrator,
        permissions=PERMISSIONS.keys if row.is_administrator else PERMISSIONS.expand(row.permissions),
        locale=row.locale,
        timezone=row.timezone,
        theme=row.theme,
    )


def subject(person_id: int) -> str:
    """How audit lines name a person."""
    return f"person:{ids.to_text(person_id)}"


def login_key(login: str) -> str:
    """The form by which a login is found: `Maria` and `MARIA` are one, in full-width letters too."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", login.strip()).casefold())


def find_by_login(session: Session, login: str) -> PersonRow | None:
    """The row of a login, or None."""
    return session.scalar(select(PersonRow).where(PersonRow.login_key == login_key(login)))


def check_login(login: str) -> str:
    """The login as it is kept.

    Raises: InvalidEntry.
    """
    login = unicodedata.normalize("NFC", login.strip())
    if not login or len(login) > _LONGEST_LOGIN or len(login_key(login)) > 2 * _LONGEST_LOGIN:
        raise InvalidEntry(f"Give a login of 1 to {_LONGEST_LOGIN} characters.", field="login")
    if not login.isprintable() or any(letter.isspace() for letter in login):
        raise InvalidEntry("A login has no spaces and no invisible characters.", field="login")
    return login


def check_name(name: str) -> str:
    """The name as it is kept.

    Raises: InvalidEntry.
    """
    name = unicodedata.normalize("NFC", name.strip())
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise InvalidEntry(f"Give a name of 1 to {_LONGEST_NAME} visible characters.", field="name")
    return name


def check_look(locale: str, timezone: str, theme: str) -> None:
    """Take language, time zone and theme; "" follows the hub.

    Raises: InvalidEntry.
    """
    if locale and not re.fullmatch(r"[A-Za-z]{2,3}(_[A-Za-z0-9]{2,8}){0,3}", locale):
        raise InvalidEntry("Write the language as de or pt_BR.", field="locale")
    if timezone:
        try:
            ZoneInfo(timezone)
        except (KeyError, ValueError, OSError):
            raise InvalidEntry("No such time zone; write it as Europe/Berlin or UTC.", field="timezone") from None
    if theme not in THEMES:
        raise InvalidEntry(f"Choose one of {', '.join(THEMES)}.", field="theme")
