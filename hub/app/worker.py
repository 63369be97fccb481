"""The worker process: drains the spool, does background work, seals the audit trail."""

import gc
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta

import structlog

from hub.alerts.audit_watch import AuditWatch
from hub.alerts.board import Board
from hub.alerts.configuration_watch import ConfigurationWatch
from hub.alerts.job_watch import JobWatch
from hub.app.devices import KnownDevices
from hub.app.disk_space import DiskSpace
from hub.app.first_run import ensure_primary_store
from hub.app.offline import open_database
from hub.audit import seal
from hub.catalog import events, preferences
from hub.catalog.details import forget_details
from hub.catalog.same_calls import forget_calls
from hub.clock import to_ms, utc_now
from hub.config import HubConfig, MediaPolicy, Verification
from hub.config.paths import make_folder
from hub.config.policy import HubPreferences
from hub.config.secrets import SecretBox
from hub.db.database import Database
from hub.errors import HubError
from hub.ingest.drain import Drain
from hub.ingest.later_forms import RULES as FORM_RULES
from hub.ingest.later_forms import LaterForms
from hub.ingest.spool import Spool
from hub.ingest.takes import RULES as TAKE_RULES
from hub.ingest.takes import TakeFills
from hub.jobs.worker import Worker, WorkerSettings
from hub.observe import logging
from hub.rules.absences import forget_absences
from hub.runtime.connectors import Connectors
from hub.runtime.instances import Instances
from hub.runtime.plugins import Plugins
from hub.vault.copies import RULES as COPY_RULES
from hub.vault.copies import Copies
from hub.vault.stores import Stores

_SEAL_EVERY_S = 0.5
_TIDY_EVERY_S = 3600.0
_DISK_EVERY_S = 30.0
_CONFIGURATION_EVERY_S = 2.0
_PROOF_EVERY_S = 24 * 3600.0
_AWAY_S = 5.0
_KEEP_EVENTS = timedelta(days=2)
_KEEP_DETAILS = timedelta(days=30)
_KEEP_CALL_KEYS = timedelta(days=30)
_KEEP_ALARMS = timedelta(days=365)
_log = structlog.get_logger(__name__)


def run_worker(config: HubConfig) -> int:
    """Work until SIGTERM or SIGINT."""
    logging.configure(config)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with ExitStack() as stack:
        db = open_database(config)
        stack.callback(db.close)
        board = Board(db)
        stack.callback(board.close)
        plugins = Plugins()
        instances = Instances(db, SecretBox.open(config), plugins, reopen=lambda: SecretBox.open(config))
        _wait_for_primary_store(config, db, instances, ended)
        connectors = Connectors(config, instances, board, plugins)
        stores = Stores(connectors.open)
        stack.callback(stores.close)
        stack.callback(connectors.close)
        devices = KnownDevices(db, instances)
        spool, disk_space = Spool(config.spool), DiskSpace(config, board)
        if not _has_come(spool, disk_space, ended):
            return 0
        drain = Drain(spool, db, stores, board, devices)
        connectors.watch(lambda store_id: _reopen(stores, drain, store_id))
        copies = Copies(db, stores, board, lambda: _policy(db).verify is Verification.READ_BACK)
        unfinished = config.scratch / "forms"
        make_folder(unfinished)
        forms = LaterForms(db, stores, unfinished, lambda: _policy(db))
        stack.callback(forms.close)
        takes = TakeFills(db, stores, unfinished, lambda: _preferred(db), devices)
        stack.callback(takes.close)
        stack.enter_context(
            Worker(
                db,
                {**copies.handlers(), **forms.handlers(), **takes.handlers()},
                WorkerSettings(rules={**FORM_RULES, **TAKE_RULES, **COPY_RULES}),
                watch=JobWatch(db, board).look,
            )
        )
        for name, every_s, work in (
            ("seal", _SEAL_EVERY_S, lambda: seal(db, utc_now())),
            ("tidy", _TIDY_EVERY_S, lambda: _tidy(db, board)),
            ("disk space", _DISK_EVERY_S, disk_space.look),
            ("configuration", _CONFIGURATION_EVERY_S, ConfigurationWatch(db, board).look),
            ("audit", _PROOF_EVERY_S, AuditWatch(db, board).look),
        ):
            stack.enter_context(_Repeating(name, every_s, work))
        _drain_until(ended, drain)
    return 0


def _drain_until(ended: threading.Event, drain: Drain) -> None:
    draining = threading.Thread(target=drain.run, name="drain")
    draining.start()
    gc.freeze()  # what was imported lives as long as the process
    while draining.is_alive() and not ended.wait(1.0):
        continue
    drain.stop()
    draining.join()


def _wait_for_primary_store(config: HubConfig, db: Database, instances: Instances, ended: threading.Event) -> None:
    """See that there is a primary storage; a catalog that is away is waited for, the spool holds meanwhile."""
    while not ended.is_set():
        try:
            ensure_primary_store(config, db, instances)
        except HubError as exc:
            _log.warning("storage.unknown", reason=str(exc))
            ended.wait(_AWAY_S)
        else:
            return


def _has_come(spool: Spool, disk_space: DiskSpace, ended: threading.Event) -> bool:
    """Whether the spool is there before all is to end; its alarm is raised while it is not."""
    while not ended.is_set():
        try:
            spool.check()
        except HubError as exc:
            _log.warning("spool.away", reason=str(exc))
            disk_space.look()
            ended.wait(_AWAY_S)
        else:
            return True
    return False


def _reopen(stores: Stores, drain: Drain, store_id: int) -> None:
    stores.forget(store_id)
    drain.hurry(store_id)


def _policy(db: Database) -> MediaPolicy:
    return _preferred(db).media


def _preferred(db: Database) -> HubPreferences:
    with db.read() as session:
        return preferences.load(session)


def _tidy(db: Database, board: Board) -> None:
    with db.write() as session:
        events.prune(session, utc_now() - _KEEP_EVENTS)
        forget_details(session, utc_now() - _KEEP_DETAILS)
        forget_calls(session, utc_now() - _KEEP_CALL_KEYS)
        forget_absences(session, utc_now())
    board.prune(to_ms(utc_now() - _KEEP_ALARMS))


class _Repeating:
    """Calls `work` every so often in a thread of its own; a catalog that is away is no reason to end.

    What is due seldom comes first after an hour: a hub that starts has other things to do.
    """

    def __init__(self, name: str, every_s: float, work: Callable[[], object]) -> None:
        self._every_s = every_s
        self._first_s = _TIDY_EVERY_S if every_s > _TIDY_EVERY_S else 0.0
        self._work = work
        self._name = name
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        if self._ended.wait(self._first_s):
            return
        while True:
            try:
                self._work()
            except HubError as exc:
                _log.warning("work.put_off", work=self._name, reason=str(exc))
                self._ended.wait(_AWAY_S)
            except Exception:  # noqa: BLE001 - one bad round must not end all later ones
                _log.exception("work.failed", work=self._name)
                self._ended.wait(_AWAY_S)
            if self._ended.wait(self._every_s):
                return
