"""Time-ordered 63-bit ids: 41 bits of milliseconds, 22 bits of chance.

The text form is 13 characters of Crockford's base 32, which sorts like the number, survives a phone call and
is what people and the API see.
"""

import secrets
import time

_EPOCH_MS = 1_577_836_800_000  # 2020-01-01T00:00:00Z: 41 bits last until 2089
_CHANCE_BITS = 22
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)} | {"O": 0, "I": 1, "L": 1}
_TEXT_LENGTH = 13


def new_id(epoch_ms: int | None = None) -> int:
    """A fresh id that sorts by its millisecond."""
    now_ms = time.time_ns() // 1_000_000 if epoch_ms is None else epoch_ms
    return (max(now_ms - _EPOCH_MS, 0) & (1 << 41) - 1) << _CHANCE_BITS | secrets.randbits(_CHANCE_BITS)


def to_text(number: int) -> str:
    """The 13-character text form of an id."""
    letters = []
    for _ in range(_TEXT_LENGTH):
        number, digit = divmod(number, 32)
        letters.append(_ALPHABET[digit])
    return "".join(reversed(letters))


def from_text(text: str) -> int:
    """The id that `text` stands for; case and the look-alikes O, I, L are forgiven.

    Raises: ValueError if `text` is no id.
    """
    number = 0
    if len(text) != _TEXT_LENGTH:
        raise ValueError("an id has 13 characters")
    for letter in text.upper():
        if letter not in _VALUES:
            raise ValueError(f"an id has no character {letter!r}")
        number = number * 32 + _VALUES[letter]
    if number >= 1 << 63:
        raise ValueError("not an id")
    return number
