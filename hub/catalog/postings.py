"""Writing what search reads: numbers and words once each, and in which recordings they stand."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from hub.catalog.dialect import insert_into
from hub.catalog.models import Mention, Number, Party, Word
from hub.catalog.terms import Terms
from hub.db.bulk import insert_rows

_NUMBER, _WORD, _PARTY, _MENTION = Number.table(), Word.table(), Party.table(), Mention.table()
_LOOKED_UP_AT_ONCE = 500
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Posted:
    """The terms of one recording."""

    recording_id: int
    start_ms: int
    terms: Terms


def post(session: Session, recordings: Sequence[Posted]) -> None:
    """Make recordings findable."""
    numbers = _number_ids(session, {number for posted in recordings for number in posted.terms.numbers})
    words = _word_ids(session, {word for posted in recordings for word in posted.terms.words})
    parties = [
        {"number_id": numbers[number], "start_ms": posted.start_ms, "recording_id": posted.recording_id, "roles": roles}
        for posted in recordings
        for number, roles in posted.terms.numbers.items()
    ]
    mentions = [
        {"word_id": words[word], "start_ms": posted.start_ms, "recording_id": posted.recording_id, "roles": roles}
        for posted in recordings
        for word, roles in posted.terms.words.items()
    ]
    insert_rows(session, _PARTY, parties)
    insert_rows(session, _MENTION, mentions)


def repost(session: Session, recordings: Sequence[Posted]) -> None:
    """Make changed recordings findable by what they say now, and by nothing else."""
    ids = [posted.recording_id for posted in recordings]
    session.execute(delete(_PARTY).where(_PARTY.c.recording_id.in_(ids)))
    session.execute(delete(_MENTION).where(_MENTION.c.recording_id.in_(ids)))
    post(session, recordings)


def _number_ids(session: Session, wanted: set[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
    found = _known_numbers(session, wanted)
    missing = sorted(wanted - found.keys())  # in one order everywhere: two workers then never wait for each other
    if missing:
        new = [{"digits": digits, "plan": plan} for digits, plan in missing]
        session.execute(insert_into(session, _NUMBER).on_conflict_do_nothing(), new)
        found |= _known_numbers(session, missing)
    return found


def _known_numbers(session: Session, wanted: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
    found: dict[tuple[str, int], int] = {}
    for some in _in_parts(wanted):
        query = select(_NUMBER.c.id, _NUMBER.c.digits, _NUMBER.c.plan).where(
            _NUMBER.c.digits.in_({digits for digits, _ in some})
        )
        found |= {(row.digits, row.plan): row.id for row in session.execute(query)}
    return found


def _word_ids(session: Session, wanted: set[str]) -> Mapping[str, int]:
    found = _known_words(session, wanted)
    missing = sorted(wanted - found.keys())
    if missing:
        session.execute(insert_into(session, _WORD).on_conflict_do_nothing(), [{"folded": word} for word in missing])
        found |= _known_words(session, missing)
    return found


def _known_words(session: Session, wanted: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for some in _in_parts(wanted):
        query = select(_WORD.c.id, _WORD.c.folded).where(_WORD.c.folded.in_(some))
        found |= {row.folded: row.id for row in session.execute(query)}
    return found


def _in_parts(wanted: Iterable[T]) -> Iterator[list[T]]:
    everything = list(wanted)
    for start in range(0, len(everything), _LOOKED_UP_AT_ONCE):
        yield everything[start : start + _LOOKED_UP_AT_ONCE]
