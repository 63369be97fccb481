"""The same request sent twice is done once: answers are kept for a day under the client's idempotency key.

Source: draft-ietf-httpapi-idempotency-key-header-07.
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hub import ids
from hub.access.models import RepeatRow
from hub.clock import Clock, to_ms, utc_now
from hub.config.secrets import SecretBox
from hub.db.database import Database

_KEPT_MS = 24 * 3_600_000
_LEASE_MS = 60_000


class Turn(StrEnum):
    """What to do with a request that carries a key."""

    DO = "do"
    REPLAY = "replay"
    BUSY = "busy"
    MISMATCH = "mismatch"


@dataclass(frozen=True, slots=True)
class Claim:
    """The outcome of `begin`; status and answer are set for REPLAY."""

    turn: Turn
    status: int = 0
    answer: str = ""


class Repeats:
    """Keeps the answers; sealed, since one of them may hold a token that is shown only once."""

    def __init__(self, db: Database, secrets: SecretBox, *, clock: Clock = utc_now) -> None:
        self._db = db
        self._secrets = secrets
        self._clock = clock

    def begin(self, person_id: int, key: str, request_hash: bytes) -> Claim:
        """Claim `key` for this request, or say what became of the first one that carried it.

        A claim whose request died with its process is free again after a minute.
        """
        try:
            with self._db.write() as session:
                return self._claim(session, person_id, key, request_hash)
        except IntegrityError:
            return Claim(Turn.BUSY)  # another request claimed the key at the same moment

    def _claim(self, session: Session, person_id: int, key: str, request_hash: bytes) -> Claim:
        now_ms = to_ms(self._clock())
        session.execute(delete(RepeatRow).where(RepeatRow.created_ms <= now_ms - _KEPT_MS))
        row = session.scalar(
            select(RepeatRow).where(RepeatRow.person_id == person_id, RepeatRow.key == key).with_for_update()
        )
        if row is None:
            values = {"person_id": person_id, "key": key, "request_hash": request_hash, "created_ms": now_ms}
            session.execute(insert(RepeatRow).values(**values, leased_until_ms=now_ms + _LEASE_MS))
            return Claim(Turn.DO)
        if row.request_hash != request_hash:
            return Claim(Turn.MISMATCH)
        if row.status is not None and row.answer is not None:
            return Claim(Turn.REPLAY, row.status, self._secrets.unseal(row.answer, _context(person_id, key)))
        if row.leased_until_ms > now_ms:
            return Claim(Turn.BUSY)
        row.leased_until_ms = now_ms + _LEASE_MS
        return Claim(Turn.DO)

    def finish(self, person_id: int, key: str, status: int, answer: str) -> None:
        """Keep the answer for whoever asks again."""
        sealed = self._secrets.seal(answer, _context(person_id, key))
        with self._db.write() as session:
            session.execute(
                update(RepeatRow)
                .where(RepeatRow.person_id == person_id, RepeatRow.key == key)
                .values(status=status, answer=sealed)
            )

    def abandon(self, person_id: int, key: str) -> None:
        """Nothing was done under this key: it may be used again."""
        with self._db.write() as session:
            session.execute(
                delete(RepeatRow).where(
                    RepeatRow.person_id == person_id, RepeatRow.key == key, RepeatRow.status.is_(None)
                )
            )


def _context(person_id: int, key: str) -> str:
    return f"idempotency:{ids.to_text(person_id)}:{key}"
