"""Keeps one source instance alive: judges each end of its process and decides what comes next."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog

from hub.alerts.board import Board
from hub.runtime.commands import ProcessStatus
from hub.runtime.failure import Failure, FailureKind, PluginFailure
from hub.runtime.instance import InstanceHealth, InstanceState, Startup
from hub.runtime.instance_alarms import InstanceAlarms
from hub.runtime.life import Ended, Life
from hub.runtime.limits import BackOff, Limits
from hub.runtime.live.board import LiveBoard
from hub.runtime.process import HostProcess
from hub.runtime.questions import Questions
from hub.runtime.reports import Reports
from hub.runtime.roster import Folders, RosterEntry, make_order
from hub.sdk import Alarm, Health, LiveCall

_DOWN_ALARM_S = 5.0
_WAITS_FOR_A_PERSON = {
    FailureKind.SETTINGS: InstanceState.NEEDS_SETTINGS,
    FailureKind.PLUGIN_MISSING: InstanceState.PLUGIN_MISSING,
    FailureKind.AUTH: InstanceState.DOWN,
}


@dataclass(frozen=True, slots=True)
class Ports:
    """What a runner needs of the hub around it."""

    folders: Folders
    reports: Reports
    board: Board
    questions: Questions
    live: LiveBoard
    limits: Limits


class SourceRunner:
    """One source instance; implements `life.Listener`. `start` it, `stop` it, tell it of changes."""

    def __init__(self, entry: RosterEntry, ports: Ports) -> None:
        self.entry = entry
        self._ports = ports
        self._back_off = BackOff(ports.limits)
        self._called = asyncio.Event()
        self._made = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        self._life: Life | None = None
        self._starts = 0
        self._settled = False
        self._reported: InstanceHealth | None = None
        self.health = replace(entry.health, numbers={}, warnings=(), field_errors={})
        self._alarms = InstanceAlarms(ports.board, entry.id, _DOWN_ALARM_S)
        self._log = structlog.get_logger(__name__).bind(instance=entry.name, instance_id=entry.id)

    def start(self) -> None:
        """Begin; only once."""
        self._task = asyncio.create_task(self._keep(), name=f"runner-{self.entry.id}")

    async def stop(self, *, for_good: bool = False) -> None:
        """End the process and stay ended; for_good: the device is not wanted any more, and may tell others so."""
        self._stopping = True
        if for_good and self._life is not None:
            self._life.process.send({"says": "wind_up"})
        self._called.set()
        if self._task is not None:
            await self._task
        self._alarms.forget_down()

    def change(self, entry: RosterEntry) -> None:
        """Go on with other settings; parked or not, it starts anew."""
        self.entry = entry
        self._log = self._log.bind(instance=entry.name)
        self.restart()

    def restart(self) -> None:
        """End the process and start it anew, with a clean sheet."""
        self._back_off.forget()
        self._called.set()

    def status(self) -> ProcessStatus:
        """The process as it is now."""
        process = self._life.process if self._life is not None and self._life.process.running else None
        return ProcessStatus(
            name=self.entry.name,
            state=self.health.state.value,
            instance_id=self.entry.id,
            pid=process.pid if process else None,
            since_ms=self.health.since_ms,
            starts=self._starts,
            memory_bytes=process.memory_bytes() if process else 0,
            summary=self.health.summary,
        )

    async def ask(self, errand: str, arguments: dict[str, Any], deadline_s: float) -> dict[str, Any]:
        """Have the plug-in do something.

        Returns: what it says of it. Raises: PluginFailure.
        """
        if self._life is None:
            raise PluginFailure(Failure(kind=FailureKind.RETRY_LATER, message="The device does not run now."))
        return await self._life.ask(errand, arguments, deadline_s)

    async def _keep(self) -> None:
        while not self._stopping:
            self._called.clear()
            began_s = time.monotonic()
            ended = await self._live()
            if self._stopping:
                break
            if ended.requested:
                continue
            has_crashed = ended.failure is not None and ended.failure.kind is FailureKind.CRASHED
            self._back_off.lived(time.monotonic() - began_s, has_worked=self._settled and has_crashed)
            pause_s = self._judge(ended)
            try:
                async with asyncio.timeout(pause_s):
                    await self._called.wait()
            except TimeoutError:
                continue

    async def _live(self) -> Ended:
        self._settled = False
        self._reported = None
        self._made.clear()
        if self.entry.problem:
            return Ended(failure=Failure(kind=FailureKind.SETTINGS, message=self.entry.problem))
        if self.health.state not in {InstanceState.DOWN, InstanceState.PARKED}:
            self._show(InstanceState.STARTING, "The plug-in's process is starting.")
        self._starts += 1
        try:
            process = await HostProcess.start(make_order("run", self.entry, self._ports.folders), self.printed)
        except OSError as exc:
            message = f"Its process cannot be started: {exc}."
            return Ended(failure=Failure(kind=FailureKind.RETRY_LATER, message=message))
        self._log.info("source.started", pid=process.pid, revision=self.entry.revision)
        self._life = Life(process, self, self._ports.limits, self.entry.options.memory_limit_mb)
        settling = asyncio.create_task(self._settle())
        try:
            return await self._life.run(self._called)
        finally:
            settling.cancel()
            self._life = None
            self._ports.live.clear(self.entry.id)
            self._log.info("source.ended", pid=process.pid)

    async def _settle(self) -> None:
        """A plug-in that runs and says nothing is taken to be well."""
        await self._made.wait()
        await asyncio.sleep(self._ports.limits.settle_s)
        if self._reported is None:
            self._show(InstanceState.OK, "Running.")
        self._note_settled()

    def _note_settled(self) -> None:
        """It works: what the hub itself held against it is over."""
        if not self._settled:
            self._settled = True
            self._alarms.note_well()

    def _judge(self, ended: Ended) -> float | None:
        """Show what happened; returns the pause before the next start, None to wait for a person."""
        failure = ended.failure or Failure(
            kind=FailureKind.CRASHED,
            message="It stopped by itself.",
            hint="A source must run until it is told to stop: tell the plug-in's author.",
        )
        self._log.warning("source.failed", kind=failure.kind.value, reason=failure.message)
        if failure.kind in _WAITS_FOR_A_PERSON:
            self._wait_for_a_person(failure)
            return None
        if not self._settled and self.entry.options.startup is Startup.STOP:
            self._park(failure, "It could not start and is set to wait for a person")
            return None
        if failure.kind is FailureKind.RETRY_LATER:
            self._show(InstanceState.DOWN, failure.message, failure.hint)
            asked_s = failure.after_s
            return self._back_off.pause_s() if asked_s is None else max(asked_s, self._ports.limits.first_pause_s)
        if self._back_off.crashed(time.monotonic()):
            self._park(failure, f"It failed {self._ports.limits.crashes} times in a short while")
            return None
        self._show(InstanceState.DOWN, failure.message, failure.hint or "The hub starts it again by itself.")
        return self._back_off.pause_s()

    def _wait_for_a_person(self, failure: Failure) -> None:
        errors = {name: tuple(texts) for name, texts in (failure.fields or {}).items()}
        self._show(_WAITS_FOR_A_PERSON[failure.kind], failure.message, failure.hint, field_errors=errors)
        self._alarms.raise_for(failure, self.entry.name, self.entry.plugin)

    def _park(self, failure: Failure, why: str) -> None:
        hint = failure.hint or "Look at its log lines, then restart it or change its settings."
        self._show(InstanceState.PARKED, f"{why}. {failure.message}", hint)
        self._alarms.raise_parked(self.entry.name, failure, self._ports.limits)

    def _show(self, state: InstanceState, summary: str, hint: str = "", **more: Any) -> None:
        since_ms = self.health.since_ms if state is self.health.state and self.health.since_ms else _now_ms()
        self._put(
            InstanceHealth(
                state=state,
                summary=summary,
                hint=hint,
                since_ms=since_ms,
                last_recording_ms=self.health.last_recording_ms,
                **more,
            )
        )

    def _put(self, health: InstanceHealth) -> None:
        lamp = (health.state, health.summary, health.hint, health.field_errors)
        urgent = lamp != (self.health.state, self.health.summary, self.health.hint, self.health.field_errors)
        self.health = health
        if health.state is InstanceState.DOWN:
            self._alarms.note_down(self.entry.name, health.summary)
        elif health.state in {InstanceState.OK, InstanceState.DEGRADED}:
            self._alarms.note_up()
        self._ports.reports.note(self.entry.id, health, urgent=urgent)

    # What the process says: `life.Listener`.

    def made(self) -> None:
        """The plug-in was loaded and its `run` begins."""
        self._made.set()

    def reported(self, health: Health) -> None:
        """It said how it is."""
        state = InstanceState.of(health.state)
        self._show(state, health.summary, health.hint, numbers=dict(health.numbers), warnings=health.warnings)
        self._reported = self.health
        if state is not InstanceState.DOWN:
            self._note_settled()

    def raised(self, alarm: Alarm) -> None:
        """It raised an alarm."""
        self._alarms.raise_of_plugin(alarm)

    def cleared(self, key: str) -> None:
        """It cleared an alarm."""
        self._alarms.clear_of_plugin(key)

    def received(self, at_ms: int) -> None:
        """The spool took something over from it."""
        self._put(replace(self.health, last_recording_ms=at_ms))

    def fell_silent(self, seconds: float, place: str) -> None:
        """Its loop does not turn."""
        where = f" It hangs at {place}." if place else ""
        self._show(
            InstanceState.DOWN,
            f"It does not respond.{where}",
            f"The hub ends it and starts it again after {self._ports.limits.lost_s:g} s of silence.",
        )
        self._log.warning("source.fell_silent", silence_s=round(seconds, 1), place=place)

    def spoke_again(self) -> None:
        """Its loop turns again."""
        if self._reported is not None:
            self._put(replace(self._reported, since_ms=_now_ms(), last_recording_ms=self.health.last_recording_ms))
        else:
            self._show(InstanceState.OK, "Running.")

    def said(self, level: str, event: str, facts: dict[str, Any]) -> None:
        """It wrote a log line."""
        write = getattr(self._log, level if level in {"debug", "info", "warning", "error"} else "info")
        write(event, **{name: value for name, value in facts.items() if name not in {"event", "instance"}})

    def printed(self, stream: str, text: str) -> None:
        """It wrote to stdout or stderr."""
        self._log.info("plugin.printed", stream=stream, text=text)

    def showed(self, changes: Mapping[str, LiveCall | None]) -> None:
        """It put calls on the list of those that go on, or took them off."""
        self._ports.live.note(self.entry.id, changes)

    async def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """What the process wants to know."""
        return await self._ports.questions.answer(self.entry.id, question)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
