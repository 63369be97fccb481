"""The worker's loop: what waits in the spool goes over desk and vault into the catalog, and only then away.

One thread looks at the spool and claims entries, several take them over desk and vault, one commits batches. What is
away for a while (a store, the database, a disk) is waited for with growing pauses and one alarm; what is wrong with one
entry puts that entry aside. A `kill -9` at any moment leaves entries that the next worker takes up: each by itself, so
that only the one it died over is suspected again.
"""

import threading
import time
from collections import deque

import structlog

from hub.alerts.board import Board
from hub.catalog.claims import known_origins, origin_key
from hub.catalog.prepared import Outcome
from hub.db.database import Database
from hub.db.errors import DatabaseAway, DatabaseBroken
from hub.ingest.aside import Aside
from hub.ingest.committer import Committer
from hub.ingest.conditions import Conditions
from hub.ingest.desk_pool import DeskPool
from hub.ingest.entry import read_entry
from hub.ingest.preparer import Preparer
from hub.ingest.quarantine import Quarantine, Reason, Room
from hub.ingest.spool import Spool, SpoolAway
from hub.ingest.watch import SpoolWatch
from hub.ingest.work import Devices, DrainSettings, Item, KnownPreferences, Work
from hub.observe.metrics import RECORDINGS
from hub.sdk import BadRecording, RecordingDraft
from hub.vault.stores import Stores

ATTEMPTS_MAX = 4
_CLEAN_EVERY_S = 60.0
_AGAIN_S = 1.0
_LIST_MAX = 1000
_log = structlog.get_logger(__name__)


