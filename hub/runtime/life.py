"""One life of a plug-in process: from its start to its end, with the reason of the end."""

import asyncio
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from hub.runtime import questions
from hub.runtime.failure import Failure, FailureKind, PluginFailure
from hub.runtime.limits import Limits
from hub.runtime.live.open_errands import OpenErrands
from hub.runtime.live.wire import call_from_json
from hub.runtime.output import Bucket
from hub.runtime.process import HostProcess
from hub.runtime.wire import WireError, alarm_from_json, health_from_json
from hub.sdk import Alarm, Health, LiveCall

_MESSAGES_BURST, _MESSAGES_PER_S = 4000.0, 2000.0
_LOGS_BURST, _LOGS_PER_S = 400.0, 100.0
_BREATH_S = 0.05


class Listener(Protocol):
    """Who wants to know what a living process says."""

    def made(self) -> None:
        """The plug-in was loaded and its `run` begins."""

    def reported(self, health: Health) -> None:
        """It said how it is."""

    def raised(self, alarm: Alarm) -> None:
        """It raised an alarm."""

    def cleared(self, key: str) -> None:
        """It cleared an alarm."""

    def received(self, at_ms: int) -> None:
        """The spool took something over from it."""

    def fell_silent(self, seconds: float, place: str) -> None:
        """Its loop does not turn; `place`: where it hangs, "" if unknown."""

    def spoke_again(self) -> None:
        """Its loop turns again."""

    def said(self, level: str, event: str, facts: dict[str, Any]) -> None:
        """It wrote a log line."""

    def printed(self, stream: str, text: str) -> None:
        """It wrote to stdout or stderr."""

    def showed(self, changes: Mapping[str, LiveCall | None]) -> None:
        """It put calls on the list of those that go on, or took them off (None)."""

    async def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """What the process wants to know, or the failure, as JSON values."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a life ended. failure: None where it was asked to end or returned by itself; made: `run` had begun."""

    requested: bool = False
    failure: Failure | None = None
    made: bool = False


