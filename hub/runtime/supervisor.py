"""The parent of all the hub's processes: keeps them alive, and none of them can take it down.

It imports neither web nor plug-ins. While the database is away devices keep recording: what was known of them last is
kept in memory and on disk (secrets sealed), and how they are is written once the database is back.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import structlog

from hub.alerts.board import Board
from hub.config import HubConfig
from hub.db.database import Database
from hub.errors import HubError
from hub.runtime.checks import Checks
from hub.runtime.children import ChildCommand, FixedChild
from hub.runtime.command_server import CommandServer
from hub.runtime.failure import Failure, FailureKind, PluginFailure
from hub.runtime.instance import alarm_source
from hub.runtime.instances import Instances
from hub.runtime.limits import Limits
from hub.runtime.live.board import LiveBoard
from hub.runtime.live.commands import LiveCommands
from hub.runtime.plugin_seals import UNSAVED
from hub.runtime.questions import Questions
from hub.runtime.reports import Reports
from hub.runtime.roster import Folders, RosterEntry
from hub.runtime.roster_file import RosterFile, locked
from hub.runtime.rules_feed import RulesFeed
from hub.runtime.runner import Ports, SourceRunner
from hub.runtime.watch import WATCHED, Watch
from hub.runtime.wire import health_to_json
from hub.sdk import Kind

_log = structlog.get_logger(__name__)
_LAST_WORDS_S = 5.0


class Supervisor:
    """Runs until cancelled; `children` are the fixed processes, web and worker."""

    def __init__(
        self,
        config: HubConfig,
        db: Database,
        instances: Instances,
        board: Board,
        *,
        children: Sequence[ChildCommand] = (),
        limits: Limits | None = None,
    ) -> None:
        self._config = config
        self._db = db
        self._instances = instances
        self._board = board
        self._limits = limits or Limits()
        self._folders = Folders(
            spool=config.spool,
            scratch=config.scratch,
            state=config.state,
            run=config.run,
            uploads=config.uploads,
            sockets=config.command_socket.parent,
        )
        self._roster_file = RosterFile(config.state / "roster.json")
        self._children = [FixedChild(command, self._limits, board) for command in children]
        self._runners: dict[int, SourceRunner] = {}
        self._leaving: dict[int, asyncio.Task[None]] = {}
        self._entries: dict[int, RosterEntry] = {}
        self._known = False
        self._rounds_begun = 0
        self._rounds_done = 0
        self._wake = asyncio.Event()
        self._round_done = asyncio.Condition()
        self._reports = Reports(instances.record_health)
        self._live = LiveBoard(db)
        self._questions = Questions(db, instances.plugin_seals(config.state))
        self._checks = Checks(self._folders, self._limits, self._questions)
        watched = Checks(self._folders, self._limits, self._questions, at_once=1)
        self._watch = Watch(watched, self._reports, board, self._limits)
        self._rules = RulesFeed(db, self._folders.rules, self._zones)

    async def run(self) -> None:
        """Keep everything running until cancelled, then stop it in order.

        Raises: SupervisorRunning; ChildGaveUp; OSError if the command channel cannot be opened.
        """
        own = {"check": self._check, "reload": self._reload, "restart": self._restart, "status": self._status}
        handlers = {**own, **LiveCommands(self._runners, self._live, self._folders).handlers}
        with locked(self._config.run / "supervisor.lock"):
            commands = CommandServer(self._config.command_socket, handlers)
            await commands.start()
            works = [self._reconcile_forever(), self._rules.run(), self._watch.run()]
            works += [child.run() for child in self._children]
            tasks = [asyncio.create_task(work) for work in works]
            telling = [asyncio.create_task(self._reports.run()), asyncio.create_task(self._live.run())]
            try:
                done, _ = await asyncio.wait([*tasks, *telling], return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                await commands.stop()
                await self._stop(tasks, telling)

    def _zones(self) -> dict[int, str]:
        return {entry.id: entry.options.timezone for entry in self._entries.values() if entry.options.timezone}

    async def _stop(self, tasks: list[asyncio.Task[None]], telling: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        leaving = [runner.stop() for runner in self._runners.values()]
        await asyncio.gather(*tasks, *leaving, *self._leaving.values(), return_exceptions=True)
        for task in telling:
            task.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_S):
                await asyncio.gather(*telling, return_exceptions=True)
        _log.info("supervisor.stopped")

    async def _reconcile_forever(self) -> None:
        while True:
            self._wake.clear()
            self._rounds_begun += 1
            sealed = await self._load()
            if sealed is not None:
                self._apply(sealed)
            async with self._round_done:
                self._rounds_done = self._rounds_begun
                self._round_done.notify_all()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._limits.reconcile_s):
                    await self._wake.wait()

    async def _load(self) -> Sequence[dict[str, Any]] | None:
        """The enabled instances; while the database is away those of the last run, None once some are known."""
        try:
            sealed = await asyncio.to_thread(self._instances.roster)
        except HubError as exc:
            _log.warning("roster.unknown", reason=str(exc), working_from_memory=self._known)
            return None if self._known else self._roster_file.read()
        return sealed

    def _apply(self, sealed: Sequence[dict[str, Any]]) -> None:
        """Start, change and stop, until what runs is what should run."""
        revisions = {values["id"]: values["revision"] for values in sealed}
        if not self._known or revisions != {entry.id: entry.revision for entry in self._entries.values()}:
            self._known = True
            self._roster_file.write(sealed)
            self._entries = {entry.id: entry for entry in self._instances.open_roster(sealed)}
            self._watch.set([entry for entry in self._entries.values() if entry.kind in WATCHED])
        for instance_id in set(self._runners) - set(self._entries):
            self._let_go(instance_id)
        for entry in self._entries.values():
            if entry.kind is Kind.SOURCE:
                self._keep(entry)

    def _keep(self, entry: RosterEntry) -> None:
        runner = self._runners.get(entry.id)
        if runner is not None and runner.entry.revision != entry.revision:
            runner.change(entry)
        elif runner is None and entry.id not in self._leaving:
            ports = Ports(self._folders, self._reports, self._board, self._questions, self._live, self._limits)
            runner = self._runners[entry.id] = SourceRunner(entry, ports)
            runner.start()

    def _let_go(self, instance_id: int) -> None:
        """Stop a source that was disabled or deleted; should it come back meanwhile, it starts when this is done."""

        def gone(_: asyncio.Task[None]) -> None:
            del self._leaving[instance_id]
            self._board.clear_all_soon(alarm_source(instance_id))
            self._wake.set()

        task = self._leaving[instance_id] = asyncio.create_task(self._runners.pop(instance_id).stop(for_good=True))
        task.add_done_callback(gone)

    async def _check(self, arguments: dict[str, Any]) -> dict[str, Any]:
        instance_id = int(arguments["instance_id"] or UNSAVED)
        known = self._entries.get(instance_id)
        entry = RosterEntry(
            id=instance_id,
            kind=Kind(arguments["kind"]),
            plugin=str(arguments["plugin"]),
            name=known.name if known else str(arguments["plugin"]),
            revision=0,
            settings=dict(arguments["settings"]),
            settings_version=int(arguments["settings_version"]),
        )
        health = await self._checks.check(entry, float(arguments["deadline_s"]))
        return {"health": health_to_json(health)}

    async def _reload(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Answers when the change has been taken up, or the database turned out to be away."""
        wanted = self._rounds_begun + 1  # a round that is under way may have read before the change was committed
        self._wake.set()
        async with self._round_done:
            await self._round_done.wait_for(lambda: self._rounds_done >= wanted)
        self._watch.hurry(int(arguments["instance_id"]))
        return {}

    async def _restart(self, arguments: dict[str, Any]) -> dict[str, Any]:
        instance_id = int(arguments["instance_id"])
        if runner := self._runners.get(instance_id):
            runner.restart()
        elif instance_id in self._entries:
            self._watch.hurry(instance_id)
        else:
            text = "There is no such instance, or it is switched off."
            raise PluginFailure(Failure(kind=FailureKind.NOT_FOUND, message=text))
        return {}

    async def _status(self, _arguments: dict[str, Any]) -> dict[str, Any]:
        kept: list[FixedChild | SourceRunner] = [*self._children, *self._runners.values()]
        return {"processes": [asdict(one.status()) for one in kept]}
