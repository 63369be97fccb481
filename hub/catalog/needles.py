"""What was typed, looked up among the numbers and words that exist."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, exists, false, literal_column, or_, select, text
from sqlalchemy.orm import Session

from hub.catalog.dialect import is_among, is_postgres
from hub.catalog.models import Mention, Number, Party, Recording, Word
from hub.catalog.query import RecordingQuery
from hub.catalog.terms import Field, digits_of, fold
from hub.db.plain import storable_text

MATCHES_BOUND = 5_000
"""So many different numbers or words are kept; with more each recording's own are compared instead."""

_TRIGRAM_LENGTH = 3
_SHORT_BOUND = 500
_NUMBER, _WORD, _RECORDING = Number.table(), Word.table(), Recording.table()
PARTY, MENTION = Party.table(), Mention.table()


@dataclass(frozen=True, slots=True)
class Needle:
    """One condition on text: any of `values` in any of `fields`; with call_ids, or one of these exact call ids."""

    fields: Field
    values: tuple[str, ...]
    call_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Matches:
    """The numbers and words that match a needle. too_many: there are more than are worth keeping."""

    needle: Needle
    number_ids: tuple[int, ...] = ()
    word_ids: tuple[int, ...] = ()
    too_many: bool = False

    @property
    def n(self) -> int:
        """How many numbers and words match."""
        return len(self.number_ids) + len(self.word_ids)

    @property
    def postings(self) -> tuple[tuple[Table, ColumnElement[int], tuple[int, ...]], ...]:
        """Where the recordings of these numbers and words stand: (table, its key, ids)."""
        both = ((PARTY, PARTY.c.number_id, self.number_ids), (MENTION, MENTION.c.word_id, self.word_ids))
        return tuple(each for each in both if each[2])


def split_values(text: str) -> tuple[str, ...]:
    """The values of a comma-separated text; a comma within double quotes belongs to its value."""
    values, value, quoted = [], "", False
    for letter in text:
        if letter == '"':
            quoted = not quoted
        elif letter == "," and not quoted:
            values.append(value)
            value = ""
        else:
            value += letter
    values.append(value)
    return tuple(dict.fromkeys(storable_text(stripped) for value in values if (stripped := value.strip())))


def needles_of(query: RecordingQuery) -> list[Needle]:
    """The conditions on text of a query; all must hold."""
    anywhere = split_values(query.text)
    needles = [Needle(Field.ANY, anywhere, anywhere)] if anywhere else []
    for typed, fields in (
        (query.parties, Field.PARTIES),
        (query.agent, Field.AGENT),
        (query.owner, Field.OWNER),
        (query.target, Field.TARGET),
        (query.skill, Field.SKILL),
    ):
        if values := split_values(typed):
            needles.append(Needle(fields, values))
    return needles


def look_up(session: Session, needle: Needle) -> Matches:
    """The numbers and words in which a value of the needle stands."""
    digits, folded = _parts(needle)
    numbers = _containing(session, _NUMBER, "digits", digits)
    words = _containing(session, _WORD, "folded", folded)
    if len(numbers) + len(words) > MATCHES_BOUND:
        return Matches(needle, too_many=True)
    return Matches(needle, tuple(sorted(numbers)), tuple(sorted(words)))


def holds(session: Session, matches: Matches) -> ColumnElement[bool]:
    """The predicate on `recording` that one of the matches stands in it."""
    needle = matches.needle
    if matches.too_many:
        conditions = list(_by_text(needle))
    else:
        conditions = [_stands(table, needle, is_among(session, column, ids)) for table, column, ids in matches.postings]
    return or_(false(), *conditions, *([has_call_id(needle.call_ids)] if needle.call_ids else ()))


def has_role(table: Table, fields: Field) -> Sequence[ColumnElement[bool]]:
    """The condition that a posting stands in one of these fields; none if every field will do."""
    return () if fields == Field.ANY else (table.c.roles.bitwise_and(fields.value) != 0,)


def has_call_id(call_ids: Sequence[str]) -> ColumnElement[bool]:
    """The predicate on `recording` that lets SQLite use the partial index of call ids."""
    return and_(_RECORDING.c.call_id.in_(call_ids), literal_column("recording.call_id <> ''"))


def _parts(needle: Needle) -> tuple[list[str], list[str]]:
    """What of the needle can stand in a number, and what in a word."""
    digits = [digits for value in needle.values if (digits := digits_of(value))]
    return digits, [word for value in needle.values if (word := fold(value))]


def _containing(session: Session, table: Table, column: str, parts: Sequence[str]) -> set[int]:
    """Ids of the rows whose text contains one of the parts, up to one more than are worth keeping.

    SQLite's trigrams find nothing shorter than three letters: for these the table itself is read.
    """
    trigrams = [] if is_postgres(session) else [part for part in parts if len(part) >= _TRIGRAM_LENGTH]
    others = [part for part in parts if part not in trigrams]
    found: set[int] = set()
    if trigrams:
        phrase = " OR ".join('"' + part.replace('"', '""') + '"' for part in trigrams)
        index = f"{table.name}_trigram"
        match = text(f"{index} MATCH :phrase").bindparams(phrase=phrase)
        rowids: Select[Any] = select(literal_column("rowid")).select_from(text(index)).where(match)
        found.update(session.scalars(rowids.limit(MATCHES_BOUND + 1)).all())
    if others:
        contains = or_(*(_text(table, column).contains(part, autoescape=True) for part in others))
        bound = MATCHES_BOUND if is_postgres(session) else _SHORT_BOUND
        short = session.scalars(select(table.c.id).where(contains).limit(bound + 1)).all()
        found.update(short if len(short) <= bound else range(-MATCHES_BOUND, 1))
    return found


def _text(table: Table, column: str) -> ColumnElement[str]:
    """The column as PostgreSQL's trigram index has it."""
    return table.c[column].concat(literal_column("''"))


def _stands(table: Table, needle: Needle, *which: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(table.c.recording_id == _RECORDING.c.id, *has_role(table, needle.fields), *which)


def _by_text(needle: Needle) -> Iterable[ColumnElement[bool]]:
    """The same by comparing each recording's own numbers and words: right where a good part of all recordings match."""
    digits, folded = _parts(needle)
    if digits:
        contains = or_(*(_NUMBER.c.digits.contains(part, autoescape=True) for part in digits))
        yield _stands(PARTY, needle, and_(PARTY.c.number_id == _NUMBER.c.id, contains))
    if folded:
        contains = or_(*(_WORD.c.folded.contains(part, autoescape=True) for part in folded))
        yield _stands(MENTION, needle, and_(MENTION.c.word_id == _WORD.c.id, contains))
