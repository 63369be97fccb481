"""Recordings as the desk and the vault would hand them to the catalog."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import true

from hub import ids
from hub.catalog.commit import commit_recordings
from hub.catalog.prepared import Committed, MediaKind, PreparedMedia, PreparedRecording, Verified
from hub.catalog.query import Visible
from hub.db.database import Database
from hub.sdk import Direction, Owner, OwnerKind, Party, RecordingDraft, Role

EVERYTHING = Visible(true())
OWN_KINDS = frozenset(MediaKind) - {MediaKind.PARALLEL}
"""The kinds of media that a recording has without any other device."""

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
_numbers = count(1)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def media(kind: MediaKind = MediaKind.ORIGINAL, **changes: Any) -> PreparedMedia:
    number = next(_numbers)
    made = PreparedMedia(
        kind=kind,
        part=0,
        store_id=1,
        key=f"2026/11/20/{number}.{kind}",
        size_bytes=960_044,
        sha256=sha256(f"media {number}"),
        container="wav",
        codec="pcm_mulaw",
        sample_rate_hz=8000,
        channels=1,
        duration_s=60.0,
        browser_playable=kind is MediaKind.DERIVED,
        verified_by=Verified.SHA256,
    )
    return replace(made, **changes)


def draft(**changes: Any) -> RecordingDraft:
    """An incoming call of Anna at extension 201."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "origin_id": f"/opt/vmpro/MM/VRL/{number}.wav",
        "started_at": NOON,
        "media": (),
        "origin_server": "vmpro-1",
        "origin_name": f"{number}.wav",
        "direction": Direction.INCOMING,
        "parties": (
            Party(number="+49 30 1234567", role=Role.CALLER),
            Party(number="201", name="Anna Müller", role=Role.CALLED),
        ),
        "owner": Owner(kind=OwnerKind.USER, id="201", name="Anna Müller"),
        "agent": "Anna Müller",
        "target": "201",
        "skill": "Billing",
        "call_id": f"call-{number}",
        "fields": {"ucid": f"000{number}"},
        "provenance": {"direction": "filename"},
    }
    return RecordingDraft(**values | changes)


def prepared(instance_id: int = 7, **changes: Any) -> PreparedRecording:
    """A prepared recording; fields of the draft and of the recording alike may be given."""
    own = {name: changes.pop(name) for name in list(changes) if name in PreparedRecording.__dataclass_fields__}
    made = own.pop("draft", None) or draft(**changes)
    values: dict[str, Any] = {
        "recording_id": ids.new_id(),
        "receipt_id": sha256(f"{instance_id} {made.origin_id}"),
        "instance_id": instance_id,
        "draft": made,
        "received_at": made.started_at + timedelta(minutes=2),
        "duration_s": 60.0,
        "has_speech": True,
        "mixed": False,
        "media": (media(), media(MediaKind.DERIVED), media(MediaKind.PEAKS)),
    }
    return PreparedRecording(**values | own)


def commit(db: Database, *recordings: PreparedRecording, timezone: str = "UTC") -> list[Committed]:
    with db.write() as session:
        return commit_recordings(session, recordings, timezone_of=lambda _: timezone)


def commit_one(db: Database, **changes: Any) -> int:
    """Commit a recording of its own; its id."""
    return commit(db, prepared(**changes))[0].recording_id
