"""What was found about one recording, each fact with its place, before any rule gives it a meaning."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from plugins.ipoffice.vrl.rules import Place

FACTS_MAX = 1000
VALUE_CHARS_MAX = 4096
NAME_CHARS_MAX = 200
RAW_ONE_BYTES_MAX = 64 * 1024
RAW_ALL_BYTES_MAX = 256 * 1024
PAIR = re.compile(r"\s*([A-Za-z][\w .-]{0,40}?)\s*[=:]\s*([^;\n]*)\s*(?:;|\n|$)")
ANY = ("riff", "ogg", "id3", "sidecar", "filename")


@dataclass(frozen=True, slots=True)
class Fact:
    """One value and where it stood, such as riff, INFO.IART, "Anna"."""

    source: str
    name: str
    value: str

    @property
    def label(self) -> str:
        """The place as rules write it."""
        return f"{self.source}:{self.name}"


@dataclass(slots=True)
class Facts:
    """All facts of a recording in the order they were found, unknown metadata as raw bytes, and remarks for people.

    Everything is bounded: what a hostile file could add beyond is cut off, and a note says so.
    """

    found: list[Fact] = field(default_factory=list)
    raw: dict[str, bytes] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _raw_bytes: int = 0
    _by_last_part: dict[str, list[tuple[tuple[str, ...], Fact]]] = field(default_factory=dict)

    def add(self, source: str, name: str, value: str) -> None:
        """Keep one fact; empty values are no facts."""
        value = value.replace("\0", "").strip()[:VALUE_CHARS_MAX]
        if not value:
            return
        if len(self.found) < FACTS_MAX:
            fact = Fact(source, name[:NAME_CHARS_MAX], value)
            parts = split_name(fact.name)
            self.found.append(fact)
            self._by_last_part.setdefault(parts[-1], []).append((parts, fact))
        else:
            self.note(f"more than {FACTS_MAX} facts: the rest was left out")

    def add_text(self, source: str, name: str, text: str) -> None:
        """Keep a text, and each `key=value` pair in it as a fact of its own."""
        self.add(source, name, text)
        pairs = PAIR.findall(text[:VALUE_CHARS_MAX])
        for key, value in pairs if "=" in text or len(pairs) > 1 else ():
            self.add(source, f"{name}.{key.strip()}", value)

    def keep_raw(self, label: str, data: bytes, size_bytes: int) -> None:
        """Keep unknown metadata as it was found; size_bytes: how long it really is."""
        room = min(RAW_ONE_BYTES_MAX, RAW_ALL_BYTES_MAX - self._raw_bytes)
        number = 2
        key = label
        while key in self.raw and number < FACTS_MAX:
            key, number = f"{label}#{number}", number + 1
        if room <= 0 or key in self.raw:
            self.note("more unknown metadata than is kept")
            return
        self.raw[key] = data[:room]
        self._raw_bytes += len(self.raw[key])
        if size_bytes > len(self.raw[key]):
            self.note(f"of {label} the first {len(self.raw[key])} of {size_bytes} bytes are kept")

    def note(self, text: str) -> None:
        """Say once what a person should know about this file."""
        if text not in self.notes and len(self.notes) < 50:
            self.notes.append(text)

    def has_any(self, last_parts: frozenset[str]) -> bool:
        """Whether a fact has one of these last parts of a name: a quick look before `at`."""
        return not self._by_last_part.keys().isdisjoint(last_parts)

    def at(self, place: Place) -> Iterator[Fact]:
        """Facts that stand at `place`, in the order they were found.

        The last part of the names must be the same; parts before it may be left out, and case and punctuation do not
        matter: `riff:xml.callid` finds `CALL.xml.call.CallID`.
        """
        wanted = split_name(place.name)
        sources = ANY if place.source == "any" else (place.source,)
        for parts, fact in self._by_last_part.get(wanted[-1], ()):
            if fact.source in sources and _is_below(wanted[:-1], parts[:-1]):
                yield fact


@lru_cache(maxsize=4096)
def split_name(name: str) -> tuple[str, ...]:
    """The parts of a fact's name, without case and punctuation."""
    return tuple(re.sub(r"[\W_]", "", part).lower() for part in name.split("."))


def _is_below(wanted: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    """Whether all of `wanted` stand in `parts`, in that order."""
    rest = iter(parts)
    return all(any(part == want for part in rest) for want in wanted)
