"""What lies in one folder of the spool: what the hub has promised to keep.

Layout of an entry's folder, whose name is the receipt:
    entry.json     what was handed over, and what intake added (see `encode_entry`)
    media-0 ...    the original bytes of each media file
    attempts       "<attempts> <crashes>": how often work on it began and came to no end, and how often the desk crashed
    made-0.* ...   what the desk made of each media file, written anew by each attempt
    reason.json    why it was set aside, in quarantine only
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from hub.clock import from_ms, to_ms
from hub.ingest.drafts import (
    decode_absence,
    decode_detail,
    decode_draft,
    encode_absence,
    encode_detail,
    encode_draft,
)
from hub.sdk import AbsentCall, BadRecording, CallDetail, MediaFile, RecordingDraft

ENTRY_NAME = "entry.json"
ATTEMPTS_NAME = "attempts"
MADE_STEM = "made-"
REASON_NAME = "reason.json"
_VERSION = 1
_YEARS = (1900, 2200)


Item = RecordingDraft | CallDetail | AbsentCall
"""What a source hands over."""


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
    """One thing in the spool: a draft, whose media paths lead into `folder`, a call detail, or an absent call.

    recording_id: given at intake, so that every retry means the same recording; 0 for anything else than a draft.
    attempts: how often work on it began and the worker died. crashes: how often it made the desk crash.
    """

    receipt_id: str
    instance_id: int
    recording_id: int
    received_at: datetime
    folder: Path
    item: Item
    media: tuple[SpooledMedia, ...] = ()
    attempts: int = 0
    crashes: int = 0

    @property
    def origin_name(self) -> str:
        """What people know it by."""
        match self.item:
            case CallDetail():
                return self.item.detail_id
            case AbsentCall():
                return self.item.absence_id
            case RecordingDraft():
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

    Raises: BadRecording if a time has no time zone, or a value is not what it should be.
    """
    _refuse_odd_times(entry)
    try:
        kind, item = _encode_item(entry.item)
    except (ValueError, TypeError, AttributeError) as exc:
        raise BadRecording(f"{entry.origin_name}: {exc}", hint="Report it to the author of the plug-in.") from exc
    data = {
        "version": _VERSION,
        "kind": kind,
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


def _encode_item(item: Item) -> tuple[str, dict[str, Any]]:
    match item:
        case CallDetail():
            return "detail", encode_detail(item)
        case AbsentCall():
            return "absence", encode_absence(item)
        case RecordingDraft():
            return "recording", encode_draft(item)


def _decode_item(kind: str, data: Any, folder: Path) -> Item:
    match kind:
        case "recording":
            return decode_draft(data, folder)
        case "detail":
            return decode_detail(data)
        case "absence":
            return decode_absence(data)
        case _:
            raise ValueError(f"kind {kind}")


def _refuse_odd_times(entry: Entry) -> None:
    if not _YEARS[0] <= entry.item.started_at.year <= _YEARS[1]:
        raise BadRecording(
            f"{entry.origin_name!r} says it began in the year {entry.item.started_at.year}",
            hint="Correct the clock of the device, or the rule that reads the time.",
        )


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
    item = _decode_item(data["kind"], data["item"], folder)
    files = [media for media in getattr(item, "media", ()) if isinstance(media, MediaFile)]
    media = tuple(
        SpooledMedia(file.path, seal["name"], seal["size_bytes"], seal["sha256"], file.channel_parties)
        for file, seal in zip(files, data["media"], strict=True)
    )
    attempts, crashes = read_attempts(folder)
    return Entry(
        receipt_id=data["receipt_id"],
        instance_id=data["instance_id"],
        recording_id=data["recording_id"],
        received_at=from_ms(data["received_at_ms"]),
        folder=folder,
        item=item,
        media=media,
        attempts=attempts,
        crashes=crashes,
    )


def read_attempts(folder: Path) -> tuple[int, int]:
    """How often work on the entry in `folder` began and came to no end, and how often the desk crashed over it."""
    try:
        attempts, crashes = (folder / ATTEMPTS_NAME).read_text().split()
        return int(attempts), int(crashes)
    except FileNotFoundError:
        return 0, 0
    except ValueError:  # the machine stopped while it was written
        return 1, 0


def write_attempts(folder: Path, attempts: int, crashes: int) -> None:
    """Write down what `read_attempts` reads."""
    if attempts or crashes:
        (folder / ATTEMPTS_NAME).write_text(f"{attempts} {crashes}")
    else:
        (folder / ATTEMPTS_NAME).unlink(missing_ok=True)
