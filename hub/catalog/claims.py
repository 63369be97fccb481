"""Who comes first: a hand-over is committed once, and the same speech bytes or the same call make one recording."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, tuple_, update
from sqlalchemy.orm import Session

from hub import ids
from hub.catalog import same_calls
from hub.catalog.dialect import insert_into
from hub.catalog.models import Mergeable, Origin, Recording
from hub.catalog.prepared import MediaKind, PreparedRecording
from hub.catalog.same_calls import KnownCall
from hub.clock import to_ms
from hub.db.plain import injective_text, storable_text

ORIGIN_LENGTH = 512
_ORIGIN, _MERGEABLE, _RECORDING = Origin.table(), Mergeable.table(), Recording.table()

OriginKey = tuple[int, str]


@dataclass(slots=True)
class Claim:
    """A prepared recording and what the catalog makes of it.

    recording_id: of the recording that is kept. is_new: it was never handed over before. is_merged: an older recording
    has the same bytes. is_joined: an older recording is of the same call, by another device.
    """

    prepared: PreparedRecording
    key: OriginKey
    recording_id: int
    is_new: bool = False
    is_merged: bool = False
    is_joined: bool = False

    @property
    def becomes_recording(self) -> bool:
        """Whether a new recording is to be written."""
        return self.is_new and not (self.is_merged or self.is_joined)


def claim(session: Session, prepared: Sequence[PreparedRecording]) -> list[Claim]:
    """Settle what each prepared recording becomes; its origin is written, its recording is not yet."""
    claims = [Claim(item, origin_key(item.instance_id, item.draft.origin_id), item.recording_id) for item in prepared]
    first = {claim.key: claim for claim in reversed(claims)}
    known = known_origins(session, list(first))
    fresh = [claim for key, claim in sorted(first.items()) if key not in known]
    _give_free_ids(session, fresh)
    _write_origins(session, fresh, known)
    _merge(session, [claim for claim in fresh if claim.is_new])
    _join_calls(session, [claim for claim in fresh if claim.becomes_recording])
    known |= {claim.key: claim.recording_id for claim in fresh if claim.is_new}
    for each in claims:
        each.recording_id = known[each.key]
    return claims


def find_known(session: Session, instance_id: int, origin_id: str, sha256: Sequence[str], *, merge: bool) -> int | None:
    """The recording that this hand-over became before, or with `merge` the one with the same original bytes."""
    key = origin_key(instance_id, origin_id)
    found = known_origins(session, [key]).get(key)
    if found is None and merge and sha256:
        found = session.scalar(select(_MERGEABLE.c.recording_id).where(_MERGEABLE.c.sha256 == _joined(sha256)))
    return found


def origin_key(instance_id: int, origin_id: str) -> OriginKey:
    """What makes a hand-over unique, whatever bytes its name has."""
    return instance_id, injective_text(origin_id, ORIGIN_LENGTH)


def known_origins(session: Session, keys: Sequence[OriginKey]) -> dict[OriginKey, int]:
    """Which of these hand-overs were committed before, and the recording of each."""
    query = select(_ORIGIN.c.instance_id, _ORIGIN.c.origin_id, _ORIGIN.c.recording_id).where(
        tuple_(_ORIGIN.c.instance_id, _ORIGIN.c.origin_id).in_(keys)
    )
    return {(row.instance_id, row.origin_id): row.recording_id for row in session.execute(query)}


def _give_free_ids(session: Session, fresh: Sequence[Claim]) -> None:
    """Ids hold 22 bits of chance within a millisecond: two recordings may have drawn the same one."""
    wanted = [claim.recording_id for claim in fresh]
    taken = set(session.scalars(select(_RECORDING.c.id).where(_RECORDING.c.id.in_(wanted))))
    for claim in fresh:
        while claim.recording_id in taken:
            claim.recording_id = ids.new_id()
        taken.add(claim.recording_id)


def _write_origins(session: Session, fresh: Sequence[Claim], known: dict[OriginKey, int]) -> None:
    """Write them; what another worker wrote meanwhile goes to `known`."""
    rows = [
        {
            "recording_id": claim.recording_id,
            "instance_id": claim.key[0],
            "origin_id": claim.key[1],
            "receipt_id": claim.prepared.receipt_id,
            "server": storable_text(claim.prepared.draft.origin_server, ORIGIN_LENGTH),
            "name": storable_text(claim.prepared.draft.origin_name, ORIGIN_LENGTH),
            "first_seen_ms": to_ms(claim.prepared.received_at),
        }
        for claim in fresh
    ]
    if not rows:
        return
    statement = insert_into(session, _ORIGIN).on_conflict_do_nothing(index_elements=["instance_id", "origin_id"])
    written = session.execute(statement.returning(_ORIGIN.c.instance_id, _ORIGIN.c.origin_id), rows)
    ours = {(row.instance_id, row.origin_id) for row in written}
    for claim in fresh:
        claim.is_new = claim.key in ours
    known |= known_origins(session, [claim.key for claim in fresh if not claim.is_new])


def _merge(session: Session, fresh: Sequence[Claim]) -> None:
    """Let recordings with the same original bytes become one, if they may."""
    candidates: dict[str, list[Claim]] = {}
    for claim in fresh:
        if seal := _merge_seal(claim.prepared):
            candidates.setdefault(seal, []).append(claim)
    if not candidates:
        return
    rows = [{"sha256": seal, "recording_id": claims[0].recording_id} for seal, claims in sorted(candidates.items())]
    statement = insert_into(session, _MERGEABLE).on_conflict_do_nothing(index_elements=["sha256"])
    session.execute(statement, rows)
    query = select(_MERGEABLE.c.sha256, _MERGEABLE.c.recording_id).where(_MERGEABLE.c.sha256.in_(candidates))
    kept = {row.sha256: row.recording_id for row in session.execute(query)}
    for seal, claims in candidates.items():
        for claim in claims:
            if claim.recording_id != kept[seal]:
                claim.is_merged = True
                _give(session, claim, kept[seal])


def _join_calls(session: Session, fresh: Sequence[Claim]) -> None:
    """Let what two devices recorded of one call become one recording."""
    by_id = {claim.recording_id: claim for claim in fresh if _may_join(claim.prepared)}
    for recording_id, older in same_calls.settle(session, [_known_call(claim) for claim in by_id.values()]).items():
        by_id[recording_id].is_joined = True
        _give(session, by_id[recording_id], older)


def _may_join(prepared: PreparedRecording) -> bool:
    """Whether it is of one piece, and its sound is understood."""
    is_whole = sum(media.kind is MediaKind.ORIGINAL for media in prepared.media) == 1
    return is_whole and bool(prepared.draft.call_keys) and not (prepared.problem or prepared.draft.problem)


def _known_call(claim: Claim) -> KnownCall:
    prepared = claim.prepared
    start_ms, longest_s = to_ms(prepared.draft.started_at), prepared.draft.longest_s
    return KnownCall(
        recording_id=claim.recording_id,
        instance_id=prepared.instance_id,
        start_ms=start_ms,
        end_ms=start_ms + round(prepared.duration_s * 1000),
        longest_ms=None if longest_s is None else round(longest_s * 1000),
        keys=same_calls.hash_keys(prepared.draft.call_keys),
    )


def _give(session: Session, claim: Claim, recording_id: int) -> None:
    """Give a claim's origin to an older recording."""
    claim.recording_id = recording_id
    session.execute(
        update(_ORIGIN)
        .where(_ORIGIN.c.instance_id == claim.key[0], _ORIGIN.c.origin_id == claim.key[1])
        .values(recording_id=recording_id)
    )
    session.execute(
        update(_RECORDING)
        .where(_RECORDING.c.id == recording_id)
        .values(origin_count=_RECORDING.c.origin_count + 1, revision=_RECORDING.c.revision + 1)
    )


def _merge_seal(prepared: PreparedRecording) -> str:
    """What recordings are merged by, "" if this one never is."""
    if not (prepared.draft.merge_same_media and prepared.has_speech):
        return ""
    originals = sorted((media for media in prepared.media if media.kind is MediaKind.ORIGINAL), key=lambda m: m.part)
    return _joined([media.sha256 for media in originals])


def _joined(sha256: Sequence[str]) -> str:
    """One SHA-256 for the parts of a recording in their order; that of a single part is its own."""
    if len(sha256) < 2:
        return "".join(sha256)
    return hashlib.sha256("".join(sha256).encode()).hexdigest()
