"""Connectors in the worker's and the web's own process: opened by instance id, opened anew when settings change."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import structlog

from hub.alerts.board import Board
from hub.config import HubConfig
from hub.errors import HubError
from hub.runtime.instance import Instance, alarm_source
from hub.runtime.instances import Instances
from hub.runtime.plugins import Plugins
from hub.runtime.state import KeyedState
from hub.sdk import (
    AbsentCall,
    Alarm,
    CallDetail,
    CallOutline,
    Connector,
    Health,
    Kind,
    LiveCall,
    Log,
    Receipt,
    RecordingDraft,
    RetryLater,
    Stage,
    State,
    Verdict,
)

_WATCH_S = 2.0
_log = structlog.get_logger(__name__)


class ServiceContext:
    """What a plug-in that is called, not run, gets from the hub: it may tell how it is, and submits nothing."""

    def __init__(self, instance: Instance, config: HubConfig, instances: Instances, board: Board) -> None:
        self._about = instance
        self._config = config
        self._instances = instances
        self._board = board
        self._seals = instances.plugin_seals(config.state)
        self._lock = threading.Lock()
        self._state: KeyedState | None = None
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="health")
        self._log: Log = structlog.get_logger("hub.plugin").bind(instance=instance.name, instance_id=instance.id)

    @property
    def instance(self) -> str:
        """The name people gave this instance."""
        return self._about.name

    @property
    def log(self) -> Log:
        """Where to say what happens."""
        return self._log

    @property
    def state(self) -> State:
        """This instance's durable memory, shared by all processes that open it."""
        with self._lock:
            if self._state is None:
                self._state = KeyedState(self._config.state / f"{self._about.id}.sqlite3")
            return self._state

    @property
    def scratch(self) -> Path:
        """A folder of this instance's own, shared by all processes that open it."""
        folder = self._config.scratch / str(self._about.id)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    async def submit(self, draft: RecordingDraft) -> Receipt:  # noqa: ARG002 - the contract's name
        """Only sources submit.

        Raises: TypeError.
        """
        _refuse()

    async def submit_detail(self, detail: CallDetail) -> Receipt:  # noqa: ARG002 - the contract's name
        """Only sources submit.

        Raises: TypeError.
        """
        _refuse()

    async def submit_absence(self, call: AbsentCall) -> Receipt:  # noqa: ARG002 - the contract's name
        """Only sources submit.

        Raises: TypeError.
        """
        _refuse()

    def decide(self, call: CallOutline) -> Verdict:  # noqa: ARG002 - the contract's name
        """Only sources have calls.

        Raises: TypeError.
        """
        _refuse()

    async def stage(self, receipt_id: str) -> Stage:  # noqa: ARG002 - the contract's name
        """Only sources submit.

        Raises: TypeError.
        """
        _refuse()

    def show_call(self, call: LiveCall) -> None:  # noqa: ARG002 - the contract's name
        """Only sources have calls.

        Raises: TypeError.
        """
        _refuse()

    def drop_call(self, call_id: str) -> None:  # noqa: ARG002 - the contract's name
        """Only sources have calls.

        Raises: TypeError.
        """
        _refuse()

    def seal(self, plain: bytes) -> str:
        """Bytes as text that only this instance can open.

        Raises: SettingsError, RetryLater.
        """
        return self._seals.seal(self._about.id, plain)

    def unseal(self, sealed: str) -> bytes:
        """What `seal` was given.

        Raises: SettingsError, RetryLater.
        """
        return self._seals.unseal(self._about.id, sealed)

    def report(self, health: Health) -> None:
        """Say how it is now; written in the background."""
        with suppress(RuntimeError):  # it is closed
            self._writer.submit(self._write, health)

    def raise_alarm(self, alarm: Alarm) -> None:
        """Raise or update a condition of this instance."""
        self._board.raise_soon(alarm_source(self._about.id), alarm)

    def clear_alarm(self, key: str) -> None:
        """The condition is over."""
        self._board.clear_soon(alarm_source(self._about.id), key)

    def close(self) -> None:
        """Let go of everything."""
        self._writer.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            if self._state is not None:
                self._state.close()
                self._state = None

    def _write(self, health: Health) -> None:
        try:
            self._instances.report_health(self._about.id, health)
        except HubError as exc:
            self._log.warning("health.not_kept", reason=str(exc))


class Connectors:
    """Opens connector instances and notices when they change; safe to use from several threads."""

    def __init__(self, config: HubConfig, instances: Instances, board: Board, plugins: Plugins) -> None:
        self._config = config
        self._instances = instances
        self._board = board
        self._plugins = plugins
        self._revisions: dict[int, int] = {}
        self._contexts: dict[int, list[ServiceContext]] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._watcher: threading.Thread | None = None

    def open(self, instance_id: int) -> Connector[Any]:
        """A fresh connector with the settings of now; the caller closes it.

        Raises: RetryLater (it is switched off, deleted, or cannot be made), DatabaseAway.
        """
        try:
            instance = self._instances.get(instance_id)
            if instance.kind is not Kind.CONNECTOR or not instance.enabled:
                raise RetryLater(f"{instance.name} is switched off.", hint="Switch it on, or choose another storage.")
            found = self._plugins.find(Kind.CONNECTOR, instance.plugin)
            settings = self._instances.settings_of(instance_id)
        except HubError as exc:
            raise RetryLater(f"The storage cannot be opened: {exc}", hint=exc.hint) from exc
        context = ServiceContext(instance, self._config, self._instances, self._board)
        try:
            connector = found.cls(settings, context)
        except Exception as exc:
            context.close()
            raise RetryLater(f"{instance.name} cannot be made: {exc!r}", hint="Tell the plug-in's author.") from exc
        assert isinstance(connector, Connector)
        with self._lock:
            self._revisions[instance_id] = instance.revision
            self._contexts.setdefault(instance_id, []).append(context)
        return connector

    def changed(self) -> Sequence[int]:
        """Instances that were opened and are not what they were: changed, switched off or deleted.

        Raises: DatabaseAway.
        """
        now = self._instances.revisions()
        with self._lock:
            changed = [known for known, revision in self._revisions.items() if now.get(known) != revision]
            for instance_id in changed:
                del self._revisions[instance_id]
        return changed

    def watch(self, forget: Callable[[int], None]) -> None:
        """From now on call `forget` with each changed instance, soon after the change, in a thread of its own."""
        self._watcher = threading.Thread(target=self._watch, args=(forget,), name="connectors", daemon=True)
        self._watcher.start()

    def close(self) -> None:
        """Watch no more."""
        self._ended.set()
        if self._watcher is not None:
            self._watcher.join()
        for instance_id in list(self._contexts):
            self._close_contexts(instance_id)

    def _watch(self, forget: Callable[[int], None]) -> None:
        while not self._ended.wait(_WATCH_S):
            try:
                changed = self.changed()
            except HubError as exc:
                _log.debug("connectors.unknown", reason=str(exc))
                continue
            for instance_id in changed:
                try:
                    forget(instance_id)
                except Exception:  # noqa: BLE001 - the watch goes on, whatever one connector does
                    _log.exception("connector.not_closed", instance_id=instance_id)
                self._close_contexts(instance_id)

    def _close_contexts(self, instance_id: int) -> None:
        with self._lock:
            contexts = self._contexts.pop(instance_id, [])
        for context in contexts:
            context.close()


def _refuse() -> NoReturn:
    raise TypeError("only sources submit recordings")
