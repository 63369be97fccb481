"""The last step of the drain: batches of prepared recordings go into the catalog, and their spool entries go away."""

import queue
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

import structlog
from sqlalchemy.orm import Session

from hub import ids
from hub.catalog import events
from hub.catalog.commit import commit_recordings
from hub.catalog.details import commit_details, hold_devices
from hub.catalog.events import Topic
from hub.catalog.prepared import Committed, Outcome
from hub.db.database import Database
from hub.db.errors import DatabaseAway, DatabaseBroken
from hub.ingest.aside import Aside
from hub.ingest.conditions import Conditions
from hub.ingest.finding import FILE_PARSE_ERROR
from hub.ingest.preparation import Preparation
from hub.ingest.quarantine import Reason, Room
from hub.ingest.spool import SpoolAway
from hub.ingest.work import Item, KnownPreferences, Work
from hub.jobs.job import NewJob
from hub.jobs.queue import enqueue_all
from hub.observe.metrics import RECORDED_BYTES, RECORDINGS, ROOM_SECONDS
from hub.rules.absences import keep_absences
from hub.sdk import AbsentCall, CallDetail
from hub.steps import DurableStep, reached
from hub.vault.copies import copy_job, remove_job

T = TypeVar("T", CallDetail, AbsentCall)

LATER_FORM = "ingest.form"
FILL = "ingest.fill"
_WAIT_S = 0.2
_LINGER_S = 0.1
_NEWS_EVERY_S = 1.0
_log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class Committer:
    """Takes items from `todo` and commits them, until None comes; runs in one thread of the drain.

    timezone_of: instance id -> the time zone where the device stands.
    """

    work: Work
    db: Database
    aside: Aside
    conditions: Conditions
    preferences: KnownPreferences
    timezone_of: Callable[[int], str]
    batch: int
    todo: queue.SimpleQueue[Item | None] = field(default_factory=queue.SimpleQueue)
    _told_s: float = 0.0

    def run(self) -> None:
        """Commit until there is no more to come."""
        while (item := self.todo.get()) is not None:
            batch, is_last = self._gather(item)
            try:
                self._commit(batch)
            except Exception:  # noqa: BLE001 - a fault of our own must not end the thread that all others wait for
                _log.exception("batch.not_committed", items=len(batch))
                self._give_back(batch)
            if is_last:
                return

    def _gather(self, first: Item) -> tuple[list[Item], bool]:
        """What is ready together with `first`, or soon will be if more is in work."""
        items = [first]
        until_s = time.monotonic() + _LINGER_S
        while len(items) < self.batch:
            wait_s = until_s - time.monotonic() if len(self.work) > len(items) else 0.0
            try:
                item = self.todo.get(timeout=wait_s) if wait_s > 0 else self.todo.get_nowait()
            except queue.Empty:
                break
            if item is None:
                return items, True
            items.append(item)
        return items, False

    def _commit(self, batch: list[Item]) -> None:
        """Commit a batch whatever it takes; when the drain stops first, its entries stay in the spool."""
        while True:
            began_s = time.monotonic()
            try:
                with self.db.write() as session:
                    committed = self._write(session, batch)
            except (DatabaseAway, DatabaseBroken) as exc:
                if not self._wait_for_database(exc):
                    self._give_back(batch)
                    return
            except Exception as exc:  # noqa: BLE001 - whatever one recording does to it, the next is committed
                self._find_bad(batch, exc)
                return
            else:
                break
        reached(DurableStep.CATALOG_COMMITTED)
        if self.work.database_gate.worked():
            _log.info("database.back")
        self.conditions.database_back()
        ROOM_SECONDS.labels("catalog").observe(time.monotonic() - began_s)
        for item in batch:
            self.work.free(item.claim)
        self._tell(batch, committed)

    def _write(self, session: Session, batch: Sequence[Item]) -> dict[str, Committed]:
        prepared = [item.preparation.recording for item in batch if item.preparation]
        details, absences = _by_device(batch, CallDetail), _by_device(batch, AbsentCall)
        hold_devices(session, recordings={each.instance_id for each in prepared}, details=details.keys())
        committed = {}
        if prepared:
            results = commit_recordings(session, prepared, timezone_of=self.timezone_of)
            committed = {result.receipt_id: result for result in results}
            enqueue_all(session, self._plan_jobs(batch, committed))
        for instance_id, each in sorted(details.items()):
            commit_details(session, instance_id, each)
        for instance_id, calls in sorted(absences.items()):
            for lacking in keep_absences(session, instance_id, calls):
                self.conditions.not_recorded(session, lacking)
        if time.monotonic() - self._told_s > _NEWS_EVERY_S:
            with suppress(SpoolAway):
                waiting = max(self.work.spool.count() - len(batch), 0)
                events.append(session, Topic.SPOOL_CHANGED, "spool", {"items": waiting})
        return committed

    def _plan_jobs(self, batch: Sequence[Item], committed: dict[str, Committed]) -> list[NewJob]:
        preferred = self.preferences.get()
        jobs = []
        for item in batch:
            if item.preparation is None:
                continue
            result, media = committed[item.entry.receipt_id], item.preparation.recording.media
            if result.outcome is not Outcome.NEW:
                jobs.append(remove_job(media, sorted({result.recording_id, item.entry.recording_id})))
                if result.outcome is Outcome.JOINED:
                    text_id = ids.to_text(result.recording_id)
                    jobs.append(NewJob(kind=FILL, payload={"recording": text_id}, unique=text_id))
                continue
            used = {each.store_id for each in media}
            jobs += [copy_job(result.recording_id, store) for store in preferred.copy_stores if store not in used]
            if not item.preparation.is_complete:
                text_id = ids.to_text(result.recording_id)
                jobs.append(NewJob(kind=LATER_FORM, payload={"recording": text_id}, unique=text_id))
        return jobs

    def _wait_for_database(self, exc: DatabaseAway | DatabaseBroken) -> bool:
        """Wait for the next try.

        Returns: False if the drain stops.
        """
        gate = self.work.database_gate
        if gate.is_open:
            _log.warning("database.away", reason=str(exc))
        gate.failed()
        self.conditions.database_away(str(exc))
        while not gate.wait(_WAIT_S):
            if self.work.stopping.is_set():
                return False
        return not self.work.stopping.is_set()

    def _find_bad(self, batch: list[Item], exc: Exception) -> None:
        """A batch was refused for what is in it: commit one by one, and put aside what is refused again and again."""
        if len(batch) > 1:
            _log.warning("batch.refused", items=len(batch), reason=str(exc))
            for item in batch:
                self._commit([item])
            return
        [item] = batch
        pause_s = self.work.strike(item.claim.receipt_id)
        _log.warning("recording.refused", receipt_id=item.claim.receipt_id, exc_info=exc)
        if pause_s is not None:
            self.work.put_back(item.claim, pause_s)
            return
        reason = Reason(
            "CATALOG_REFUSED",
            f"The catalog does not take it: {type(exc).__name__}: {exc}",
            "Report it with the log of this moment; the recording is kept here.",
        )
        self.aside.put(item.claim, item.entry, Room.CATALOG, reason)

    def _give_back(self, batch: Sequence[Item]) -> None:
        for item in batch:
            self.work.put_back(item.claim)

    def _tell(self, batch: Sequence[Item], committed: dict[str, Committed]) -> None:
        self._told_s = time.monotonic() if time.monotonic() - self._told_s > _NEWS_EVERY_S else self._told_s
        for item in batch:
            if item.preparation is None:
                continue
            result, instance = committed[item.entry.receipt_id], str(item.entry.instance_id)
            RECORDINGS.labels(instance, result.outcome.value).inc()
            RECORDED_BYTES.labels(instance).inc(item.entry.size_bytes)
            _log.info(
                "recording.catalogued",
                recording_id=ids.to_text(result.recording_id),
                instance_id=item.entry.instance_id,
                outcome=result.outcome.value,
                duration_s=round(item.preparation.recording.duration_s, 3),
            )
            self._tell_troubles(item, item.preparation)

    def _tell_troubles(self, item: Item, preparation: Preparation) -> None:
        for finding in preparation.findings:
            if finding.problem and finding.problem[0] == FILE_PARSE_ERROR:
                self.conditions.not_understood(item.entry, finding.problem[1])
            if finding.encode_error:
                form = self.preferences.get().media.stored_form.value
                self.conditions.not_encoded(item.entry, finding.codec, form, finding.encode_error)


def _by_device(batch: Sequence[Item], kind: type[T]) -> dict[int, list[tuple[str, T]]]:
    """The items of one kind as (receipt id, item), by their device."""
    found: dict[int, list[tuple[str, T]]] = {}
    for each in batch:
        if isinstance(each.entry.item, kind):
            found.setdefault(each.entry.instance_id, []).append((each.entry.receipt_id, each.entry.item))
    return found