class Life:
    """Watches one process."""

    def __init__(self, process: HostProcess, listener: Listener, limits: Limits, memory_limit_mb: int) -> None:
        self.process = process
        self.made = False
        self._listener = listener
        self._limits = limits
        self._memory_limit_mb = memory_limit_mb
        self._clock = asyncio.get_running_loop().time
        self._heard_s = self._clock()
        self._silent = False
        self._place = ""
        self._said_ended = False
        self._last_words: Failure | None = None
        self._answers: set[asyncio.Task[None]] = set()
        self._errands = OpenErrands()
        self._logs = Bucket(_LOGS_BURST, _LOGS_PER_S)

    async def ask(self, errand: str, arguments: dict[str, Any], deadline_s: float) -> dict[str, Any]:
        """Have the plug-in do something.

        Returns: what it says of it. Raises: PluginFailure.
        """
        if not self.made:
            raise PluginFailure(Failure(kind=FailureKind.RETRY_LATER, message="The device is starting."))
        return await self._errands.send(self.process.send, errand, arguments, deadline_s)

    async def run(self, called: asyncio.Event) -> Ended:
        """Watch until the process ends, or until `called` is set, which ends it."""
        listening = asyncio.create_task(self._listen())
        guarding = asyncio.create_task(self._guard())
        calling = asyncio.create_task(called.wait())
        ending = asyncio.create_task(self.process.wait())  # the channel may be held open by what it started
        tasks: list[asyncio.Task[Any]] = [listening, guarding, calling, ending]
        verdict: Failure | None = None
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if calling in done:
                await self.process.stop(self._limits)
            elif guarding in done:
                verdict = guarding.result()
                await self.process.end(0.0)
            elif listening in done:
                verdict = listening.result()
                await self._see_off()
            code = await self.process.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._limits.last_words_s):
                    verdict = verdict or await listening
        finally:
            self._errands.fail_all()
            for task in (*tasks, *self._answers):
                task.cancel()
            await asyncio.gather(*tasks, *self._answers, return_exceptions=True)
            if self.process.running:
                await self.process.end(0.0)
            await self.process.clear_away()
        if calling in done:
            return Ended(requested=True, made=self.made)
        return Ended(failure=verdict or self._failure(code), made=self.made)

    def _failure(self, code: int) -> Failure | None:
        if self._said_ended:
            dry = self._last_words is not None and self._last_words.kind is FailureKind.OUT_OF_MEMORY
            return self._out_of_memory() if dry else self._last_words
        if code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
            message, hint = f"Its process was ended by {name}.", ""
            if -code == signal.SIGKILL:
                hint = "The system may have ended it because memory was short."
        else:
            message, hint = f"It ended its own process with exit code {code}.", ""
            if "MemoryError" in "".join(self.process.errors.tail):
                return self._out_of_memory()
        return Failure(kind=FailureKind.CRASHED, message=message, hint=hint)

    async def _see_off(self) -> None:
        """The channel is closed: the process has little time left to be gone."""
        try:
            async with asyncio.timeout(self._limits.term_s):
                await self.process.wait()
        except TimeoutError:
            await self.process.end(0.0)

    async def _listen(self) -> Failure | None:
        allowed = Bucket(_MESSAGES_BURST, _MESSAGES_PER_S)
        try:
            async for message in self.process.messages():
                if not allowed.take(self._clock()):
                    await asyncio.sleep(_BREATH_S)
                self._hear(message)
        except (WireError, KeyError, ValueError, TypeError) as exc:
            return Failure(kind=FailureKind.CRASHED, message=f"Its process does not keep to the protocol: {exc}.")
        return None

    def _hear(self, message: dict[str, Any]) -> None:
        match message["says"]:
            case "beat":
                self._beat()
            case "made":
                self.made = True
                self._heard_s = self._clock()
                self._listener.made()
            case "ended":
                self._said_ended = True
                self._last_words = Failure.from_json(message["failure"]) if message["failure"] else None
            case "at":
                self._place = str(message["place"])[:200]
                if self._silent:
                    self._listener.fell_silent(self._clock() - self._heard_s, self._place)
            case "log":
                if self._logs.take(self._clock()):
                    self._listener.said(str(message["level"]), str(message["event"]), dict(message["facts"]))
            case _:
                self._hear_news(message)

    def _hear_news(self, message: dict[str, Any]) -> None:
        match message["says"]:
            case "health":
                self._listener.reported(health_from_json(message["health"]))
            case "alarm":
                self._listener.raised(alarm_from_json(message["alarm"]))
            case "clear":
                self._listener.cleared(str(message["key"]))
            case "received":
                self._listener.received(int(message["at_ms"]))
            case "live":
                self._listener.showed({str(ref): call and call_from_json(call) for ref, call in message["changes"]})
            case "errand_done":
                self._errands.done(message)
            case question if question in questions.WORDS:
                answer = asyncio.create_task(self._answer(int(message["number"]), message))
                self._answers.add(answer)
                answer.add_done_callback(self._answers.discard)
            case _:
                pass  # a newer sdk may say more than this hub understands

    def _beat(self) -> None:
        self._heard_s = self._clock()
        if self._silent:
            self._silent, self._place = False, ""
            self._listener.spoke_again()

    async def _answer(self, number: int, question: dict[str, Any]) -> None:
        self.process.send({"says": "answer", "number": number, **await self._listener.answer(question)})

    async def _guard(self) -> Failure:
        """Look at the process from time to time; returns what it must be ended for."""
        looked_s = self._clock()
        while True:
            await asyncio.sleep(self._limits.look_s)
            now_s = self._clock()
            overslept_s = now_s - looked_s - self._limits.look_s
            if overslept_s > 1.0:
                self._heard_s += overslept_s  # this machine stood still, not the plug-in
            looked_s = now_s
            if self._memory_limit_mb and self.process.memory_bytes() > self._memory_limit_mb << 20:
                return self._out_of_memory()
            if failure := self._judge_silence(now_s - self._heard_s):
                return failure

    def _judge_silence(self, silence_s: float) -> Failure | None:
        limits = self._limits
        if not self.made:
            if silence_s <= limits.start_s:
                return None
            return Failure(kind=FailureKind.TIMEOUT, message=f"It did not start within {limits.start_s:g} s.")
        if silence_s > limits.lost_s:
            where = f" (at {self._place})" if self._place else ""
            message = f"It did not respond for {limits.lost_s:g} s{where} and was ended."
            hint = "The plug-in blocks its event loop: its author must move that work to a thread."
            return Failure(kind=FailureKind.TIMEOUT, message=message, hint=hint)
        if silence_s > limits.late_s and not self._silent:
            self._silent = True
            self.process.send({"says": "where"})
            self._listener.fell_silent(silence_s, "")
        return None

    def _out_of_memory(self) -> Failure:
        return Failure(
            kind=FailureKind.OUT_OF_MEMORY,
            message=f"It used more than {self._memory_limit_mb} MB of memory and was ended.",
            hint="Allow it more memory in its advanced settings, or tell the plug-in's author.",
        )
