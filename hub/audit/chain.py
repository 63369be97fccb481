"""How a line of the trail is hashed."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from hub.db.types import canonical_json

GENESIS = bytes(32)
"""What stands before the first line."""

_SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain at one moment: whoever keeps it elsewhere can prove every line up to it."""

    seq: int
    hash: str
    sealed_ms: int

    def as_json(self) -> dict[str, Any]:
        """As a value to send off the machine."""
        return {"seq": self.seq, "hash": self.hash, "sealed_ms": self.sealed_ms}


def line_hash(previous: bytes, seq: int, line: Any) -> bytes:
    """SHA-256 over the hash before and the line in canonical JSON.

    line: anything with the columns of `AuditLine`.
    """
    text = canonical_json(
        {
            "seq": seq,
            "id": line.id,
            "at_ms": line.at_ms,
            "action": line.action,
            "person_id": line.person_id,
            "via": line.via,
            "request_id": line.request_id,
            "subject": line.subject,
            "facts": line.facts,
            "commitments": line.commitments,
        }
    )
    return hashlib.sha256(previous + text.encode()).digest()


def fresh_salt() -> bytes:
    """Chance that keeps an erased value from being guessed: telephone numbers are few."""
    return secrets.token_bytes(_SALT_BYTES)


def commitment(salt: bytes, key: str, value: str) -> str:
    """SHA-256 over salt, key and value; says nothing about the value once the salt is erased.

    value: canonical JSON.
    """
    return hashlib.sha256(salt + canonical_json([key, value]).encode()).hexdigest()
