"""What lies in one folder of the spool: a recording or a call detail that the hub has promised to keep.

Layout of an entry's folder, whose name is the receipt:
    entry.json     what was handed over, and what intake added (see `encode_entry`)
    media-0 ...    the original bytes of each media file
    attempts       how often work on it began, as a decimal number; missing means never
    forms/         what the desk made of it, written anew by each attempt
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from hub.clock import from_ms, to_ms
from hub.ingest.drafts import decode_detail, decode_draft, encode_detail, encode_draft
from hub.sdk import BadRecording, CallDetail, MediaFile, RecordingDraft

ENTRY_NAME = "entry.json"
ATTEMPTS_NAME = "attempts"
FORMS_NAME = "forms"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class SpooledMedia:
    """One media file as intake wrote it; name: what the source called it."""

    path: Path
    name: str
    size_bytes: int
    sha256: str
    channel_parties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing in the spool: `item` is a draft, whose media paths lead into `folder`, or a call detail.

    recording_id: given at intake, so that every retry means the same recording; 0 for a call detail.
    attempts: how often work on it began before now.
    """

    receipt_id: str
    instance_id: int
    recording_id: int
    received_at: datetime
    folder: Path
    item: RecordingDraft | CallDetail
    media: tuple[SpooledMedia, ...] = ()
    attempts: int = 0

    @property
    def origin_name(self) -> str:
        """What people know it by."""
        if isinstance(self.item, CallDetail):
            return self.item.detail_id
        return self.item.origin_name or self.item.origin_id

    @property
    def size_bytes(self) -> int:
        """Room that its media takes."""
        return sum(media.size_bytes for media in self.media)

    @property
    def sha256(self) -> tuple[str, ...]:
        """Seal of each media file."""
        return tuple(media.sha256 for media in self.media)


def name_receipt(instance_id: int, origin_id: str, kind: str = "recording") -> str:
    """The receipt of what source instance `instance_id` calls `origin_id`: lowercase hex of a SHA-256."""
    return hashlib.sha256(f"{kind}\0{instance_id}\0{origin_id}".encode("utf-16-le", "surrogatepass")).hexdigest()


def encode_entry(entry: Entry) -> bytes:
    """The text of entry.json; media paths in it are relative to the entry's folder.

    Raises: BadRecording if a time has no time zone.
    """
    is_draft = isinstance(entry.item, RecordingDraft)
    try:
        item = encode_draft(entry.item) if isinstance(entry.item, RecordingDraft) else encode_detail(entry.item)
    except ValueError as exc:
        raise BadRecording(f"{entry.origin_name}: {exc}", hint="Report it to the author of the plug-in.") from exc
    data = {
        "version": _VERSION,
        "kind": "recording" if is_draft else "detail",
        "receipt_id": entry.receipt_id,
        "instance_id": entry.instance_id,
        "recording_id": entry.recording_id,
        "received_at_ms": to_ms(entry.received_at),
        "media": [
            {"name": media.name, "size_bytes": media.size_bytes, "sha256": media.sha256} for media in entry.media
        ],
        "item": item,
    }
    return json.dumps(data, separators=(",", ":")).encode("ascii")


def read_entry(folder: Path) -> Entry:
    """What lies in `folder`.

    Raises: BadRecording if entry.json is damaged or of a newer hub; OSError if it cannot be read.
    """
    text = (folder / ENTRY_NAME).read_bytes()
    try:
        return _decode_entry(json.loads(text), folder)
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise BadRecording(
            f"The spool entry {folder.name} cannot be read: {type(exc).__name__} {exc}",
            hint="It was written by a newer hub, or the disk is damaged; its media can be downloaded from quarantine.",
        ) from exc


def _decode_entry(data: Any, folder: Path) -> Entry:
    if data["version"] != _VERSION:
        raise ValueError(f"version {data['version']}, known is {_VERSION}")
    item = decode_draft(data["item"], folder) if data["kind"] == "recording" else decode_detail(data["item"])
    files = [media for media in getattr(item, "media", ()) if isinstance(media, MediaFile)]
    media = tuple(
        SpooledMedia(file.path, seal["name"], seal["size_bytes"], seal["sha256"], file.channel_parties)
        for file, seal in zip(files, data["media"], strict=True)
    )
    return Entry(
        receipt_id=data["receipt_id"],
        instance_id=data["instance_id"],
        recording_id=data["recording_id"],
        received_at=from_ms(data["received_at_ms"]),
        folder=folder,
        item=item,
        media=media,
        attempts=read_attempts(folder),
    )


def read_attempts(folder: Path) -> int:
    """How often work on the entry in `folder` began."""
    try:
        return int((folder / ATTEMPTS_NAME).read_bytes() or b"1")
    except FileNotFoundError:
        return 0
    except ValueError:
        return 1
