"""The hub's preferences, kept in the catalog."""

from typing import Any

from pydantic import JsonValue
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from hub.audit import Action, Actor, append
from hub.catalog.errors import RevisionConflict
from hub.catalog.models import Preference
from hub.clock import to_ms, utc_now
from hub.config import HubPreferences

_TABLE = Preference.table()


def load(session: Session) -> HubPreferences:
    """What was saved last, or the defaults."""
    content = session.scalar(select(_TABLE.c.content).where(_TABLE.c.id == 1))
    return HubPreferences() if content is None else HubPreferences.model_validate(content)


def revision(session: Session) -> int:
    """How often they were saved."""
    return session.scalar(select(_TABLE.c.revision).where(_TABLE.c.id == 1)) or 0


def save(session: Session, preferences: HubPreferences, actor: Actor, expected_revision: int) -> int:
    """Replace them, if nobody else did since `expected_revision`.

    Returns: the new revision.
    Raises: RevisionConflict.
    """
    old = load(session).model_dump(mode="json")
    new = preferences.model_dump(mode="json")
    values = {"revision": expected_revision + 1, "content": new, "changed_ms": to_ms(utc_now())}
    if not _replace(session, values, expected_revision):
        raise RevisionConflict("The preferences were changed meanwhile.", found=revision(session))
    append(session, actor, Action.SETTINGS_CHANGE, subject="preferences", details=_differences(old, new))
    return expected_revision + 1


def _replace(session: Session, values: dict[str, Any], expected_revision: int) -> bool:
    if expected_revision == 0 and revision(session) == 0:
        session.execute(insert(_TABLE).values(id=1, **values))
        return True
    changed = session.execute(
        update(_TABLE)
        .where(_TABLE.c.id == 1, _TABLE.c.revision == expected_revision)
        .values(**values)
        .returning(_TABLE.c.id)
    )
    return changed.first() is not None


def _differences(old: dict[str, Any], new: dict[str, Any]) -> dict[str, JsonValue]:
    return {key: [old.get(key), value] for key, value in new.items() if old.get(key) != value}
