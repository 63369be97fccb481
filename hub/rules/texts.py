"""Numbers and names that rules ask for, found in those of a call: exact, by their beginning, or by a pattern."""

import fnmatch
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from hub.catalog.terms import digits_of, fold

_NUMBER = frozenset("0123456789#*?")
_SEPARATORS = str.maketrans("", "", " \u00a0()-./")


def keys_of(texts: Iterable[str]) -> frozenset[str]:
    """What the numbers and names of a call are compared by: digits of a number, words without case and accents."""
    return frozenset(key for text in texts if text for key in (digits_of(text), fold(text)) if key)


@dataclass(slots=True)
class Asked:
    """What all rules ask of one field; bit n of a mask stands for rule n.

    open: the rules that ask nothing. Patterns are found by what stands before their first wild character.
    """

    open: int = 0
    _exact: dict[str, int] = field(default_factory=dict)
    _beginnings: dict[str, int] = field(default_factory=dict)
    _patterns: dict[str, list[tuple[re.Pattern[str], int]]] = field(default_factory=dict)
    _lengths: tuple[int, ...] = ()

    def add(self, bit: int, values: Sequence[str]) -> None:
        """The rule of `bit` asks for any of `values`."""
        if not values:
            self.open |= bit
        for pattern in map(_plain, values):
            beginning = re.split(r"[*?]", pattern, maxsplit=1)[0]
            if beginning == pattern:
                self._exact[pattern] = self._exact.get(pattern, 0) | bit
                continue
            if pattern == f"{beginning}*":
                self._beginnings[beginning] = self._beginnings.get(beginning, 0) | bit
            else:
                compiled = re.compile(fnmatch.translate(pattern.replace("[", "[[]")))
                self._patterns.setdefault(beginning, []).append((compiled, bit))
            self._lengths = tuple(sorted({*self._lengths, len(beginning)}))

    def mask(self, keys: frozenset[str]) -> int:
        """The rules whose values are among `keys`, and those that ask nothing."""
        found = self.open
        for key in keys:
            found |= self._exact.get(key, 0)
            for length in self._lengths:
                if length > len(key):
                    break
                beginning = key[:length]
                found |= self._beginnings.get(beginning, 0)
                for pattern, bit in self._patterns.get(beginning, ()):
                    if pattern.match(key):
                        found |= bit
        return found


def _plain(value: str) -> str:
    """A value as keys are written; a number may have the separators that people write."""
    bare = value.strip().removeprefix("+").translate(_SEPARATORS)
    return bare if bare and _NUMBER.issuperset(bare) else fold(value)
