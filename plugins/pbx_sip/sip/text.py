"""Text off the wire that is no UTF-8, as people want to read it."""

import re

_NO_TEXT = re.compile("[\ud800-\udfff]")
_ESCAPED_FIRST, _ESCAPED_LAST = 0xDC80, 0xDCFF


def make_readable(text: str) -> str:
    """A text in which bytes that are no UTF-8 stand as surrogates, with letters of Windows-1252 in their place.

    Many systems send names in the letters of their country; the most are Western.
    Source: PEP 383 (surrogates), WHATWG Encoding Standard (Latin-1 is read as Windows-1252).
    """
    return text if text.isascii() else _NO_TEXT.sub(_read_byte, text)


def _read_byte(found: re.Match[str]) -> str:
    number = ord(found[0])
    if not _ESCAPED_FIRST <= number <= _ESCAPED_LAST:
        return "\ufffd"
    return bytes([number & 0xFF]).decode("cp1252", "replace")
