"""Which recordings of different devices are one call: a key that both know it by, and the same time."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from hub.catalog.dialect import insert_into, lock_number
from hub.catalog.models import SameCall
from hub.clock import to_ms, utc_now

KEYS_MAX = 50
_SHARED_MS = 1000  # clocks of two machines differ; two calls of one key that follow one another must not be one
_LOCK_SPACE = 0x6361_6C6C  # locks of one call key
_SAME = SameCall.table()


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCall:
    """What one device recorded of a call, as the catalog notes it. keys: SHA-256 of each call key."""

    recording_id: int
    instance_id: int
    start_ms: int
    end_ms: int
    longest_ms: int | None
    keys: tuple[str, ...]

    def is_same(self, other: "KnownCall") -> bool:
        """Whether another device recorded the same call at the same time."""
        shared_ms = min(self.end_ms, other.end_ms) - max(self.start_ms, other.start_ms)
        shorter_ms = min(self.end_ms - self.start_ms, other.end_ms - other.start_ms)
        return (
            self.instance_id != other.instance_id
            and not set(self.keys).isdisjoint(other.keys)
            and shared_ms >= max(min(_SHARED_MS, shorter_ms // 2), 1)
        )


def hash_keys(keys: Sequence[str]) -> tuple[str, ...]:
    """The SHA-256 of each call key, once."""
    return tuple(
        dict.fromkeys(hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest() for key in keys[:KEYS_MAX])
    )


def settle(session: Session, calls: Sequence[KnownCall]) -> dict[int, int]:
    """Note calls, and find those that another device brought before, also among `calls`, where the longest comes first.

    Of several, the one that shares most of the time is it. Two workers that bring the same call wait for each other.
    Returns: recording id of a call -> the id of the older recording that it joins.
    """
    wanted = sorted({key for call in calls for key in call.keys})
    if not wanted:
        return {}
    for key in wanted:
        lock_number(session, _LOCK_SPACE, int(key[:8], 16))
    known = _known(session, wanted)
    joined: dict[int, int] = {}
    noted: list[KnownCall] = []
    for call in sorted(calls, key=lambda each: each.start_ms - each.end_ms):
        older = [each for each in known if each.is_same(call)]
        if older:
            best = max(older, key=lambda each: min(each.end_ms, call.end_ms) - max(each.start_ms, call.start_ms))
            joined[call.recording_id] = best.recording_id
        kept = replace(call, recording_id=joined.get(call.recording_id, call.recording_id))
        known.append(kept)
        noted.append(kept)
    _note(session, noted)
    return joined


def longest_ms(session: Session, recording_id: int) -> int | None:
    """How long the recording may be; the strictest of its devices' rules."""
    found: int | None = session.scalar(select(func.min(_SAME.c.longest_ms)).where(_SAME.c.recording_id == recording_id))
    return found


def forget_calls(session: Session, older_than: datetime) -> int:
    """Forget keys of calls that no other device will bring any more.

    Returns: how many.
    """
    gone = delete(_SAME).where(_SAME.c.noted_ms < to_ms(older_than)).returning(_SAME.c.recording_id)
    return len(session.execute(gone).all())


def _known(session: Session, wanted: Sequence[str]) -> list[KnownCall]:
    rows = session.execute(select(_SAME).where(_SAME.c.key_sha256.in_(wanted)).order_by(_SAME.c.recording_id))
    return [
        KnownCall(
            recording_id=row.recording_id,
            instance_id=row.instance_id,
            start_ms=row.start_ms,
            end_ms=row.end_ms,
            longest_ms=row.longest_ms,
            keys=(row.key_sha256,),
        )
        for row in rows
    ]


def _note(session: Session, calls: Sequence[KnownCall]) -> None:
    now_ms = to_ms(utc_now())
    rows: list[dict[str, Any]] = [
        {
            "key_sha256": key,
            "recording_id": call.recording_id,
            "instance_id": call.instance_id,
            "start_ms": call.start_ms,
            "end_ms": call.end_ms,
            "longest_ms": call.longest_ms,
            "noted_ms": now_ms,
        }
        for call in calls
        for key in call.keys
    ]
    if rows:
        session.execute(insert_into(session, _SAME).on_conflict_do_nothing(), rows)
