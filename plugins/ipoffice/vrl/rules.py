"""Which metadata of a file fills which field of a recording: rules as text, so that a site can change them."""

import re
from dataclasses import dataclass

SOURCES = ("riff", "ogg", "id3", "sidecar", "filename", "file", "any", "text")
FIELDS = (
    "call_id",
    "started_at",
    "direction",
    "parties",
    "caller",
    "caller_name",
    "called",
    "called_name",
    "owner",
    "owner_kind",
    "owner_name",
    "agent",
    "target",
    "skill",
    "notice",
    "notice_by",
    "notice_at",
    "mixed",
)
FIELD = re.compile(r"[a-z][a-z0-9_]{0,40}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a fact may stand: a source and the fact's name in it (`text`: the fact itself)."""

    source: str
    name: str

    def __str__(self) -> str:
        return f"{self.source}:{self.name}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: the places from which `field` is filled, the file's own content first."""

    field: str
    places: tuple[Place, ...]

    def __str__(self) -> str:
        return f"{self.field} = {' | '.join(map(str, self.places))}"


def parse_rules(text: str) -> tuple[Rule, ...]:
    """Rules from lines `field = source:name | source:name`; # starts a comment line.

    Raises: ValueError naming the line.
    """
    rules = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        field, equals, places = line.partition("=")
        if not equals or not FIELD.fullmatch(field.strip()):
            raise ValueError(f"line {number}: write it as: field = source:name, the field in small letters")
        rules.append(Rule(field.strip(), tuple(_parse_place(part, number) for part in places.split("|"))))
    return tuple(rules)


def _parse_place(text: str, number: int) -> Place:
    source, colon, name = text.strip().partition(":")
    if not colon or not name.strip():
        raise ValueError(f"line {number}: {text.strip()!r} is not of the form source:name")
    if source not in SOURCES:
        raise ValueError(f"line {number}: {source!r} is no source; there are {', '.join(SOURCES)}")
    return Place(source, name.strip())
