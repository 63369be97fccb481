"""What was set aside: why, since when, and the ways back. It lives in the spool's folder and so survives anything."""

import json
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

import structlog

from hub.alerts.board import Board
from hub.alerts.codes.storage import QUARANTINE
from hub.audit import Action, Actor, append
from hub.catalog import events
from hub.catalog.events import Topic
from hub.clock import from_ms, to_ms, utc_now
from hub.db.database import Database
from hub.db.errors import DatabaseAway, DatabaseBroken
from hub.db.plain import storable_text
from hub.errors import HubError
from hub.ingest.durable import sync_folder, write_durably
from hub.ingest.entry import REASON_NAME, Entry, read_entry, write_attempts
from hub.ingest.spool import Claim, Spool
from hub.observe.metrics import QUARANTINED
from hub.sdk import BadRecording
from hub.steps import DurableStep, reached

_log = structlog.get_logger(__name__)
_ALARM_KEY = "ingest.quarantine"


class Room(StrEnum):
    """Where on its way a recording was stopped."""

    INTAKE = "intake"
    DESK = "desk"
    VAULT = "vault"
    CATALOG = "catalog"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something was set aside; code: for programs, text: what happened, hint: what to do."""

    code: str
    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class QuarantinedFile:
    """One media file that can be downloaded; name: what the source called it."""

    name: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineItem:
    """One entry that was set aside; id: its receipt. Times are aware UTC. instance_id: the device, 0 if unreadable.

    device: what people called it then.
    """

    id: str
    instance_id: int
    device: str
    origin_name: str
    reason: Reason
    room: Room
    since: datetime
    received_at: datetime | None
    files: tuple[QuarantinedFile, ...]

    @property
    def size_bytes(self) -> int:
        """Room that its media takes."""
        return sum(file.size_bytes for file in self.files)


class NotInQuarantine(HubError):
    """No such item is set aside, or not any more."""


class Quarantine:
    """The entries that were set aside; safe to use from several processes at once."""

    def __init__(self, spool: Spool, db: Database, board: Board) -> None:
        self._spool = spool
        self._db = db
        self._board = board
        self._lock = threading.Lock()
        self._counted: Counter[int] = Counter()
        self._counted_at_ns = -1

    def list(self, limit: int = 200) -> list[QuarantineItem]:
        """The newest `limit` items, newest first."""
        items = [item for folder in self._folders() if (item := _read_item(folder))]
        return sorted(items, key=lambda item: item.since, reverse=True)[:limit]

    def get(self, item_id: str) -> QuarantineItem:
        """One item.

        Raises: NotInQuarantine.
        """
        item = _read_item(self._find(item_id))
        if item is None:
            raise NotInQuarantine("This item is not in quarantine any more.", hint="See whether it was retried.")
        return item

    def counts(self) -> dict[int, int]:
        """How many items each device has here."""
        with self._lock:
            changed_ns = self._spool.quarantine.stat().st_mtime_ns
            if changed_ns != self._counted_at_ns:
                self._counted = Counter(item.instance_id for folder in self._folders() if (item := _read_item(folder)))
                self._counted_at_ns = changed_ns
            return dict(self._counted)

    def count(self) -> int:
        """How many items are here."""
        return len(self._folders())

    def open_file(self, item_id: str, part: int, actor: Actor) -> tuple[QuarantinedFile, BinaryIO]:
        """One media file of an item, with an audit line; the caller closes it.

        Raises: NotInQuarantine; DatabaseAway, as a download without its audit line is none.
        """
        item = self.get(item_id)
        try:
            file = item.files[part]
            reader = (self._find(item_id) / f"media-{part}").open("rb")
        except (IndexError, FileNotFoundError):
            raise NotInQuarantine("This item has no such file.", hint="Reload the page.") from None
        try:
            with self._db.write() as session:
                append(session, actor, Action.QUARANTINE_DOWNLOAD, **_audit(item, file.name))
        except BaseException:
            reader.close()
            raise
        return file, reader

    def retry(self, item_id: str, actor: Actor) -> None:
        """Send an item on its way again, as if it had just come.

        Raises: NotInQuarantine; DatabaseAway, as a retry without its audit line is none.
        """
        item = self.get(item_id)
        folder = self._find(item_id)
        with self._db.write() as session:
            append(session, actor, Action.QUARANTINE_RETRY, **_audit(item, item.origin_name))
            events.append(session, Topic.QUARANTINE_CHANGED, item_id, {"items": max(self.count() - 1, 0)})
            write_attempts(folder, 0, 0)
            try:
                folder.rename(self._spool.ready / item_id.partition("~")[0])
            except FileNotFoundError:
                raise NotInQuarantine("This item is not in quarantine any more.", hint="Reload the page.") from None
            except OSError:
                raise NotInQuarantine(
                    "The device has delivered this recording again, and that one is on its way.",
                    hint="Wait until it has arrived.",
                ) from None
            reached(DurableStep.QUARANTINE_RETRIED)
        for room in (self._spool.ready, self._spool.quarantine):
            sync_folder(room)
        _log.info("quarantine.retried", receipt_id=item_id, instance_id=item.instance_id, by=actor.login)
        self.tell(item.instance_id, item.device)

    def set_aside(self, claim: Claim, entry: Entry | None, room: Room, reason: Reason, device: str = "") -> None:
        """Move a claimed entry here; the claim ends. device: what people call where it came from."""
        with suppress(FileNotFoundError):
            (claim.folder / REASON_NAME).unlink()
        written = {"code": reason.code, "text": reason.text, "hint": reason.hint, "room": room.value, "device": device}
        write_durably(claim.folder / REASON_NAME, json.dumps(written | {"since_ms": to_ms(utc_now())}).encode())
        reached(DurableStep.QUARANTINE_REASON_WRITTEN)
        instance_id = entry.instance_id if entry else 0
        self._move(claim, instance_id)
        reached(DurableStep.QUARANTINE_MOVED)
        self._spool.release(claim)
        QUARANTINED.labels(str(instance_id), reason.code).inc()
        _log.error(
            "recording.quarantined", receipt_id=claim.receipt_id, instance_id=instance_id, room=room, reason=reason.text
        )
        self.tell(instance_id, device, reason)
        with suppress(DatabaseAway, DatabaseBroken), self._db.write() as session:
            events.append(session, Topic.QUARANTINE_CHANGED, claim.receipt_id, {"items": self.count()})

    def tell(self, instance_id: int, device: str = "", last: Reason | None = None) -> None:
        """Raise the alarm of a device's items, or clear it when there are none."""
        source = f"instance:{instance_id}" if instance_id else "hub"
        count = self.counts().get(instance_id, 0)
        if not count:
            self._board.clear_soon(source, _ALARM_KEY)
            return
        reason = last.text if last else "see the Quarantine page"
        name = device or f"device {instance_id}"
        self._board.raise_soon(source, QUARANTINE.alarm(_ALARM_KEY, items=count, device=name, reason=reason))

    def _move(self, claim: Claim, instance_id: int) -> None:
        with self._lock:
            is_counted = self._spool.quarantine.stat().st_mtime_ns == self._counted_at_ns
            target = self._spool.quarantine / claim.receipt_id
            number = 1
            while not _rename(claim.folder, target):
                # The same receipt is here already, from before the device delivered it again.
                number += 1
                target = target.with_name(f"{claim.receipt_id}~{number}")
            if is_counted:
                self._counted[instance_id] += 1
                self._counted_at_ns = self._spool.quarantine.stat().st_mtime_ns
        for room in (self._spool.quarantine, self._spool.ready):
            sync_folder(room)

    def _folders(self) -> Sequence[Path]:
        """Raises: SpoolAway."""
        with self._spool.reading():
            return tuple(self._spool.quarantine.iterdir())

    def _find(self, item_id: str) -> Path:
        if "/" in item_id or item_id in {"", ".", ".."} or "\0" in item_id:
            raise NotInQuarantine("There is no such item.", hint="Reload the page.")
        return self._spool.quarantine / item_id


