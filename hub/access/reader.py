"""Reading recordings: permission, scope and audit line in one place, for pages and API alike."""

from collections.abc import Callable, Collection, Hashable
from dataclasses import fields

from pydantic import JsonValue
from sqlalchemy import select

from hub import ids
from hub.access.errors import NotThere
from hub.access.once import Once
from hub.access.permissions import require
from hub.access.person import Person
from hub.access.scope import visible
from hub.audit.action import Action
from hub.audit.actor import Actor
from hub.audit.trail import append
from hub.catalog import search
from hub.catalog.models import Recording
from hub.catalog.query import COUNT_BOUND, Count, Cursor, Page, RecordingQuery
from hub.catalog.recording import RecordingDetail, RecordingRow
from hub.db.database import Database
from hub.sdk import Role

SEARCH_WINDOW_S = 600.0
REPLAY_WINDOW_S = 600.0


class RecordingReader:
    """What a person may read; every method checks the permission and sees through the person's scope."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._searches = Once(SEARCH_WINDOW_S)
        self._replays = Once(REPLAY_WINDOW_S)

    def search(
        self,
        person: Person,
        query: RecordingQuery,
        actor: Actor,
        *,
        before: Cursor | None = None,
        after: Cursor | None = None,
        limit: int = 50,
    ) -> Page[RecordingRow]:
        """One page, the newest first; a search is audited once while its person goes on with it.

        before: older than this place. after: newer than this place.
        Raises: Forbidden.
        """
        require(person, "recording.list")
        self._audit_once(
            self._searches,
            (person.id, actor.via, query),
            lambda: _line(actor, Action.SEARCH, "", _conditions(query)),
        )
        with self._db.read() as session:
            return search.search(session, visible(person), query, before=before, after=after, limit=limit)

    def count(self, person: Person, query: RecordingQuery, bound: int = COUNT_BOUND) -> Count:
        """How many there are, exact up to `bound`.

        Raises: Forbidden.
        """
        require(person, "recording.list")
        with self._db.read() as session:
            return search.count(session, visible(person), query, bound)

    def find(self, person: Person, recording_id: int) -> RecordingDetail:
        """All that is known about one recording.

        Raises: Forbidden; NotThere, alike for what does not exist and what the person may not see.
        """
        require(person, "recording.list")
        with self._db.read() as session:
            found = search.find(session, visible(person), recording_id)
        if found is None:
            raise NotThere("There is no such recording, or you may not see it.")
        return found

    def siblings(self, person: Person, recording: RecordingRow) -> tuple[RecordingRow, ...]:
        """The recordings of the same call that the person may see, itself included, in the order they began.

        Raises: Forbidden.
        """
        require(person, "recording.list")
        with self._db.read() as session:
            return search.find_siblings(session, visible(person), recording)

    def seen_of(self, person: Person, recording_ids: Collection[int]) -> frozenset[int]:
        """Those of the recordings that the person may see: for live updates, which tell of many."""
        if "recording.list" not in person.permissions or not recording_ids:
            return frozenset()
        table = Recording.table()
        with self._db.read() as session:
            return frozenset(
                session.scalars(select(table.c.id).where(table.c.id.in_(recording_ids), visible(person).where))
            )

    def note_replay(self, person: Person, recording_id: int, actor: Actor) -> RecordingDetail:
        """The recording, if the person may play it; audited once while they go on playing.

        Raises: Forbidden, NotThere.
        """
        require(person, "recording.play")
        found = self.find(person, recording_id)
        key = (person.id, actor.via, actor.address, recording_id)
        self._audit_once(self._replays, key, lambda: _line(actor, Action.REPLAY, _subject(recording_id), _about(found)))
        return found

    def note_download(self, person: Person, recording_id: int, actor: Actor, form: str) -> RecordingDetail:
        """The recording, if the person may take it away; every download is audited.

        form: what is taken, such as "original".
        Raises: Forbidden, NotThere.
        """
        require(person, "recording.download")
        found = self.find(person, recording_id)
        self._audit(_line(actor, Action.DOWNLOAD, _subject(recording_id), {"form": form, **_about(found)}))
        return found

    def _audit_once(self, once: Once, key: Hashable, line: Callable[[], "_Line"]) -> None:
        if not once.holds(key):
            self._audit(line())
            once.note(key)  # only now: without its line the act must not pass next time either

    def _audit(self, line: "_Line") -> None:
        actor, action, subject, details = line
        with self._db.write() as session:
            append(session, actor, action, subject=subject, details=details)


_Line = tuple[Actor, Action, str, dict[str, JsonValue]]


def _line(actor: Actor, action: Action, subject: str, details: dict[str, JsonValue]) -> _Line:
    return actor, action, subject, details


def _about(recording: RecordingDetail) -> dict[str, JsonValue]:
    """What tells people which call it was: owner, names of the media, calling party."""
    callers = [party for party in recording.parties if party.role is Role.CALLER]
    facts = {
        "owner": f"{recording.owner.id} {recording.owner.name}".strip() if recording.owner else "",
        "media": ", ".join(dict.fromkeys(origin.name for origin in recording.origins if origin.name)),
        "caller": ", ".join(f"{party.number} {party.name}".strip() for party in callers),
    }
    return {name: value for name, value in facts.items() if value}


def _subject(recording_id: int) -> str:
    return f"recording:{ids.to_text(recording_id)}"


def _conditions(query: RecordingQuery) -> dict[str, JsonValue]:
    """The conditions that were given, as the audit line keeps them."""
    conditions: dict[str, JsonValue] = {}
    for field in fields(query):
        value = getattr(query, field.name)
        if value in ("", None, frozenset()):
            continue
        if isinstance(value, frozenset):
            conditions[field.name] = [*sorted(ids.to_text(v) if isinstance(v, int) else str(v) for v in value)]
        else:
            conditions[field.name] = value if isinstance(value, (bool, int, float, str)) else value.isoformat()
    return conditions
