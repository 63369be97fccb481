"""What the parts of the drain share: entries in work, entries that wait for another try, and what people prefer."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from hub.catalog import preferences
from hub.config.policy import HubPreferences
from hub.db.database import Database
from hub.db.errors import DatabaseAway, DatabaseBroken
from hub.ingest.entry import Entry
from hub.ingest.gate import Gate
from hub.ingest.journal import Journal
from hub.ingest.preparation import Preparation
from hub.ingest.spool import Claim, Spool

_PREFERENCES_S = 2.0
_STRIKE_PAUSES_S = (1.0, 5.0)
_FREE_PAUSE_S = 5.0
_log = structlog.get_logger(__name__)


class Devices(Protocol):
    """What the drain has to know of source instances; answers come from memory, also while the catalog is away."""

    def name(self, instance_id: int) -> str:
        """What people call it, "" if that is not known."""

    def timezone(self, instance_id: int) -> str:
        """Where it stands, such as "Europe/London"."""


@dataclass(slots=True)
class Item:
    """One claimed entry on its way; preparation: None for what has no media, and before the vault is done."""

    claim: Claim
    entry: Entry
    preparation: Preparation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainSettings:
    """How the drain works.

    desks: files looked at side by side. threads: recordings in desk or vault. in_flight: entries claimed at most.
    batch: recordings in one transaction. look_s: how often the spool is looked at. pauses: first and longest between
    tries while a store or the database is away. stop_s: how long what is in work may take when the drain stops.
    """

    desks: int = 2
    threads: int = 5
    in_flight: int = 100
    batch: int = 50
    look_s: float = 0.1
    first_pause_s: float = 0.5
    longest_pause_s: float = 15.0
    stop_s: float = 5.0


class Work:
    """Entries by their receipt; safe to use from all threads of the drain.

    waiting_items: how many are known to wait, as far as they were listed.
    """

    def __init__(self, spool: Spool, settings: DrainSettings) -> None:
        self.spool = spool
        self.journal = Journal(spool)
        self.stopping = threading.Event()
        self.look_again = threading.Event()
        self.waiting_items = 0
        self.store_gate = Gate(settings.first_pause_s, settings.longest_pause_s)
        self.database_gate = Gate(settings.first_pause_s, settings.longest_pause_s)
        self._lock = threading.Lock()
        self._taken: set[str] = set()
        self._begun: set[str] = set()
        self._later: dict[str, _Later] = {}

    def __len__(self) -> int:
        return len(self._taken)

    def __contains__(self, receipt_id: str) -> bool:
        return receipt_id in self._taken

    def may_take(self, receipt_id: str) -> bool:
        """Whether the entry is neither in work nor waiting for its next try."""
        with self._lock:
            later = self._later.get(receipt_id)
            return receipt_id not in self._taken and (later is None or time.monotonic() >= later.at_s)

    def take(self, receipt_id: str) -> None:
        """The entry is in work."""
        with self._lock:
            self._taken.add(receipt_id)

    def begin(self, receipt_id: str) -> None:
        """The entry is about to be looked at, which may end this process."""
        with self._lock:
            self._begun.add(receipt_id)
        self.journal.begin(receipt_id)

    def done(self, receipt_id: str) -> None:
        """The entry has left the spool."""
        with self._lock:
            self._later.pop(receipt_id, None)
        self._end(receipt_id)

    def put_back(self, claim: Claim, pause_s: float = 0.0) -> None:
        """Let the entry be taken up again after `pause_s`."""
        with self._lock:
            later = self._later.setdefault(claim.receipt_id, _Later())
            later.at_s = time.monotonic() + pause_s
        self.spool.release(claim)
        self._end(claim.receipt_id)
        self.look_again.set()

    def close(self) -> None:
        """Nothing is in work any more."""
        self.journal.close()

    def _end(self, receipt_id: str) -> None:
        with self._lock:
            was_begun = receipt_id in self._begun
            self._begun.discard(receipt_id)
            self._taken.discard(receipt_id)
        if was_begun:
            self.journal.end(receipt_id)

    def free(self, claim: Claim) -> None:
        """Remove an entry that the catalog has; where that fails now, a later look finds it known and tries again."""
        try:
            self.spool.free(claim)
        except OSError as exc:
            _log.warning("spool.away", reason=str(exc))
            self.put_back(claim, _FREE_PAUSE_S)
        else:
            self.done(claim.receipt_id)

    def strike(self, receipt_id: str) -> float | None:
        """Count a failure that may be the entry's own fault.

        Returns: how long to wait before the next try; None if it has had enough of them.
        """
        with self._lock:
            later = self._later.setdefault(receipt_id, _Later())
            later.strikes += 1
            return _STRIKE_PAUSES_S[later.strikes - 1] if later.strikes <= len(_STRIKE_PAUSES_S) else None


@dataclass(slots=True)
class _Later:
    """When an entry may be taken up again, and how often it failed."""

    at_s: float = 0.0
    strikes: int = 0


@dataclass(slots=True)
class KnownPreferences:
    """What people prefer, at most two seconds old; the last known ones while the catalog is away."""

    db: Database
    clock: Callable[[], float] = time.monotonic
    _value: HubPreferences | None = None
    _read_s: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self) -> HubPreferences:
        """The preferences.

        Raises: DatabaseAway, DatabaseBroken if they were never read and cannot be.
        """
        with self._lock:
            if self._value is None or self.clock() - self._read_s > _PREFERENCES_S:
                self._value = self._load()
                self._read_s = self.clock()
            return self._value

    def _load(self) -> HubPreferences:
        try:
            with self.db.read() as session:
                return preferences.load(session)
        except (DatabaseAway, DatabaseBroken):
            if self._value is None:
                raise
            return self._value
