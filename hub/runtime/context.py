"""What a plug-in gets from the hub in a process of its own."""

import asyncio
import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from hub.alerts.codes.devices import PLUGIN_STATE_LOST
from hub.alerts.codes.storage import SPOOL_FULL
from hub.clock import to_ms, utc_now
from hub.ingest.spool import Spool
from hub.rules.decider import Decider
from hub.runtime.channel import Channel
from hub.runtime.failure import Failure, FailureKind
from hub.runtime.live.shown import ShownCalls
from hub.runtime.state import KeyedState
from hub.runtime.wire import alarm_to_json, health_to_json
from hub.sdk import (
    AbsentCall,
    Alarm,
    CallDetail,
    CallOutline,
    Health,
    LiveCall,
    Log,
    NotFound,
    Receipt,
    RecordingDraft,
    RetryLater,
    SettingsError,
    Stage,
    State,
    Verdict,
)

T = TypeVar("T")
_SUBMITTERS = 4
_STAGE_S = 30.0
_SEAL_S = 10.0
_SEAL_BYTES = 65_536
_FACT_LIMIT = 2000
_REFUSED_KEY = "hub.spool_refuses"


class ChannelLog:
    """Log lines on their way to the supervisor, which adds the instance and writes them with its own."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def debug(self, event: str, **facts: Any) -> None:
        """Of use to an engineer."""
        self._say("debug", event, facts)

    def info(self, event: str, **facts: Any) -> None:
        """Normal work."""
        self._say("info", event, facts)

    def warning(self, event: str, **facts: Any) -> None:
        """Works, and should be looked at."""
        self._say("warning", event, facts)

    def error(self, event: str, **facts: Any) -> None:
        """Did not work."""
        self._say("error", event, facts)

    def _say(self, level: str, event: str, facts: dict[str, Any]) -> None:
        kept = {str(name): _shortened(value) for name, value in facts.items()}
        self._channel.say("log", level=level, event=str(event)[:200], facts=kept)


@dataclass(frozen=True, slots=True)
class HostFolders:
    """Where a plug-in process works: the hub's spool, its own scratch folder, its own state file, all rules."""

    spool: Path
    scratch: Path
    state: Path
    rules: Path


