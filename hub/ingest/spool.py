"""The spool: where a recording is safe from the moment of its receipt until the catalog has it.

    incoming/<random>/   being written, or being removed; whoever holds its lock lives
    ready/<receipt>/     promised and waiting; whoever holds its lock works on it
    quarantine/<receipt>/  set aside, with reason.json

It needs no database, and any number of processes may submit to it and work on it at once: locks are flock(2) on the
folders, so that the kernel drops a dead process's locks.
"""

import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from hub.clock import utc_now
from hub.errors import HubError
from hub.ids import new_id
from hub.ingest.durable import away, copy_durably, room_bytes, sync_folder, write_durably
from hub.ingest.entry import ENTRY_NAME, Entry, SpooledMedia, encode_entry, name_receipt, read_entry
from hub.sdk import AbsentCall, BadRecording, CallDetail, MediaFile, MediaLocation, Receipt, RecordingDraft, RetryLater
from hub.steps import DurableStep, reached

_TAKEN = frozenset({errno.EEXIST, errno.ENOTEMPTY})  # a folder is never renamed onto one that holds something
_RESERVE_SHARE = 0.05
_RESERVE_MAX_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on one entry; it ends with `Spool.release`, or with the process."""

    receipt_id: str
    folder: Path
    lock: int


def reserve_bytes(total_bytes: int) -> int:
    """Room that the spool leaves free on a disk of this size: one that is filled to the brim could never drain."""
    return min(_RESERVE_MAX_BYTES, int(total_bytes * _RESERVE_SHARE))


class SpoolAway(HubError):
    """The folder of the spool is not there, or cannot be read now; it may be again a little later."""


class Spool:
    """The door of the hub; see the head of this file."""

    def __init__(self, folder: Path) -> None:
        """Make the folders, once: when they are gone later, their disk is away, and none may take their place."""
        self.folder = folder
        self.incoming = folder / "incoming"
        self.ready = folder / "ready"
        self.quarantine = folder / "quarantine"
        made = folder.with_name(f"{folder.name}.made")
        if made.exists():
            return
        folder.parent.mkdir(parents=True, exist_ok=True)
        for room in (folder, self.incoming, self.ready, self.quarantine):
            if not room.is_dir():
                room.mkdir(mode=0o700, exist_ok=True)
                sync_folder(room.parent)
        made.touch(mode=0o600)
        sync_folder(made.parent)

    def check(self) -> None:
        """See that it is there. Raises: SpoolAway."""
        for room in (self.incoming, self.ready, self.quarantine):
            with self.reading():
                room.stat()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Tell that the folder is away from a fault of the hub. Raises: SpoolAway."""
        try:
            yield
        except OSError as exc:
            reason = exc.strerror or str(exc)
            raise SpoolAway(
                f"The spool in {self.folder} cannot be read: {reason}.",
                hint="See whether its disk is mounted. If all that was in it is lost, remove "
                f"{self.folder}.made and restart the hub, which makes an empty one.",
            ) from exc

    def submit(self, instance_id: int, draft: RecordingDraft) -> Receipt:
        """Take a recording over; when this returns, it is on the disk.

        Raises: BadRecording (the media changed or cannot be read), RetryLater (no room, or the disk is away).
        """
        receipt_id = name_receipt(instance_id, draft.origin_id)
        if known := self._find_receipt(receipt_id):
            return known
        with self._writing() as folder:
            files = [self._take(media, folder / f"media-{number}") for number, media in enumerate(draft.media)]
            kept = tuple(
                MediaFile(path=Path(file.path.name), sha256=file.sha256, channel_parties=file.channel_parties)
                for file in files
            )
            entry = Entry(
                receipt_id=receipt_id,
                instance_id=instance_id,
                recording_id=new_id(),
                received_at=utc_now(),
                folder=folder,
                item=replace(draft, media=kept),
                media=tuple(files),
            )
            return self._publish(entry)

    def submit_detail(self, instance_id: int, detail: CallDetail) -> Receipt:
        """Take over what a PBX said about a call, as durably as a recording.

        Raises: BadRecording, RetryLater.
        """
        return self._submit_words(instance_id, name_receipt(instance_id, detail.detail_id, "detail"), detail)

    def submit_absence(self, instance_id: int, call: AbsentCall) -> Receipt:
        """Take over what is known of a call without a recording, as durably as a recording.

        Raises: BadRecording, RetryLater.
        """
        return self._submit_words(instance_id, name_receipt(instance_id, call.absence_id, "absence"), call)

    def entries(self, limit: int = 1000) -> list[str]:
        """Receipts of what waits, the oldest first; with more than 20 times `limit` waiting, in any order."""
        found: list[tuple[int, str]] = []
        with os.scandir(self.ready) as listing:
            for item in listing:
                if len(found) == 20 * limit:
                    break
                with suppress(FileNotFoundError):
                    found.append((item.stat(follow_symlinks=False).st_mtime_ns, item.name))
        return [name for _, name in sorted(found)[:limit]]

    def count(self) -> int:
        """How many entries wait or are being worked on. Raises: SpoolAway."""
        with self.reading(), os.scandir(self.ready) as listing:
            return sum(1 for _ in listing)

    def contains(self, receipt_id: str) -> bool:
        """Whether the entry waits or is being worked on."""
        return (self.ready / receipt_id / ENTRY_NAME).exists()

    def is_quarantined(self, receipt_id: str) -> bool:
        """Whether the entry was set aside."""
        return (self.quarantine / receipt_id / ENTRY_NAME).exists()

    def claim(self, receipt_id: str) -> Claim | None:
        """The right to work on an entry, None if another worker has it or it is gone."""
        folder = self.ready / receipt_id
        lock = _lock_folder(folder)
        return None if lock is None else Claim(receipt_id, folder, lock)

    def release(self, claim: Claim) -> None:
        """Let another worker, or a later attempt, have the entry."""
        os.close(claim.lock)

    def free(self, claim: Claim) -> None:
        """Remove an entry that the catalog has, and release it."""
        self.remove(claim.folder)
        self.release(claim)

    def remove(self, folder: Path) -> None:
        """Remove an entry's folder whose lock is held: out of sight first, so that a crash leaves no half of it."""
        unlisted = self.incoming / secrets.token_hex(16)
        folder.rename(unlisted)
        reached(DurableStep.SPOOL_ENTRY_UNLISTED)
        _remove_entry(unlisted)
        reached(DurableStep.SPOOL_ENTRY_FREED)

    def clean(self) -> int:
        """Remove what dead processes left behind.

        Returns: how many leftovers went.
        """
        removed = 0
        for folder in list(self.incoming.iterdir()):
            lock = _lock_folder(folder)
            if lock is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)
                removed += 1
        return removed

    def _submit_words(self, instance_id: int, receipt_id: str, item: CallDetail | AbsentCall) -> Receipt:
        if known := self._find_receipt(receipt_id):
            return known
        with self._writing() as folder:
            return self._publish(
                Entry(
                    receipt_id=receipt_id,
                    instance_id=instance_id,
                    recording_id=0,
                    received_at=utc_now(),
                    folder=folder,
                    item=item,
                )
            )

    def _find_receipt(self, receipt_id: str) -> Receipt | None:
        for room in (self.ready, self.quarantine):
            try:
                entry = read_entry(room / receipt_id)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except BadRecording:
                return Receipt(receipt_id, duplicate=True)
            except OSError as exc:
                raise away(exc, self.folder) from exc
            # Whoever renamed it there may not have flushed the name yet, and this receipt promises the same.
            sync_folder(room)
            return Receipt(receipt_id, duplicate=True, sha256=entry.sha256)
        return None

    def _take(self, media: MediaFile | MediaLocation, target: Path) -> SpooledMedia:
        if not isinstance(media, MediaFile):
            raise BadRecording(
                f"{media.key!r} is no file of this machine", hint="Only a migrator leaves media in place."
            )
        self._refuse_without_room(media.path)
        size_bytes, sha256 = copy_durably(media.path, target)
        if media.sha256 and media.sha256.lower() != sha256:
            raise BadRecording(
                f"{media.path.name!r} changed since it was looked at", hint="It is taken when it has settled."
            )
        reached(DurableStep.INTAKE_MEDIA_WRITTEN)
        return SpooledMedia(target, media.path.name, size_bytes, sha256, media.channel_parties)

    def _refuse_without_room(self, source: Path) -> None:
        """Leave room for one more copy of `source`, on its way to a store on the same disk, and for the reserve."""
        free, total = room_bytes(self.folder)
        with suppress(OSError):
            if free < 2 * source.stat().st_size + reserve_bytes(total):
                raise RetryLater(
                    f"The disk of {self.folder} is nearly full",
                    after=timedelta(seconds=10),
                    hint=f"Make room on the disk of {self.folder}; recordings stay with their source until then.",
                )

    def _publish(self, entry: Entry) -> Receipt:
        write_durably(entry.folder / ENTRY_NAME, encode_entry(entry))
        sync_folder(entry.folder)
        reached(DurableStep.INTAKE_DRAFT_WRITTEN)
        try:
            entry.folder.rename(self.ready / entry.receipt_id)
        except OSError as exc:
            if exc.errno in _TAKEN and (known := self._find_receipt(entry.receipt_id)):
                return known
            raise
        reached(DurableStep.INTAKE_RENAMED)
        sync_folder(self.ready)
        reached(DurableStep.INTAKE_DURABLE)
        return Receipt(entry.receipt_id, sha256=entry.sha256)

    @contextmanager
    def _writing(self) -> Iterator[Path]:
        folder, lock = self.incoming, None
        try:
            while lock is None:  # a cleaner may take the folder for a dead one's before it is locked
                folder = self.incoming / secrets.token_hex(16)
                folder.mkdir(mode=0o700)
                lock = _lock_folder(folder)
            reached(DurableStep.INTAKE_FOLDER_MADE)
            yield folder
        except OSError as exc:
            raise away(exc, self.folder) from exc
        finally:
            if lock is not None:
                if folder.exists():
                    shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


def _lock_folder(folder: Path) -> int | None:
    """An open file that holds the lock on `folder`, None if another holds it or the folder went away meanwhile."""
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if folder.stat().st_ino == os.fstat(lock).st_ino:
            return lock
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(lock)
        raise
    os.close(lock)
    return None


def _remove_entry(folder: Path) -> None:
    """Remove an entry's folder, which is flat; whatever stays for now is removed by `clean`."""
    with suppress(OSError):
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