def _read_item(folder: Path) -> QuarantineItem | None:
    """The item in `folder`, None if it has just left; one whose entry is damaged is still shown."""
    try:
        why = json.loads((folder / REASON_NAME).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError:
        why = {}
    entry: Entry | None = None
    with suppress(BadRecording, FileNotFoundError):
        entry = read_entry(folder)
    return QuarantineItem(
        id=folder.name,
        instance_id=entry.instance_id if entry else 0,
        device=why.get("device", ""),
        origin_name=storable_text(entry.origin_name) if entry else folder.name,
        reason=Reason(why.get("code", ""), storable_text(why.get("text", "")), why.get("hint", "")),
        room=Room(why.get("room", Room.INTAKE)),
        since=from_ms(why.get("since_ms", 0)),
        received_at=entry.received_at if entry else None,
        files=_list_files(folder, entry),
    )


def _rename(folder: Path, target: Path) -> bool:
    """Give `folder` the name `target`, False if that is taken."""
    try:
        folder.rename(target)
    except OSError:
        if not target.exists():
            raise
        return False
    return True


def _list_files(folder: Path, entry: Entry | None) -> tuple[QuarantinedFile, ...]:
    if entry:
        return tuple(QuarantinedFile(storable_text(media.name), media.size_bytes) for media in entry.media)
    found = sorted(folder.glob("media-*"), key=lambda path: int(path.name.removeprefix("media-")))
    return tuple(QuarantinedFile(path.name, path.stat().st_size) for path in found)


def _audit(item: QuarantineItem, name: str) -> dict[str, Any]:
    return {
        "subject": f"quarantine:{item.id}",
        "details": {"name": name},
        "facts": {"device": str(item.instance_id), "reason": item.reason.code},
    }
