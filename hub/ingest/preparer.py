"""The middle of the drain: takes one claimed entry after the other through desk and vault."""

import queue
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from hub.db.errors import DatabaseAway, DatabaseBroken
from hub.ingest.aside import Aside
from hub.ingest.conditions import Conditions
from hub.ingest.desk_pool import DeskCrashed, DeskFailed, DeskPool
from hub.ingest.entry import write_attempts
from hub.ingest.preparation import examine, store
from hub.ingest.quarantine import Reason, Room
from hub.ingest.work import Item, KnownPreferences, Work
from hub.sdk import BadRecording, HealthState, PluginError, RecordingDraft, RetryLater
from hub.vault.stores import StoreFault, Stores, name_trouble

DESK_CRASHES_MAX = 2
_WAIT_S = 0.2
_DESK_PAUSE_S = 5.0
_log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class Preparer:
    """Takes items from `todo` and hands prepared ones to `prepared`; runs in several threads of the drain."""

    work: Work
    desks: DeskPool
    stores: Stores
    aside: Aside
    conditions: Conditions
    preferences: KnownPreferences
    prepared: queue.SimpleQueue[Item | None]
    todo: queue.SimpleQueue[Item | None] = field(default_factory=queue.SimpleQueue)

    def run(self) -> None:
        """Prepare until the drain stops."""
        while (item := self.todo.get()) is not None:
            if not self._wait_for_store():
                self.work.put_back(item.claim)
            elif self._prepare(item):
                self.prepared.put(item)

    def _wait_for_store(self) -> bool:
        """While the store is away one at a time tries whether it is back; False if the drain stops."""
        while not self.work.stopping.is_set():
            if self.work.store_gate.wait(_WAIT_S):
                return True
        return False

    def _prepare(self, item: Item) -> bool:
        """Desk and vault for one item.

        Returns: False if it went another way: back to the spool, or to quarantine.
        """
        if not isinstance(item.entry.item, RecordingDraft):
            return True
        try:
            return self._examine_and_store(item, item.entry.item)
        except DeskCrashed as exc:
            self._desk_crashed(item, exc)
        except (DatabaseAway, DatabaseBroken) as exc:
            self.work.database_gate.failed()
            self.conditions.database_away(str(exc))
            self.work.put_back(item.claim)
        except (DeskFailed, OSError) as exc:
            _log.warning("desk.away", receipt_id=item.claim.receipt_id, reason=str(exc))
            self.work.put_back(item.claim, _DESK_PAUSE_S)
        except Exception as exc:  # noqa: BLE001 - a fault in our own code over one file must not stop the others
            _log.exception("recording.not_prepared", receipt_id=item.claim.receipt_id)
            self._strike(item, f"{type(exc).__name__}: {exc}")
        return False

    def _examine_and_store(self, item: Item, draft: RecordingDraft) -> bool:
        preferred = self.preferences.get()
        store_id = preferred.primary_store
        if store_id is None:
            self.conditions.no_store()
            self.work.store_gate.failed()
            self.work.put_back(item.claim)
            return False
        self.work.begin(item.claim.receipt_id)
        findings = examine(item.entry, preferred.media, self.desks, self.work.waiting_items)
        try:
            item.preparation = store(item.entry, draft, findings, preferred.media, self.stores, store_id)
        except BadRecording as exc:
            self._set_aside(item, Room.VAULT, Reason("STORE_REFUSED", str(exc), exc.hint))
            return False
        except StoreFault as exc:
            self._store_faulted(item, store_id, exc)
            return False
        except PluginError as exc:
            self._store_away(item, store_id, exc)
            return False
        self._store_works(store_id)
        return True

    def _store_works(self, store_id: int) -> None:
        if self.work.store_gate.worked():
            _log.info("store.back", store_id=store_id)
        self.conditions.store_back(store_id)

    def _store_away(self, item: Item, store_id: int, exc: PluginError) -> None:
        name = self.stores.name(store_id)
        if self.work.store_gate.is_open:
            _log.warning("store.away", store=name, reason=str(exc))
        self.work.store_gate.failed()
        self.conditions.store_away(store_id, name, name_trouble(exc), str(exc))
        self.work.put_back(item.claim)

    def _store_faulted(self, item: Item, store_id: int, exc: StoreFault) -> None:
        """What no contract allows: the store's trouble unless its own check finds it well, then perhaps the item's."""
        try:
            is_well = self.stores.check(store_id).state is not HealthState.DOWN
        except (PluginError, StoreFault):
            is_well = False
        if is_well:
            _log.warning("store.faulted", receipt_id=item.claim.receipt_id, reason=str(exc))
            self._strike(item, str(exc))
        else:
            self._store_away(item, store_id, RetryLater(str(exc)))

    def _desk_crashed(self, item: Item, exc: DeskCrashed) -> None:
        if self.work.stopping.is_set():  # the stop ended the desk, not the file
            self.work.put_back(item.claim)
            return
        _log.warning("desk.crashed", receipt_id=item.claim.receipt_id, reason=str(exc))
        if item.entry.crashes + 1 < DESK_CRASHES_MAX:
            with suppress(OSError):
                write_attempts(item.claim.folder, item.entry.attempts, item.entry.crashes + 1)
            self.work.put_back(item.claim)
            return
        hint = "The file is kept here; download it, and report it if a player can open it."
        self._set_aside(
            item, Room.DESK, Reason("DESK_CRASHED", f"Looking at it failed {DESK_CRASHES_MAX} times: {exc}", hint)
        )

    def _strike(self, item: Item, text: str) -> None:
        pause_s = self.work.strike(item.claim.receipt_id)
        if pause_s is not None:
            self.work.put_back(item.claim, pause_s)
            return
        hint = "The recording is kept here; report it with the log of this moment, then retry."
        self._set_aside(item, Room.VAULT, Reason("NOT_STORED", f"It could not be stored: {text}", hint))

    def _set_aside(self, item: Item, room: Room, reason: Reason) -> None:
        self.aside.put(item.claim, item.entry, room, reason)
