"""Registrations kept over a restart, as a telephone system does not register anew before they run out."""

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from hub.sdk import State

_KEY = "registrations"
_SALT_BYTES = 16
_WORK = {"n": 1 << 14, "r": 8, "p": 1}  # RFC 7914 section 2: some 50 ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A Contact of an address of record.

    until_s: since 1970, UTC. call_id, number: of the REGISTER. host: its sender.
    """

    aor: str
    contact: str
    until_s: float
    call_id: str
    number: int
    host: str


class RegistrationMemory:
    """What was kept under these secrets; under others nothing is known."""

    def __init__(self, state: State, known_secrets: Mapping[str, str]) -> None:
        """known_secrets: by user. Raises: RetryLater."""
        self._state = state
        kept: dict[str, Any] = state.get(_KEY) or {}
        self._salt = bytes.fromhex(kept.get("salt", "")) or secrets.token_bytes(_SALT_BYTES)
        content = json.dumps(sorted(known_secrets.items())).encode()
        self._proof = hashlib.scrypt(content, salt=self._salt, **_WORK).hex()
        self._kept = kept.get("registrations", ()) if kept.get("proof") == self._proof else ()

    def read(self) -> tuple[Registration, ...]:
        """What was kept before this was made; nothing if that is of another version of the hub."""
        with suppress(TypeError):
            return tuple(Registration(**each) for each in self._kept)
        return ()

    def write(self, registrations: Iterable[Registration]) -> None:
        """Keep all that there are now. Raises: RetryLater."""
        rows = [asdict(each) for each in registrations]
        self._state.put(_KEY, {"salt": self._salt.hex(), "proof": self._proof, "registrations": rows})