class Drain:
    """Runs until told to stop; several workers may run one each on the same spool."""

    def __init__(
        self,
        spool: Spool,
        db: Database,
        stores: Stores,
        board: Board,
        devices: Devices,
        settings: DrainSettings | None = None,
    ) -> None:
        self._settings = settings or DrainSettings()
        self._spool = spool
        self._db = db
        self._work = Work(spool, self._settings)
        self._desks = DeskPool(self._settings.desks)
        self._conditions = Conditions(board, devices.name)
        self._aside = Aside(self._work, Quarantine(spool, db, board), self._conditions)
        self._watch = SpoolWatch(spool, self._work, self._conditions)
        self._names: deque[str] = deque()
        self._suspect = ""
        known = KnownPreferences(db)
        self._committer = Committer(
            work=self._work,
            db=db,
            aside=self._aside,
            conditions=self._conditions,
            preferences=known,
            timezone_of=devices.timezone,
            batch=self._settings.batch,
        )
        self._preparer = Preparer(
            work=self._work,
            desks=self._desks,
            stores=stores,
            aside=self._aside,
            conditions=self._conditions,
            preferences=known,
            prepared=self._committer.todo,
        )

    def run(self) -> None:
        """Drain until `stop`; returns when every entry in work is committed or back in the spool."""
        preparers = [
            threading.Thread(target=self._preparer.run, name=f"drain {number}", daemon=True)
            for number in range(self._settings.threads)
        ]
        committer = threading.Thread(target=self._committer.run, name="drain commit", daemon=True)
        for thread in (*preparers, committer):
            thread.start()
        try:
            self._desks.warm_up()
            self._loop()
        finally:
            self._finish(preparers, committer)

    def stop(self) -> None:
        """End soon: nothing new is taken up, and what is in work is finished or put back."""
        self._work.stopping.set()

    def hurry(self, store_id: int | None = None) -> None:
        """Settings were changed: try now what was away. store_id: None for the database."""
        (self._work.database_gate if store_id is None else self._work.store_gate).hurry()

    def _loop(self) -> None:
        next_clean_s = 0.0
        while not self._work.stopping.is_set():
            try:
                if time.monotonic() >= next_clean_s:
                    next_clean_s = time.monotonic() + _CLEAN_EVERY_S
                    self._desks.rest()
                    self._spool.clean()
                    self._work.journal.recover()
                if self._work.database_gate.may_try():
                    self._look()
                self._watch.look(len(self._work))
            except (OSError, SpoolAway) as exc:
                _log.warning("spool.away", reason=str(exc))
                self._work.stopping.wait(_AGAIN_S)
            self._work.stopping.wait(self._settings.look_s)

    def _finish(self, preparers: list[threading.Thread], committer: threading.Thread) -> None:
        self._work.stopping.set()
        for _ in preparers:
            self._preparer.todo.put(None)
        deadline_s = time.monotonic() + self._settings.stop_s
        for thread in preparers:
            thread.join(max(deadline_s - time.monotonic(), 0))
        self._desks.kill()
        for thread in preparers:
            thread.join(self._settings.stop_s)
        self._committer.todo.put(None)
        committer.join(self._settings.stop_s)
        self._desks.close()
        self._work.close()

    def _look(self) -> None:
        """Take up what has come, as far as there is room; what a worker died over is worked on alone."""
        if self._suspect in self._work:
            return
        if not self._names:
            self._names.extend(self._watch.list(_LIST_MAX))
        room = self._settings.in_flight - len(self._work)
        if self._names and room < self._settings.batch // 2:  # many are taken up at a time: each look asks the catalog
            return
        items: list[Item] = []
        while self._names and len(items) < room:
            item = self._take(self._names.popleft())
            if item is None:
                continue
            if not item.entry.attempts:
                items.append(item)
                continue
            if len(self._work) == 1:
                self._suspect = item.entry.receipt_id
                items.append(item)
            else:
                self._work.put_back(item.claim)
                self._names.appendleft(item.entry.receipt_id)  # nothing is taken before it, so work comes to an end
            break
        self._work.waiting_items = len(self._names)
        if items:
            self._start(items)

    def _take(self, receipt_id: str) -> Item | None:
        """Claim an entry; None if another worker has it, or it has to wait, or it was put aside."""
        claim = self._spool.claim(receipt_id) if self._work.may_take(receipt_id) else None
        if claim is None:
            self._work.look_again.set()
            return None
        self._work.take(receipt_id)
        try:
            entry = read_entry(claim.folder)
        except (BadRecording, FileNotFoundError) as exc:
            hint = "Its media can be downloaded from here; the disk of the spool may be damaged."
            self._aside.put(claim, None, Room.INTAKE, Reason("ENTRY_DAMAGED", str(exc), hint))
            return None
        except OSError:
            self._work.put_back(claim, _AGAIN_S)
            raise
        if entry.attempts >= ATTEMPTS_MAX:
            text = f"The hub's worker ended {entry.attempts} times while it worked on it."
            reason = Reason("WORKER_DIED", text, "If it was stopped by hand each time, retry it.")
            self._aside.put(claim, entry, Room.INTAKE, reason)
            return None
        return Item(claim, entry)

    def _start(self, items: list[Item]) -> None:
        """Hand over to the preparers what the catalog does not have yet."""
        try:
            known = self._find_known(items)
        except (DatabaseAway, DatabaseBroken) as exc:
            self._work.database_gate.failed()
            self._conditions.database_away(str(exc))
            for item in items:
                self._work.put_back(item.claim)
            return
        if self._work.database_gate.worked():
            _log.info("database.back")
        self._conditions.database_back()
        for item in items:
            if item.entry.receipt_id in known:
                RECORDINGS.labels(str(item.entry.instance_id), Outcome.DUPLICATE.value).inc()
                self._work.free(item.claim)
            else:
                self._preparer.todo.put(item)

    def _find_known(self, items: list[Item]) -> set[str]:
        """Receipts of what was committed before: by a worker that died afterwards, or from an earlier delivery."""
        keys = {
            origin_key(item.entry.instance_id, item.entry.item.origin_id): item.entry.receipt_id
            for item in items
            if isinstance(item.entry.item, RecordingDraft)
        }
        with self._db.read() as session:
            return {keys[key] for key in known_origins(session, list(keys))}
