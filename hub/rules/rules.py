"""The one door to the rule book: every change is checked against the whole and lies on the trail."""

from collections.abc import Mapping
from typing import Any, TypeVar

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hub.audit import Action, Actor, append
from hub.catalog.dialect import insert_into
from hub.clock import to_ms, utc_now
from hub.db.database import Database
from hub.rules.book import Book
from hub.rules.entry import Entry
from hub.rules.errors import EntryChanged, EntryInUse, EntryMissing, EntryRefused
from hub.rules.models import RulebookEntry
from hub.rules.rule import Otherwise, Rule

E = TypeVar("E", bound=Entry)
_TABLE = RulebookEntry.table()
_MISSING = {
    "rule": "There is no such rule; it may have been deleted.",
    "profile": "There is no such time profile; it may have been deleted.",
    "calendar": "There is no such calendar; it may have been deleted.",
}


def load_book(session: Session) -> Book:
    """The book as it was saved last, or an empty one."""
    content = session.scalar(select(_TABLE.c.content).where(_TABLE.c.id == 1))
    return Book() if content is None else Book.model_validate(content)


def revision_of(session: Session) -> int:
    """Of the book, 0 before the first change: what a process compares to know whether to load it anew."""
    return session.scalar(select(_TABLE.c.revision).where(_TABLE.c.id == 1)) or 0


class Rules:
    """Reads and changes the book; safe to use from several threads and processes."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def load(self) -> Book:
        """All of it."""
        with self._db.read() as session:
            return load_book(session)

    def get(self, kind: type[E], entry_id: int) -> E:
        """One entry.

        Raises: EntryMissing.
        """
        return _found(self.load(), kind, entry_id)

    def add(self, entry: E, actor: Actor) -> E:
        """Keep a new entry, behind the others of its kind.

        Raises: EntryRefused.
        """
        with self._db.write() as session:
            book = _hold(session)
            if len(book.shelf(type(entry))) >= entry.most:
                raise EntryRefused({"": (f"There can be at most {entry.most}.",)})
            book.refuse_strangers(entry)
            kept = entry.model_copy(update={"id": book.last_id + 1, "revision": 1})
            _save(session, book, {kept.shelf: (*book.shelf(type(kept)), kept), "last_id": kept.id})
            append(session, actor, Action.RULES_ADD, subject=_subject(kept), details=kept.facts())
            return kept

    def change(self, entry: E, expected_revision: int, actor: Actor) -> E:
        """Replace the entry of this id, if nobody else changed it since `expected_revision`.

        Raises: EntryMissing, EntryChanged, EntryRefused.
        """
        with self._db.write() as session:
            book = _hold(session)
            before = _found(book, type(entry), entry.id)
            _refuse_changed(before, expected_revision)
            book.refuse_strangers(entry)
            kept = entry.model_copy(update={"revision": before.revision + 1})
            others = book.shelf(type(kept))
            _save(session, book, {kept.shelf: tuple(kept if other.id == kept.id else other for other in others)})
            _note_change(session, actor, _subject(kept), kept.name, before.facts(), kept.facts())
            return kept

    def delete(self, kind: type[E], entry_id: int, actor: Actor, expected_revision: int | None = None) -> E:
        """Forget an entry that nothing refers to; the entry as it was.

        Raises: EntryMissing, EntryChanged, EntryInUse.
        """
        with self._db.write() as session:
            book = _hold(session)
            gone = _found(book, kind, entry_id)
            _refuse_changed(gone, gone.revision if expected_revision is None else expected_revision)
            if users := book.users_of(gone):
                raise EntryInUse(
                    f"{gone.name} is used by {', '.join(users)}.", users, hint="Change those first, then delete it."
                )
            _save(session, book, {kind.shelf: tuple(other for other in book.shelf(kind) if other.id != entry_id)})
            append(session, actor, Action.RULES_DELETE, subject=_subject(gone), details=gone.facts())
            return gone

    def move(self, rule_id: int, place: int, actor: Actor) -> Book:
        """Put a rule at a place, counted from 0; beyond the end means the end.

        Raises: EntryMissing.
        """
        with self._db.write() as session:
            book = _hold(session)
            rule = _found(book, Rule, rule_id)
            before = book.rules.index(rule)
            rules = [other for other in book.rules if other.id != rule_id]
            rules.insert(max(place, 0), rule)
            after = rules.index(rule)
            if after == before:
                return book
            moved = _save(session, book, {Rule.shelf: tuple(rules)})
            _note_change(session, actor, _subject(rule), rule.name, {"place": before + 1}, {"place": after + 1})
            return moved

    def set_otherwise(self, otherwise: Otherwise, expected_revision: int, actor: Actor) -> Otherwise:
        """Say what holds where no rule fits.

        Raises: EntryChanged.
        """
        with self._db.write() as session:
            book = _hold(session)
            _refuse_changed(book.otherwise, expected_revision)
            kept = otherwise.model_copy(update={"revision": expected_revision + 1})
            _save(session, book, {"otherwise": kept})
            before, after = (each.model_dump(exclude={"revision"}) for each in (book.otherwise, kept))
            _note_change(session, actor, "rules:otherwise", "", before, after)
            return kept


def _hold(session: Session) -> Book:
    """The book, kept from others until the transaction ends."""
    first = {"id": 1, "revision": 0, "content": Book().model_dump(mode="json"), "changed_ms": to_ms(utc_now())}
    session.execute(insert_into(session, _TABLE).values(**first).on_conflict_do_nothing(index_elements=["id"]))
    content = session.scalar(select(_TABLE.c.content).where(_TABLE.c.id == 1).with_for_update())
    return Book.model_validate(content)


def _save(session: Session, book: Book, changes: Mapping[str, Any]) -> Book:
    saved = book.model_copy(update={**changes, "revision": book.revision + 1})
    content = saved.model_dump(mode="json")
    values = {"revision": saved.revision, "content": content, "changed_ms": to_ms(utc_now())}
    session.execute(update(_TABLE).where(_TABLE.c.id == 1).values(**values))
    return saved


def _found(book: Book, kind: type[E], entry_id: int) -> E:
    entry = book.find(kind, entry_id)
    if entry is None:
        raise EntryMissing(_MISSING[kind.noun])
    return entry


def _refuse_changed(before: Entry | Otherwise, expected_revision: int) -> None:
    if before.revision != expected_revision:
        raise EntryChanged(
            "Somebody else changed this in the meantime.",
            hint="Load the page again to see it as it is now, then make your change once more.",
        )


def _note_change(
    session: Session, actor: Actor, subject: str, name: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    changed = {field: [before[field], value] for field, value in after.items() if before[field] != value}
    details: dict[str, Any] = {"changed": changed, **({"name": name} if name else {})}
    append(session, actor, Action.RULES_CHANGE, subject=subject, details=details)


def _subject(entry: Entry) -> str:
    return f"{entry.noun}:{entry.id}"
