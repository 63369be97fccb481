"""Text and JSON from outside in a form that every database takes."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

_KEPT = "\n\t"
_MARKS = ("bytes:", "sha256:")


def storable_text(text: str, limit: int | None = None) -> str:
    r"""Text of at most `limit` characters without NUL, control characters and lone surrogates.

    A file name may have any of these; they become escapes such as \x00 and \udcff, so that people still see that there
    was something.
    """
    clean = text if text.isprintable() else "".join(_plain(letter) for letter in text[: limit and limit + 1])
    return clean if limit is None or len(clean) <= limit else clean[: limit - 1] + "…"


def storable_json(value: Any) -> Any:
    """A JSON value whose texts, keys included, are all storable."""
    return value if _is_plain(value) else _storable(value)


def _is_plain(value: Any) -> bool:
    """Whether nothing is to be done, found out by one fast pass."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return False
    return text.isprintable() and "\\u" not in text


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, Mapping):
        return {storable_text(str(key)): _storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    return value


def injective_text(text: str, limit: int) -> str:
    """A storable text of at most `limit` characters that no other `text` gives: for keys.

    Two different names never become one, whatever bytes they hold and however long they are. limit: at least 71.
    """
    if not text.startswith(_MARKS) and len(text) <= limit and storable_text(text) == text:
        return text
    content = text.encode("utf-8", "surrogatepass")
    marked = f"bytes:{content.hex()}"
    return marked if len(marked) <= limit else f"sha256:{hashlib.sha256(content).hexdigest()}"


def _plain(letter: str) -> str:
    code = ord(letter)
    if letter in _KEPT or not (code < 0x20 or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000):
        return letter
    return f"\\u{code:04x}" if code > 0xFF else f"\\x{code:02x}"