class HostContext:
    """The real `PluginContext` of a source instance.

    Submitting needs no database: the spool is a folder. Health and alarms go to the supervisor.
    """

    def __init__(self, channel: Channel, instance_id: int, instance: str, folders: HostFolders) -> None:
        self._channel = channel
        self._instance_id = instance_id
        self._instance = instance
        self._folders = folders
        self._spool: Spool | None = None
        self._state: KeyedState | None = None
        self._log = ChannelLog(channel)
        self._decider = Decider(instance_id, folders.rules, lambda: self.state, self._log)
        self._shown = ShownCalls(channel)
        self._is_refused: bool | None = None  # unknown: an earlier process may have left the alarm
        self._submitters = ThreadPoolExecutor(_SUBMITTERS, thread_name_prefix="submit")

    @property
    def instance(self) -> str:
        """The name people gave this instance."""
        return self._instance

    @property
    def log(self) -> Log:
        """Where to say what happens."""
        return self._log

    @property
    def state(self) -> State:
        """This instance's durable memory."""
        if self._state is None:
            self._state = KeyedState(self._folders.state)
            if self._state.set_aside is not None:
                self._tell_lost_state(self._state.set_aside)
        return self._state

    @property
    def scratch(self) -> Path:
        """A folder of this instance's own."""
        self._folders.scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._folders.scratch

    async def submit(self, draft: RecordingDraft) -> Receipt:
        """Hand a recording over; returns once it is durable.

        Raises: RetryLater, BadRecording.
        """
        return await self._take_over(lambda spool: spool.submit(self._instance_id, draft), "recording")

    async def submit_detail(self, detail: CallDetail) -> Receipt:
        """Hand over what the PBX said about a call.

        Raises: RetryLater, BadRecording.
        """
        return await self._take_over(lambda spool: spool.submit_detail(self._instance_id, detail), "detail")

    async def submit_absence(self, call: AbsentCall) -> Receipt:
        """Hand over what is known of a call that was not recorded.

        Raises: RetryLater, BadRecording.
        """
        return await self._take_over(lambda spool: spool.submit_absence(self._instance_id, call), "absence")

    def decide(self, call: CallOutline) -> Verdict:
        """Whether the recording rules want a call."""
        return self._decider.decide(call)

    async def stage(self, receipt_id: str) -> Stage:
        """How far a handed-over recording has come; while it waits in the spool, the catalog is not asked.

        Raises: RetryLater, NotFound.
        """
        found = await self._in_thread(lambda: self._stage_in_spool(receipt_id))
        if found is not None:
            return found
        try:
            async with asyncio.timeout(_STAGE_S):
                answer = await asyncio.wrap_future(self._channel.ask("stage", receipt_id=receipt_id))
        except TimeoutError:
            raise RetryLater("The hub does not say how far the recording has come.") from None
        if failure := answer.get("failure"):
            _raise(Failure.from_json(failure))
        return Stage(answer["stage"])

    def show_call(self, call: LiveCall) -> None:
        """Put a call on the list of those that go on, or say what changed."""
        self._shown.show(call)

    def drop_call(self, call_id: str) -> None:
        """Take a call off the list."""
        self._shown.drop(call_id)

    def seal(self, plain: bytes) -> str:
        """Bytes as text that only this instance can open; the supervisor has the key.

        Raises: ValueError for more than 64 KiB; SettingsError where the key is lost; RetryLater.
        """
        if len(plain) > _SEAL_BYTES:
            raise ValueError(f"at most {_SEAL_BYTES} bytes can be sealed: seal a key, and encrypt with that")
        return str(self._ask_now("seal", plain=b64encode(plain).decode())["sealed"])

    def unseal(self, sealed: str) -> bytes:
        """What `seal` was given.

        Raises: SettingsError, RetryLater.
        """
        return b64decode(self._ask_now("unseal", sealed=sealed)["plain"])

    def report(self, health: Health) -> None:
        """Say how it is now."""
        self._channel.say("health", health=health_to_json(health))

    def raise_alarm(self, alarm: Alarm) -> None:
        """Raise or update a condition of this instance."""
        self._channel.say("alarm", alarm=alarm_to_json(alarm))

    def clear_alarm(self, key: str) -> None:
        """The condition is over."""
        self._channel.say("clear", key=str(key))

    def close(self) -> None:
        """Wait for what is being handed over, and let go of the state."""
        self._submitters.shutdown(wait=True, cancel_futures=True)
        self._decider.close()
        if self._state is not None:
            self._state.close()

    async def _take_over(self, submit: Callable[[Spool], Receipt], what: str) -> Receipt:
        try:
            receipt = await self._in_thread(lambda: submit(self._open_spool()))
        except RetryLater as exc:
            if not self._is_refused:
                self._is_refused = True
                self.raise_alarm(SPOOL_FULL.alarm(_REFUSED_KEY, reason=str(exc)))
            raise
        if self._is_refused is not False:
            self._is_refused = False
            self.clear_alarm(_REFUSED_KEY)
        if not receipt.duplicate:
            self._channel.say("received", what=what, at_ms=to_ms(utc_now()))
        return receipt

    def _ask_now(self, says: str, **values: str) -> dict[str, Any]:
        try:
            answer = self._channel.ask(says, **values).result(_SEAL_S)
        except TimeoutError:
            raise RetryLater("The hub does not answer.") from None
        if failure := answer.get("failure"):
            _raise(Failure.from_json(failure))
        return answer

    def _stage_in_spool(self, receipt_id: str) -> Stage | None:
        spool = self._open_spool()
        if spool.contains(receipt_id):
            return Stage.SPOOLED
        return Stage.QUARANTINED if spool.is_quarantined(receipt_id) else None

    def _open_spool(self) -> Spool:
        if self._spool is None:
            try:
                self._spool = Spool(self._folders.spool)
            except OSError as exc:
                raise RetryLater(f"The spool cannot be used: {exc}.", hint="Is the data folder's disk away?") from exc
        return self._spool

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._submitters, call)

    def _tell_lost_state(self, aside: Path) -> None:
        self._log.error("state.set_aside", file=aside.name)
        self.raise_alarm(PLUGIN_STATE_LOST.alarm("hub.state_lost", file=aside.name))


def _raise(failure: Failure) -> None:
    if failure.kind is FailureKind.NOT_FOUND:
        raise NotFound(failure.message, hint=failure.hint)
    if failure.kind is FailureKind.SETTINGS:
        raise SettingsError(failure.message, hint=failure.hint)
    raise RetryLater(failure.message, hint=failure.hint)


def _shortened(value: Any) -> Any:
    """The fact as a JSON value of bounded size."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return value[:_FACT_LIMIT]
    text = json.dumps(value, default=str)
    return json.loads(text) if len(text) <= _FACT_LIMIT else text[:_FACT_LIMIT]
