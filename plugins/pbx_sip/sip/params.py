"""Lists, quoted strings and parameters, of which most header fields are made.

Source: RFC 3261 section 25.1 (generic-param, quoted-string, COMMA, SEMI).
"""

import re
from collections.abc import Iterable

from plugins.pbx_sip.sip.errors import BadValue

Params = tuple[tuple[str, str], ...]
"""Names in small letters with their values, in order; a parameter without a value has ""."""

_TOKEN = re.compile(r"[\w.!%*+`'~-]+", re.ASCII)
_PLAIN = re.compile(r"[\w.!%*+`'~:\[\]-]+", re.ASCII)
_QUOTED = re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_WHOLE = r'"(?:[^"\\]++|\\.)*+"?|<[^>]*+>?'  # not to be split; to the end where it does not end
_SPLITS = {separator: re.compile(f"{_WHOLE}|{separator}", re.DOTALL) for separator in ",;"}


class Parameterised:
    """A value with parameters."""

    __slots__ = ()
    params: Params

    def param(self, name: str) -> str | None:
        """The value of the first parameter of a name in small letters; "" where it has none.

        Returns: None where there is no such parameter.
        """
        return next((value for key, value in self.params if key == name), None)


def is_token(text: str) -> bool:
    """Whether a text may stand where SIP wants a token: a method, an option tag, a tag."""
    return _TOKEN.fullmatch(text) is not None


def split_list(text: str, separator: str = ",") -> list[str]:
    """The parts of a list, stripped; what stands in quotes or angle brackets is not split.

    separator: "," or ";". Empty parts are kept: readers who tolerate them drop them.
    """
    if '"' not in text and "<" not in text:
        return [part.strip() for part in text.split(separator)]
    parts: list[str] = []
    begin = 0
    for match in _SPLITS[separator].finditer(text):
        if match.group() == separator:
            parts.append(text[begin : match.start()].strip())
            begin = match.end()
    parts.append(text[begin:].strip())
    return parts


def parse_params(text: str) -> Params:
    """The parameters in ";name=value;name"; empty ones are left out, quotes are taken off.

    Raises: BadValue when a quote does not end.
    """
    params = []
    for part in split_list(text, ";"):
        if part:
            name, _, value = part.partition("=")
            params.append((name.rstrip().lower(), unquote(value.strip())))
    return tuple(params)


def write_params(params: Iterable[tuple[str, str]]) -> str:
    """Parameters as they stand in a header field, each after a semicolon; values are quoted where they must be."""
    return "".join(
        f";{name}" if not value else f";{name}={value if _PLAIN.fullmatch(value) else quote(value)}"
        for name, value in params
    )


def quote(text: str) -> str:
    """The text as a quoted string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquote(text: str) -> str:
    """The text of a quoted string; any other text as it is.

    Raises: BadValue when the quote does not end.
    """
    if not text.startswith('"'):
        return text
    content, rest = cut_quoted(text)
    return content if not rest.strip() else text


def cut_quoted(text: str) -> tuple[str, str]:
    """The content of the quoted string that a text begins with, and what follows it.

    Raises: BadValue when the quote does not end.
    """
    match = _QUOTED.match(text)
    if match is None:
        raise BadValue(f"a quote does not end: {text[:40]!r}")
    return _ESCAPED.sub(r"\1", match.group(1)), text[match.end() :]
