"""What the audit trail keeps of a recording, by which its parts are proved unchanged."""

import hashlib
from collections.abc import Sequence

from pydantic import JsonValue

from hub.catalog.prepared import PreparedMedia
from hub.db.types import canonical_json


def seal_media(item: PreparedMedia) -> dict[str, JsonValue]:
    """The seal of a media object."""
    return {"kind": item.kind.value, "part": item.part, "size_bytes": item.size_bytes, "sha256": item.sha256}


def seal_timeline(values: Sequence[JsonValue]) -> dict[str, JsonValue]:
    """The seal of events as they are stored."""
    return {"events": len(values), "sha256": hashlib.sha256(canonical_json(values).encode()).hexdigest()}
