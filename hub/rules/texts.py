"""Numbers and names that rules ask for, found in those of a call: exact, by their beginning, or by a pattern."""

import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from hub.catalog.terms import digits_of, fold

_NUMBER = frozenset("0123456789#*?")
_FULL = "+"  # what a number begins with that is written in full
_SEPARATORS = str.maketrans("", "", " \u00a0()-./")


@dataclass(frozen=True, slots=True)
class Keys:
    """What the numbers and names of a call are compared by.

    told: as the call has them; elsewise: as its numbers are written elsewhere, of which only those with a "+" count by
    their beginning: others, such as 0664 for +43 664, begin as something else does.
    """

    told: frozenset[str]
    elsewise: frozenset[str]


def read_keys(texts: Sequence[str], spellings: Mapping[str, Sequence[str]]) -> Keys:
    """The keys of numbers and names; spellings: number -> how it is written elsewhere."""
    return Keys(_keys_of(texts), _keys_of([each for text in texts for each in spellings.get(text, ())]))


def _keys_of(texts: Iterable[str]) -> frozenset[str]:
    """Digits of a number, words without case and accents."""
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
        for pattern in chain.from_iterable(map(_patterns_of, values)):
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

    def mask(self, keys: Keys) -> int:
        """The rules whose values are among `keys`, and those that ask nothing."""
        found = self.open
        for key in keys.elsewise:
            found |= self._exact.get(key, 0)
        for key in (*keys.told, *(key for key in keys.elsewise if key[0] == _FULL)):
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


def _patterns_of(value: str) -> tuple[str, ...]:
    """A value as keys are written, which may have the separators that people write; a number in full with "+" too."""
    spaceless = value.translate(_SEPARATORS)
    bare = spaceless.removeprefix(_FULL)
    if not bare or not _NUMBER.issuperset(bare):
        return (fold(value),)
    return tuple(dict.fromkeys((bare, spaceless)))
