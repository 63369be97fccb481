"""The header fields of a message: kept in order as they came, found under every spelling of their names.

Source: RFC 3261 section 7.3; compact forms: the IANA registry of SIP header fields.
"""

from collections.abc import Iterable, Iterator, Sequence

from plugins.pbx_sip.sip.params import split_list

Field = tuple[str, str]
"""A name as it was written and its value on one line."""

_COMPACT = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "n": "identity-info",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}
_USUAL = (
    "Accept", "Allow", "Authorization", "CSeq", "Call-ID", "Contact", "Content-Length", "Content-Type", "Expires",
    "From", "Max-Forwards", "Min-SE", "Record-Route", "Require", "Route", "Session-Expires", "Supported", "To",
    "User-Agent", "Via",
)  # fmt: skip
_FULL = {name: name.lower() for name in _USUAL} | _COMPACT | {short.upper(): name for short, name in _COMPACT.items()}


def expand_name(name: str) -> str:
    """The one spelling under which a name is looked up: in small letters, a compact form expanded."""
    return _FULL.get(name) or name.lower()


class Headers:
    """Header fields that do not change; every change makes new ones."""

    __slots__ = ("_fields", "_values")

    def __init__(self, fields: Iterable[Field] = ()) -> None:
        self._fields = tuple(fields)
        self._values: dict[str, list[str]] = {}  # filled when something is looked up

    def __iter__(self) -> Iterator[Field]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __contains__(self, name: str) -> bool:
        return bool(self._find(name))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self._fields == other._fields

    def __hash__(self) -> int:
        return hash(self._fields)

    def __repr__(self) -> str:
        return f"Headers({list(self._fields)!r})"

    def all(self, name: str) -> list[str]:
        """The values of every field of a name, one for each line."""
        return list(self._find(name))

    def get(self, name: str) -> str | None:
        """The value of the first field of a name."""
        values = self._find(name)
        return values[0] if values else None

    def items(self, name: str) -> list[str]:
        """The values of a name that is a list: of every line, parted at commas, without empty ones."""
        return [item for value in self._find(name) for item in split_list(value) if item]

    def extensions(self) -> list[Field]:
        """The fields whose names begin with X-, as vendors write them."""
        return [(name, value) for name, value in self._fields if name[:2] in {"X-", "x-"}]

    def added(self, *fields: Field) -> "Headers":
        """These with more behind them."""
        return Headers(self._fields + fields)

    def without(self, name: str) -> "Headers":
        """These without a name."""
        unwanted = expand_name(name)
        return Headers(field for field in self._fields if expand_name(field[0]) != unwanted)

    def replaced(self, name: str, *values: str) -> "Headers":
        """These with the values of a name in place of those they have, where the first of them stood or at the end."""
        wanted = expand_name(name)
        fields: list[Field] = []
        own = [(name, value) for value in values]
        for field in self._fields:
            if expand_name(field[0]) == wanted:
                fields += own
                own = []
            else:
                fields.append(field)
        return Headers(fields + own)

    def _find(self, name: str) -> Sequence[str]:
        values = self._values
        if not values:
            for key, value in self._fields:
                values.setdefault(expand_name(key), []).append(value)
        return values.get(expand_name(name), ())
