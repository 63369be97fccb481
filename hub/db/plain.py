"""Text and JSON from outside in a form that every database takes."""

from collections.abc import Mapping
from typing import Any

_KEPT = "\n\t"


def storable_text(text: str, limit: int | None = None) -> str:
    r"""Text of at most `limit` characters without NUL, control characters and lone surrogates.

    A file name may have any of these; they become escapes such as \x00 and \udcff, so that people still see that there
    was something.
    """
    clean = text if text.isprintable() else "".join(_plain(letter) for letter in text[: limit and limit + 1])
    return clean if limit is None or len(clean) <= limit else clean[: limit - 1] + "…"


def storable_json(value: Any) -> Any:
    """A JSON value whose texts, keys included, are all storable."""
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, Mapping):
        return {storable_text(str(key)): storable_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable_json(item) for item in value]
    return value


def injective_text(text: str) -> str:
    """A storable text that no other `text` gives: for keys, where two different names must never become one."""
    if storable_text(text) == text and not text.startswith("bytes:"):
        return text
    return "bytes:" + text.encode("utf-8", "surrogatepass").hex()


def _plain(letter: str) -> str:
    code = ord(letter)
    if letter in _KEPT or not (code < 0x20 or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000):
        return letter
    return f"\\u{code:04x}" if code > 0xFF else f"\\x{code:02x}"
