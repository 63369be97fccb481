"""JSON as RFC 8259 has it: no NaN, no Infinity, and no key twice, of which two readers could each see another."""

import json
from typing import Any, NoReturn

from starlette.requests import Request


def loads_strictly(text: bytes) -> Any:
    """The value of a JSON text.

    Raises: json.JSONDecodeError; UnicodeDecodeError, RecursionError for what is no text or nested without end.
    """
    return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_object_of)


def _refuse_constant(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is no JSON", name, 0)


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise json.JSONDecodeError(f"the key {twice[:64]!r} stands there twice", "", 0)
    return found


class StrictRequest(Request):
    """A request whose body is read strictly."""

    async def json(self) -> Any:
        """The body's value."""
        return loads_strictly(await self.body())
