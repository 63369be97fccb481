"""Putting one object into one store, and being sure that it is there."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import BinaryIO

from hub import ids
from hub.catalog.prepared import MediaKind, Verified
from hub.sdk import BadRecording, NotFound, RetryLater, StoredObject
from hub.steps import DurableStep, reached
from hub.vault.stores import Stores

_CHUNK_BYTES = 1 << 20
_MARK_LETTERS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAs:
    """Where an object is now, and how that was made sure."""

    key: str
    verified_by: Verified


def make_stem(recording_id: int, started_at: datetime, part: int) -> str:
    """What the keys of one part of a recording begin with: `2026/11/21/<id>[-<part>]`."""
    day = started_at.astimezone(UTC)
    return f"{day.year:04}/{day.month:02}/{day.day:02}/{ids.to_text(recording_id)}{f'-{part}' if part else ''}"


def make_key(stem: str, kind: MediaKind, extension: str) -> str:
    """The key of an object: the stem, then `.orig.<extension>`, `.<extension>` or `.peaks`."""
    match kind:
        case MediaKind.ORIGINAL | MediaKind.PARALLEL:
            return f"{stem}.orig.{extension}"
        case MediaKind.DERIVED:
            return f"{stem}.{extension}"
        case MediaKind.PEAKS:
            return f"{stem}.peaks"


def stem_of(original_key: str) -> str:
    """The stem that the key of an original begins with."""
    return original_key.rpartition(".orig.")[0]


def place(
    stores: Stores,
    store_id: int,
    key: str,
    open_reader: Callable[[], BinaryIO],
    seal: tuple[int, str],
    *,
    read_back: bool,
) -> StoredAs:
    """Put what `open_reader` gives under `key`, or beside it if `key` is taken by other bytes, and verify it.

    seal: size and SHA-256. read_back: read all of it again, also where the store tells a checksum.
    Raises: BadRecording (it is not what `seal` says); RetryLater, AuthError, StoreFault (the store).
    """
    size_bytes, sha256 = seal
    try:
        stored = _put(stores, store_id, key, open_reader, seal)
    except BadRecording:
        if not _is_taken(stores, store_id, key, seal) or not _is_sound(open_reader, seal):
            raise
        # An attempt that was cut short may have left another form of the same recording under this key.
        path = PurePosixPath(key)
        key = str(path.with_name(f"{path.name.partition('.')[0]}~{sha256[:_MARK_LETTERS]}{''.join(path.suffixes)}"))
        stored = _put(stores, store_id, key, open_reader, seal)
    reached(DurableStep.VAULT_OBJECT_PUT)
    verified_by = _verify(stores, store_id, replace(stored, key=key), size_bytes, sha256, read_back=read_back)
    return StoredAs(key=key, verified_by=verified_by)


def _put(
    stores: Stores, store_id: int, key: str, open_reader: Callable[[], BinaryIO], seal: tuple[int, str]
) -> StoredObject:
    with open_reader() as reader:
        return stores.put(store_id, key, reader, *seal)


def _verify(
    stores: Stores, store_id: int, stored: StoredObject, size_bytes: int, sha256: str, *, read_back: bool
) -> Verified:
    if stored.size_bytes != size_bytes or stored.sha256.lower() not in {"", sha256}:
        raise RetryLater(
            f"{stores.name(store_id)} says that {stored.key} has {stored.size_bytes} bytes with SHA-256 "
            f"{stored.sha256 or 'unknown'}, {size_bytes} bytes with {sha256} were sent",
            hint="Check the storage: what it keeps is not what it is given.",
        )
    if stored.sha256 and not read_back:
        return Verified.SHA256
    with stores.open(store_id, stored.key) as reader:
        found = _digest(reader)
    if found != (size_bytes, sha256):
        raise RetryLater(
            f"{stores.name(store_id)} gives {found[0]} bytes with SHA-256 {found[1]} back for {stored.key}, "
            f"{size_bytes} bytes with {sha256} were sent",
            hint="Check the storage: what it keeps is not what it is given.",
        )
    return Verified.READ_BACK


def _is_taken(stores: Stores, store_id: int, key: str, seal: tuple[int, str]) -> bool:
    try:
        held = stores.stat(store_id, key)
    except NotFound:
        return False
    if held.size_bytes != seal[0]:
        return True
    with stores.open(store_id, key) as reader:
        return _digest(reader) != seal


def _is_sound(open_reader: Callable[[], BinaryIO], seal: tuple[int, str]) -> bool:
    with open_reader() as reader:
        return _digest(reader) == seal


def _digest(reader: BinaryIO) -> tuple[int, str]:
    digest, size_bytes = hashlib.sha256(), 0
    while chunk := reader.read(_CHUNK_BYTES):
        digest.update(chunk)
        size_bytes += len(chunk)
    return size_bytes, digest.hexdigest()
