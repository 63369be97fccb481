"""What of a recording can be found by typing: numbers and words, and in which fields they stand."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntFlag

from hub.catalog.content import Content
from hub.sdk import Role

_ACCENTS = range(0x300, 0x370)
_SEPARATORS = str.maketrans("", "", " \u00a0()-./")
_NUMBER_LETTERS = frozenset("0123456789*#")
_NUMBER_LENGTH = 64
_WORD_LENGTH = 255
_EXTENSION_LENGTH = 6


class Field(IntFlag):
    """Where a number or word stands; the bits of `party.roles` and `mention.roles`."""

    CALLER = 1
    CALLED = 2
    PARTICIPANT = 4
    OWNER = 8
    TARGET = 16
    AGENT = 32
    SKILL = 64
    PARTIES = CALLER | CALLED | PARTICIPANT
    ANY = PARTIES | OWNER | TARGET | AGENT | SKILL


ROLES = {Role.CALLER: Field.CALLER, Role.CALLED: Field.CALLED, Role.PARTICIPANT: Field.PARTICIPANT}


@dataclass(frozen=True, slots=True)
class Terms:
    """The numbers, as (digits, plan), and folded words of one recording, each with its fields."""

    numbers: dict[tuple[str, int], int]
    words: dict[str, int]


def fold(text: str) -> str:
    """`text` as it is compared: without case, accents, width and double spaces."""
    if not text.isascii():
        plain = "".join(letter for letter in unicodedata.normalize("NFKD", text) if ord(letter) not in _ACCENTS)
        text = unicodedata.normalize("NFC", plain)
    return " ".join(text.casefold().split())[:_WORD_LENGTH]


def digits_of(text: str) -> str:
    """The digits of what reads as a telephone number, "" for anything else: "+49 (30) 12-34" gives "49301234"."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    bare = text.strip().removeprefix("+").translate(_SEPARATORS)
    return bare if bare and len(bare) <= _NUMBER_LENGTH and _NUMBER_LETTERS.issuperset(bare) else ""


def plan_of(digits: str, device_id: int) -> int:
    """Short numbers are extensions and services of their device's own plan; long ones are the same everywhere: 0."""
    return device_id if len(digits) <= _EXTENSION_LENGTH else 0


def terms_of(content: Content, device_id: int) -> Terms:
    """All that can be typed to find a recording, but its call id."""
    terms = Terms({}, {})
    for text, field in _fields(content):
        if digits := digits_of(text):
            number = (digits, plan_of(digits, device_id))
            terms.numbers[number] = terms.numbers.get(number, 0) | field
        elif word := fold(text):
            terms.words[word] = terms.words.get(word, 0) | field
    return terms


def _fields(content: Content) -> Iterator[tuple[str, int]]:
    for party in content.parties:
        yield party.number, ROLES[party.role].value
        yield party.name, ROLES[party.role].value
    if content.owner is not None:
        yield content.owner.id, Field.OWNER.value
        yield content.owner.name, Field.OWNER.value
    yield content.agent, Field.AGENT.value
    yield content.target, Field.TARGET.value
    yield content.skill, Field.SKILL.value
