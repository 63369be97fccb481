"""Places in a list as opaque text: sealed by the hub, and good for the very filter they came from."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from hub.config.errors import SecretError
from hub.config.secrets import SecretBox
from webui.api.v1.problem import ApiError, FieldError

_LONGEST = 1024


@dataclass(frozen=True, slots=True)
class Place:
    """Between which keys to go on; toward: "older" or "newer"."""

    keys: tuple[int, ...]
    toward: str


class Cursors:
    """Seals and opens cursors; AES-256-GCM keeps anyone from making or changing one, the filter is authenticated."""

    def __init__(self, secrets: SecretBox) -> None:
        self._secrets = secrets

    def seal(self, place: Place, person_id: int, list_filter: Any) -> str:
        """The cursor of `place` in the list of this person with this filter."""
        return self._secrets.seal(json.dumps([place.toward, *place.keys]), _context(person_id, list_filter))

    def open(self, cursor: str, person_id: int, list_filter: Any, keys: int) -> Place:
        """The place that a cursor stands for.

        keys: how many there must be.
        Raises: ApiError 400 for a cursor that was changed, belongs to another filter or person, or is no cursor.
        """
        if len(cursor) > _LONGEST:
            raise _refusal()
        try:
            toward, *found = json.loads(self._secrets.unseal(cursor, _context(person_id, list_filter)))
        except (SecretError, ValueError):
            raise _refusal() from None
        if len(found) != keys:
            raise _refusal()
        return Place(tuple(found), toward)


def _refusal() -> ApiError:
    text = "This cursor does not belong to this list."
    return ApiError(
        400,
        "bad-cursor",
        text,
        hint="Take cursors from the answer as they are, keep the filter, or start again without one.",
        errors=[FieldError(loc=["query", "cursor"], code="bad_cursor", msg=text)],
    )


def _context(person_id: int, list_filter: Any) -> str:
    canonical = json.dumps(list_filter, sort_keys=True, default=str)
    return f"cursor:{person_id}:{hashlib.sha256(canonical.encode()).hexdigest()}"
