"""A real supervisor in a thread of the test's own process, with small limits so that tests are quick."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hub.alerts.board import Board
from hub.audit.actor import SYSTEM
from hub.config import HubConfig
from hub.config.secrets import SecretBox
from hub.db.database import Database
from hub.runtime.children import ChildCommand
from hub.runtime.commands import CommandClient, ProcessStatus
from hub.runtime.instance import Instance, InstanceHealth, InstanceOptions
from hub.runtime.instances import Instances
from hub.runtime.limits import Limits
from hub.runtime.supervisor import Supervisor
from hub.sdk import Kind
from tests.doubles.hub import until

QUICK = Limits(
    start_s=20.0,
    settle_s=0.3,
    late_s=1.5,
    lost_s=3.0,
    stop_s=1.0,
    term_s=0.5,
    check_s=3.0,
    look_s=0.1,
    first_pause_s=0.1,
    reconcile_s=0.5,
    crashes=3,
    watch_s=0.5,
    watch_share=1.0,
)


def wait_until(condition: Callable[[], Any], timeout_s: float = 60.0) -> Any:
    """What `condition` says once it is true."""
    return until(condition, timeout_s, f"{condition} came true")


def is_gone(pid: int) -> bool:
    """Whether there is no such process any more."""
    return not Path(f"/proc/{pid}").exists()


@dataclass
class Supervised:
    """A hub without web and worker: what a test needs to play with its devices."""

    config: HubConfig
    db: Database
    limits: Limits = QUICK
    children: Sequence[ChildCommand] = ()
    ended: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.config.make_folders()
        self.instances = Instances(self.db, SecretBox.open(self.config))
        self.board = Board(self.db)
        self.commands = CommandClient(self.config.command_socket)

    def add(
        self, plugin: str, kind: Kind = Kind.SOURCE, options: InstanceOptions | None = None, **settings: Any
    ) -> int:
        """A device called like its plug-in."""
        made = self.instances.create(kind, plugin, plugin, settings, SYSTEM, options=options)
        return made.id

    def device(self, instance_id: int) -> Instance:
        """The device as pages see it."""
        return self.instances.get(instance_id)

    def health(self, instance_id: int) -> InstanceHealth:
        """Its lamp."""
        return self.device(instance_id).health

    def wait_for(self, instance_id: int, state: str, timeout_s: float = 60.0) -> InstanceHealth:
        """Its health once its lamp shows `state`."""
        return wait_until(lambda: (now := self.health(instance_id)).state == state and now, timeout_s)

    def processes(self) -> list[ProcessStatus]:
        """All processes; patient, because the machine that runs tests may be busy."""
        return self.commands.status(deadline_s=30)

    def status(self, instance_id: int) -> ProcessStatus | None:
        """Its process."""
        return next((status for status in self.processes() if status.instance_id == instance_id), None)

    def reload(self, instance_id: int) -> None:
        """Have a change taken up."""
        self.commands.reload(instance_id, deadline_s=30)

    def pid(self, instance_id: int) -> int:
        """Its process's id, once it has one."""
        return wait_until(lambda: (now := self.status(instance_id)) and now.pid)

    def open_alarms(self) -> list[str]:
        """Codes of all open alarms."""
        self.board.flush()
        return [alarm.code for alarm in self.board.list_open()]

    @contextmanager
    def running(self) -> Iterator["Supervised"]:
        """Supervise for as long as the block lasts."""
        started = threading.Event()
        holder: dict[str, Any] = {}

        def work() -> None:
            async def supervise() -> None:
                supervisor = Supervisor(
                    self.config, self.db, self.instances, self.board, children=self.children, limits=self.limits
                )
                holder["task"], holder["loop"] = asyncio.current_task(), asyncio.get_running_loop()
                started.set()
                await supervisor.run()

            try:
                asyncio.run(supervise())
            except asyncio.CancelledError:
                pass
            except BaseException as exc:  # noqa: BLE001 - shown to the test
                self.ended.append(exc)

        thread = threading.Thread(target=work, name="supervisor")
        thread.start()
        try:
            assert started.wait(10)
            wait_until(lambda: self.config.command_socket.exists() or self.ended)
            yield self
        finally:
            if not self.ended:
                holder["loop"].call_soon_threadsafe(holder["task"].cancel)
            thread.join(60)
            assert not thread.is_alive(), "the supervisor does not stop"
            self.board.close()
