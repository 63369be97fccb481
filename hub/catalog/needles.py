"""What was typed, looked up among the numbers and words that exist."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, exists, literal_column, or_, select, text
from sqlalchemy.orm import Session

from hub.catalog.dialect import is_postgres
from hub.catalog.models import Mention, Number, Party, Recording, Word
from hub.catalog.query import RecordingQuery
from hub.catalog.terms import Field, digits_of, fold

MATCHES_BOUND = 500
"""So many different numbers or words are looked up; with more the list is walked instead."""

_TRIGRAM_LENGTH = 3
_NUMBER, _WORD, _PARTY, _MENTION, _RECORDING = (
    Number.table(),
    Word.table(),
    Party.table(),
    Mention.table(),
    Recording.table(),
)


@dataclass(frozen=True, slots=True)
class Needle:
    """One condition on text: any of `values` in any of `fields`; with call_ids, or one of these exact call ids."""

    fields: Field
    values: tuple[str, ...]
    call_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Matches:
    """The numbers and words that match a needle. too_many: they are more than these."""

    needle: Needle
    number_ids: tuple[int, ...] = ()
    word_ids: tuple[int, ...] = ()
    too_many: bool = False

    def holds(self) -> ColumnElement[bool]:
        """The predicate on `recording` that a recording has one of the matches."""
        if self.too_many:
            return or_(*_by_text(self.needle), _has_call_id(self.needle.call_ids))
        roles = self.needle.fields.value
        conditions = [_has_call_id(self.needle.call_ids)]
        if self.number_ids:
            conditions.append(_posted(_PARTY, roles, _PARTY.c.number_id.in_(self.number_ids)))
        if self.word_ids:
            conditions.append(_posted(_MENTION, roles, _MENTION.c.word_id.in_(self.word_ids)))
        return or_(*conditions)


@dataclass(frozen=True, slots=True)
class Posting:
    """The recordings of one number or word, in the order of their start."""

    table: Table
    key: ColumnElement[int]
    term_id: int
    roles: int


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
    return tuple(dict.fromkeys(stripped for value in values if (stripped := value.strip())))


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
    numbers, words = set[int](), set[int]()
    for value in needle.values:
        if digits := digits_of(value):
            numbers.update(session.scalars(_containing(session, _NUMBER, "digits", digits)))
        if folded := fold(value):
            words.update(session.scalars(_containing(session, _WORD, "folded", folded)))
        if len(numbers) + len(words) > MATCHES_BOUND:
            return Matches(needle, too_many=True)
    return Matches(needle, tuple(sorted(numbers)), tuple(sorted(words)))


def postings_of(matches: Matches) -> list[Posting]:
    """One stream of recordings for each match."""
    roles = matches.needle.fields.value
    return [Posting(_PARTY, _PARTY.c.number_id, number_id, roles) for number_id in matches.number_ids] + [
        Posting(_MENTION, _MENTION.c.word_id, word_id, roles) for word_id in matches.word_ids
    ]


def has_role(table: Table, roles: int) -> Sequence[ColumnElement[bool]]:
    """The condition that a posting stands in one of these fields; none if every field will do."""
    return () if roles == Field.ANY.value else (table.c.roles.bitwise_and(roles) != 0,)


def _containing(session: Session, table: Table, column: str, part: str) -> Select[Any]:
    """Ids of the rows whose text contains `part`; trigrams need three letters, for fewer the table itself is read."""
    if is_postgres(session) or len(part) < _TRIGRAM_LENGTH:
        return select(table.c.id).where(table.c[column].contains(part, autoescape=True)).limit(MATCHES_BOUND + 1)
    phrase = '"' + part.replace('"', '""') + '"'
    trigram = f"{table.name}_trigram"
    return (
        select(literal_column("rowid"))
        .select_from(text(trigram))
        .where(text(f"{trigram} MATCH :phrase").bindparams(phrase=phrase))
        .limit(MATCHES_BOUND + 1)
    )


def _posted(table: Table, roles: int, *which: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(table.c.recording_id == _RECORDING.c.id, *has_role(table, roles), *which)


def _by_text(needle: Needle) -> Iterable[ColumnElement[bool]]:
    """The same by comparing each recording's own numbers and words: right where most recordings match."""
    digits = [digits for value in needle.values if (digits := digits_of(value))]
    folded = [word for value in needle.values if (word := fold(value))]
    roles = needle.fields.value
    if digits:
        contains = or_(*(_NUMBER.c.digits.contains(part, autoescape=True) for part in digits))
        yield _posted(_PARTY, roles, and_(_PARTY.c.number_id == _NUMBER.c.id, contains))
    if folded:
        contains = or_(*(_WORD.c.folded.contains(part, autoescape=True) for part in folded))
        yield _posted(_MENTION, roles, and_(_MENTION.c.word_id == _WORD.c.id, contains))


def _has_call_id(call_ids: tuple[str, ...]) -> ColumnElement[bool]:
    return and_(_RECORDING.c.call_id.in_(call_ids), literal_column("recording.call_id <> ''"))
