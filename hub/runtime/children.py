"""The fixed processes of a hub, web and worker: started, kept alive with back-off, stopped in order."""

import asyncio
import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from hub.alerts.board import HUB, Board
from hub.alerts.codes.system import SERVICE_START_FAILED, SERVICE_STOP_FAILED
from hub.clock import utc_now
from hub.errors import HubError
from hub.runtime import lifeline
from hub.runtime.commands import ProcessStatus
from hub.runtime.limits import BackOff, Limits
from hub.runtime.process import memory_bytes
from hub.sdk import Alarm

SETUP_EXIT = 2  # the exit code of a process that cannot work with what it was given, such as a port that is taken
_log = structlog.get_logger(__name__)


class ChildGaveUp(HubError):
    """A process said that starting it again is of no use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildCommand:
    """One fixed process. environ: added to the hub's own. stop_s: from SIGTERM to SIGKILL.

    Its program must call `lifeline.hold()` first, so that it ends with the supervisor.
    """

    name: str
    argv: Sequence[str]
    environ: Mapping[str, str] = field(default_factory=dict)
    stop_s: float = 20.0


class FixedChild:
    """Keeps one process running; it is never parked, because without it there is no hub."""

    def __init__(self, command: ChildCommand, limits: Limits, board: Board) -> None:
        self.command = command
        self._limits = limits
        self._back_off = BackOff(limits)
        self._board = board
        self._alarm_key = f"process.{command.name}"
        self._stop_key = f"process.{command.name}.stop"
        self._process: asyncio.subprocess.Process | None = None
        self._since_ms = 0
        self._starts = 0
        self._log = _log.bind(process=command.name)

    async def run(self) -> None:
        """Keep it alive until cancelled, then stop it.

        Raises: ChildGaveUp.
        """
        while True:
            began_s = time.monotonic()
            code = await self._live()
            lasted_s = time.monotonic() - began_s
            self._log.error("process.ended", code=code, lasted_s=round(lasted_s, 1))
            if code == SETUP_EXIT:
                raise ChildGaveUp(f"The {self.command.name} process cannot work; its last lines say why.")
            self._back_off.lived(lasted_s)
            if self._back_off.crashed(time.monotonic()):
                self._board.raise_soon(HUB, self._alarm(code))
            await asyncio.sleep(self._back_off.pause_s())

    def status(self) -> ProcessStatus:
        """The process as it is now."""
        running = self._process is not None and self._process.returncode is None
        pid = self._process.pid if self._process is not None and running else None
        return ProcessStatus(
            name=self.command.name,
            state="ok" if running else "down",
            pid=pid,
            since_ms=self._since_ms,
            starts=self._starts,
            memory_bytes=memory_bytes(pid) if pid else 0,
        )

    async def _live(self) -> int:
        child_end, own_end = os.pipe()
        try:
            environ = {
                **os.environ,
                **self.command.environ,
                lifeline.VARIABLE: f"{os.getpid()}:{child_end}",
            }
            try:
                process = await asyncio.create_subprocess_exec(
                    *self.command.argv,
                    stdin=asyncio.subprocess.DEVNULL,
                    pass_fds=(child_end,),
                    env=environ,
                    start_new_session=True,
                )
            finally:
                os.close(child_end)
            self._process = process
            self._since_ms = time.time_ns() // 1_000_000
            self._starts += 1
            self._log.info("process.started", pid=process.pid)
            return await self._watch(process)
        finally:
            os.close(own_end)

    async def _watch(self, process: asyncio.subprocess.Process) -> int:
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._limits.steady_s):
                    return await process.wait()
            for key in (self._alarm_key, self._stop_key):
                self._board.clear_soon(HUB, key)
            return await process.wait()
        except asyncio.CancelledError:
            await self._stop(process)
            raise

    async def _stop(self, process: asyncio.subprocess.Process) -> None:
        for number, patience_s in ((signal.SIGTERM, self.command.stop_s), (signal.SIGKILL, None)):
            if number is signal.SIGKILL:
                facts = {"service": self.command.name, "time": _now()}
                self._board.raise_soon(HUB, SERVICE_STOP_FAILED.alarm(self._stop_key, **facts))
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await process.wait()
                break
        self._log.info("process.stopped", code=process.returncode)

    def _alarm(self, code: int) -> Alarm:
        reason = f"it keeps ending, last with exit code {code}"
        facts = {"service": self.command.name, "time": _now(), "reason": reason}
        return SERVICE_START_FAILED.alarm(self._alarm_key, **facts)


def _now() -> str:
    return utc_now().isoformat(timespec="seconds")
