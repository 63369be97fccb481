"""Stored media back on this machine's disk, for work on it."""

import hashlib
from pathlib import Path

from hub.catalog.recording import Media, StoredCopy
from hub.jobs.errors import JobHopeless
from hub.sdk import AuthError, NotFound, RetryLater
from hub.vault.stores import Stores

_CHUNK_BYTES = 1 << 20


def fetch(stores: Stores, media: Media, target: Path) -> StoredCopy:
    """Copy a media object from a store that has it; its bytes are compared with its seal.

    Returns: the copy it came from.
    Raises: RetryLater; JobHopeless if no intact copy is left.
    """
    trouble: Exception | None = None
    for copy in media.copies:
        digest = hashlib.sha256()
        try:
            with stores.open(copy.store_id, copy.key) as reader, target.open("wb") as writer:
                while chunk := reader.read(_CHUNK_BYTES):
                    digest.update(chunk)
                    writer.write(chunk)
        except (RetryLater, AuthError, OSError) as exc:
            trouble = exc
            continue
        except NotFound:
            continue
        if digest.hexdigest() == media.sha256:
            return copy
    if trouble is not None:
        raise RetryLater(str(trouble)) from trouble
    where = f" of {media.copies[0].key}" if media.copies else ""
    raise JobHopeless(f"no intact copy{where} is left")
