"""Background work of the vault: further copies of what was stored, and the removal of what nothing refers to."""

from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO

import structlog

from hub import ids
from hub.alerts.board import Board
from hub.alerts.codes.storage import STORAGE_CHANGED
from hub.catalog.errors import NoSuchMedia
from hub.catalog.placements import add_placement
from hub.catalog.prepared import PreparedMedia
from hub.catalog.recording import Media, StoredCopy
from hub.catalog.views import media_of
from hub.db.database import Database
from hub.jobs.context import Handler, JobContext
from hub.jobs.errors import JobHopeless
from hub.jobs.job import NewJob, Rule
from hub.sdk import AuthError, BadRecording, NotFound, RetryLater
from hub.steps import DurableStep, reached
from hub.vault.placement import StoredAs, place
from hub.vault.stores import Stores

COPY, REMOVE = "vault.copy", "vault.remove"
# Copying bytes kills no worker: one that died meanwhile was killed for another reason, and the copy is still owed.
RULES = {COPY: Rule(crashes=100), REMOVE: Rule(crashes=100)}
_log = structlog.get_logger(__name__)


def copy_job(recording_id: int, store_id: int) -> NewJob:
    """Copy the media of a recording into one more store."""
    payload = {"recording": ids.to_text(recording_id), "store": store_id}
    return NewJob(kind=COPY, payload=payload, unique=f"{ids.to_text(recording_id)}:{store_id}")


def remove_job(media: Sequence[PreparedMedia], recording_ids: Sequence[int]) -> NewJob:
    """Remove stored objects, except those that one of the recordings refers to after all."""
    return free_job([(item.store_id, item.key) for item in media if item.store_id is not None], recording_ids)


def free_job(objects: Sequence[tuple[int, str]], recording_ids: Sequence[int]) -> NewJob:
    """The same for objects as (store id, key)."""
    payload = {"objects": [[*each] for each in objects], "recordings": [ids.to_text(each) for each in recording_ids]}
    return NewJob(kind=REMOVE, payload=payload)


class Copies:
    """The handlers of the two kinds of jobs. read_back: whether policy asks for a full read-back."""

    def __init__(self, db: Database, stores: Stores, board: Board, read_back: Callable[[], bool]) -> None:
        self._db = db
        self._stores = stores
        self._board = board
        self._read_back = read_back

    def handlers(self) -> Mapping[str, Handler]:
        """What a worker of `hub.jobs` is given."""
        return {COPY: self.copy, REMOVE: self.remove}

    def copy(self, job: JobContext) -> None:
        """Copy what is not in the store yet, one media object after the other.

        Raises: RetryLater, JobHopeless (no intact copy is left to copy from).
        """
        recording_id, store_id = ids.from_text(job.payload["recording"]), int(job.payload["store"])
        with self._db.read() as session:
            media = media_of(session, recording_id)
        for item in media:
            job.check()
            if item.copies and all(copy.store_id != store_id for copy in item.copies):
                stored = self._copy_one(item, store_id)
                reached(DurableStep.COPY_PUT)
                self._register(item, store_id, stored)
                reached(DurableStep.COPY_REGISTERED)

    def remove(self, job: JobContext) -> None:
        """Remove the objects that nothing refers to.

        Raises: RetryLater.
        """
        with self._db.read() as session:
            recordings = [media_of(session, ids.from_text(each)) for each in job.payload["recordings"]]
        placed = {(copy.store_id, copy.key) for media in recordings for item in media for copy in item.copies}
        for store_id, key in job.payload["objects"]:
            if (store_id, key) not in placed:
                try:
                    removed = self._stores.delete(store_id, key)
                except AuthError as exc:
                    raise RetryLater(str(exc), hint=exc.hint) from exc
                _log.info("object.removed" if removed else "object.left", store_id=store_id, key=key)
                reached(DurableStep.VAULT_ORPHAN_REMOVED)

    def _copy_one(self, item: Media, store_id: int) -> StoredAs:
        seal = (item.size_bytes, item.sha256)
        trouble: RetryLater | None = None
        for copy in item.copies:
            try:
                return place(self._stores, store_id, copy.key, self._opener(copy), seal, read_back=self._read_back())
            except NotFound:
                self._tell_changed(copy, "it is not there any more")
            except BadRecording as exc:
                self._tell_changed(copy, str(exc))
            except AuthError as exc:
                trouble = RetryLater(str(exc), hint=exc.hint)
            except RetryLater as exc:
                trouble = exc
        if trouble:
            raise trouble
        raise JobHopeless(f"no intact copy of {item.copies[0].key} is left")

    def _register(self, item: Media, store_id: int, stored: StoredAs) -> None:
        copy = PreparedMedia(
            kind=item.kind,
            part=item.part,
            store_id=store_id,
            key=stored.key,
            size_bytes=item.size_bytes,
            sha256=item.sha256,
            verified_by=stored.verified_by,
        )
        try:
            with self._db.write() as session:
                add_placement(session, item.id, copy)
        except NoSuchMedia:
            _log.info("recording.gone_meanwhile", media_id=item.id)
            self._stores.delete(store_id, stored.key)

    def _tell_changed(self, copy: StoredCopy, reason: str) -> None:
        store = self._stores.name(copy.store_id)
        alarm = STORAGE_CHANGED.alarm(f"vault.changed:{copy.key}", object=copy.key, store=store, reason=reason)
        self._board.raise_soon(f"instance:{copy.store_id}", alarm)

    def _opener(self, copy: StoredCopy) -> Callable[[], BinaryIO]:
        return lambda: self._stores.open(copy.store_id, copy.key)
