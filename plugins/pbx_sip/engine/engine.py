"""The engine of one device: workers that capture, the table of calls, and the making of their recordings."""

import asyncio
import gc
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from hub.sdk import (
    Alarm,
    CallControl,
    ControlResult,
    LiveState,
    NotFound,
    PluginContext,
    Severity,
)
from plugins.pbx_sip.calls.moments import now_ns
from plugins.pbx_sip.engine.call_table import CallTable
from plugins.pbx_sip.engine.crew import make_crew
from plugins.pbx_sip.engine.ending import Ending
from plugins.pbx_sip.engine.frames import Frame
from plugins.pbx_sip.engine.habits import Habits
from plugins.pbx_sip.engine.incidents import Incidents
from plugins.pbx_sip.engine.keeper import Keeper
from plugins.pbx_sip.engine.live_sound import Listener
from plugins.pbx_sip.engine.losses import Losses
from plugins.pbx_sip.engine.notes import (
    DECISION,
    MESSAGE,
    Message,
    note_decision,
    note_message,
    read_decision_note,
    read_message_note,
)
from plugins.pbx_sip.engine.open_call import OpenCall, show
from plugins.pbx_sip.engine.order import Order
from plugins.pbx_sip.engine.places import read_datagrams, write_places
from plugins.pbx_sip.engine.reception import Reception
from plugins.pbx_sip.engine.silences import Clients, Patience, Silences
from plugins.pbx_sip.engine.table_hooks import Hooks
from plugins.pbx_sip.engine.tally import Tally
from plugins.pbx_sip.journal.journal import Journal
from plugins.pbx_sip.packets.datagrams import Datagrams
from plugins.pbx_sip.rtp.packets import read_rtp
from plugins.pbx_sip.sdp.codecs import TELEPHONE_EVENT
from plugins.pbx_sip.sip.errors import SipError
from plugins.pbx_sip.sip.message import Request, Response, read_message

if TYPE_CHECKING:
    from plugins.pbx_sip.engine.foreman import Foreman

_TURN_S = 0.25
_PATIENCE_S = 0.05  # so long an answer waits until what it answers is written down
_NOTES_BYTES_MAX = 256 << 20
_KEYS = "0123456789*#ABCD"
_KEY_NAME = "journal.key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How an engine works.

    orders: one for each worker; their journals lie in the engine's folder. takes_strays: media without signalling is
    recorded too. patience: with calls that are silent.
    """

    habits: Habits
    orders: tuple[Order, ...]
    takes_strays: bool = False
    patience: Patience = field(default_factory=Patience)


class Engine:
    """Runs until cancelled; ways in give it messages, people ask it to pause and the like.

    on_opened: told of each port that a worker has opened, by its number.
    """

    def __init__(self, ctx: PluginContext, terms: Terms, clients: Clients | None = None) -> None:
        """clients: who sends the calls, where they can be asked."""
        self.tally = Tally()
        self.incidents = Incidents(ctx)
        self._losses = Losses(ctx, self.incidents, self.tally)
        self._ctx = ctx
        self._terms = terms
        self._folder = ctx.scratch / "engine"
        self._notes: Keeper | None = None
        self.table = CallTable(
            terms.habits,
            Hooks(
                decide=ctx.decide,
                changed=self._changed,
                cover=self._cover,
                uncover=self._uncover,
                remember=self._remember,
            ),
        )
        self._clients = clients
        self._finishing: set[asyncio.Task[None]] = set()
        self._listeners: dict[str, set[Listener]] = {}
        self._shown: set[str] = set()
        self._unshown: dict[str, OpenCall] = {}
        self._last_heard: dict[int, int] = {}
        self._early: list[tuple[int, Frame]] = []
        self._before: tuple[list[Message], dict[str, dict[str, Any]]] = ([], {})
        self.foremen: list[Foreman] = []
        self.on_opened: Callable[[int, int], None] = lambda *_: None
        self.has_caught_up = asyncio.Event()

    def prepare(self) -> list[Message]:
        """Open the notes; `run` takes up the calls of before, and then has caught up.

        Returns: the messages of calls that were not over, in order.
        Raises: OSError; SettingsError.
        """
        gc.disable()  # thousands of calls come to stay, among which it would look again and again
        self._folder.mkdir(parents=True, exist_ok=True)
        journal = Journal(self._folder / "notes", self.table.endpoints, self._journal_key())
        notes = list(journal.notes())
        self._notes = Keeper(journal, _NOTES_BYTES_MAX)
        memories = {note.call: read_decision_note(note) for note in notes if note.kind == DECISION}
        messages = [read_message_note(note) for note in notes if note.kind == MESSAGE]
        self.foremen += make_crew(self._folder, self._terms.orders, self._hear, self._ctx.log, has_calls=bool(messages))
        self._before = messages, memories
        return messages

    async def run(self) -> None:
        """Work until cancelled; the workers go on without us."""
        reception = Reception(self.incidents, self.tally)
        ending = Ending(self._ctx, self._terms.habits, self.table, self.foremen, self.tally, reception, self._forget)
        try:
            async with asyncio.TaskGroup() as tasks:
                for foreman in self.foremen:
                    tasks.create_task(foreman.run())
                await self._catch_up()
                tasks.create_task(ending.watch_strays(makes=self._terms.takes_strays))
                silences = Silences(self.table, self._terms.patience, self._clients, self._changed, self._ctx.log)
                tasks.create_task(silences.watch(self.foremen, self.incidents.let_go))
                while True:
                    self.table.turn(now_ns())
                    for group in self.table.take_ended(now_ns()):
                        self._drop(group)
                        finishing = tasks.create_task(ending.finish(group))
                        self._finishing.add(finishing)
                        finishing.add_done_callback(self._finishing.discard)
                    self._show()
                    _rest_collector(has_calls=bool(self.table.calls))
                    await asyncio.sleep(_TURN_S)
        finally:
            ending.close()

    async def _catch_up(self) -> None:
        """Understand what was said before a crash, and let others answer between two messages."""
        (messages, memories), self._before = self._before, ([], {})
        for message in messages:
            with suppress(SipError):
                content = read_message(message.content)
                self.table.replay(content, message.content, message.at_ns, memories.get(message.call), message.call)
            await asyncio.sleep(0)
        for call in self.table.calls.values():
            self._changed(call)
        gc.enable()
        self.has_caught_up.set()
        for worker, frame in self._early:
            self._hear_message(worker, frame)
        self._early.clear()

    def close(self) -> None:
        """Write down what is left; safe to call twice."""
        gc.enable()
        if self._notes is not None:
            self._notes.close()
            self._notes = None

    async def wind_up(self) -> None:
        """Capture nothing more, end all calls, hand over what was recorded, and end the workers."""
        try:
            for foreman in self.foremen:
                foreman.deafen()
            for call in list(self.table.calls.values()):
                if not call.dialog.is_over:
                    self.table.give_up(call, now_ns())
            while self.table.calls or self._finishing:  # noqa: ASYNC110 - `run` goes on taking them out
                await asyncio.sleep(_TURN_S)
        finally:
            self.stop_workers()

    def stop_workers(self) -> None:
        """End the workers too: the device is not to capture any more."""
        for foreman in self.foremen:
            foreman.stop()

    def write(self, *messages: Message) -> None:
        """Write messages of a call down, so that a crash does not forget them; what the disk does not take waits."""
        if self._notes is not None and not self._notes.note(map(note_message, messages), _PATIENCE_S):
            self._ctx.log.error("notes.lost", messages=len(messages))

    @property
    def notes_trouble(self) -> str:
        """Why messages cannot be written down just now, "" if they can."""
        return self._notes.trouble if self._notes is not None else ""

    def take(self, message: Message, read: Request | Response | None = None) -> OpenCall | None:
        """Take in a message that was written down; read: what it says, where that is known already.

        Returns: its call.
        """
        try:
            read = read or read_message(message.content)
        except SipError:
            return None
        call = self.table.take(read, message.content, message.at_ns, message.call)
        if call is None and self._notes is not None and message.call not in self.table.calls:
            self._notes.forget_call(message.call)
        return call

    async def control(self, call_id: str, action: CallControl, resume_after_s: float | None = None) -> ControlResult:
        """Do what somebody asks for. Raises: NotFound."""
        call = self._find(call_id)
        reason = self.table.control(call, action, now_ns(), resume_after_s)
        self._show()
        return ControlResult(done=not reason, text=reason)

    async def listen(self, call_id: str) -> AsyncIterator[bytes]:
        """The sound of a call. Raises: NotFound."""
        call = self._find(call_id)
        listener = Listener(lambda: [each.dialog for each in self.table.ends.of(call)])
        self._listeners.setdefault(call_id, set()).add(listener)
        self._tell_listening()
        try:
            async for block in listener.blocks():
                yield block
        finally:
            self._listeners.get(call_id, set()).discard(listener)
            if not self._listeners.get(call_id):
                self._listeners.pop(call_id, None)
            self._tell_listening()

    def dialogs_of(self, call_id: str) -> list[str]:
        """The Call-IDs of all dialogs in which a call comes."""
        call = self.table.calls.get(call_id)
        return [call_id] if call is None else [each.id for each in self.table.ends.of(call)]

    def _find(self, call_id: str) -> OpenCall:
        call = self.table.calls.get(call_id)
        if call is None or self.table.ends.is_over(call):
            raise NotFound("This call is over.")
        return call

    def _hear(self, number: int, frame: Frame) -> None:
        match frame.says:
            case "message":
                self._hear_message(number, frame)
            case "counts" if not self.foremen[number].is_gone:
                recording = (each for each in self.table.calls.values() if each.state is LiveState.RECORDING)
                self._losses.hear(number, frame.facts, [call.id for call in recording])
            case "opened":
                self.on_opened(frame.facts["port"], number)
            case "taken":
                text = f"Media port {frame.facts['port']} cannot be used: {frame.facts['reason']}"
                hint = "End the other program, or give the recorder another range of media ports."
                self.incidents.tell(
                    Alarm(key="port.taken", code="MEDIA_PORT_TAKEN", severity=Severity.MAJOR, text=text, hint=hint)
                )
            case "keys":
                self._hear_keys(read_datagrams(frame, self.table.endpoints))
            case "sound":
                self._hear_sound(read_datagrams(frame, self.table.endpoints))

    def _hear_message(self, worker: int, frame: Frame) -> None:
        """A mirror overheard a message; what was told before is told again after a break."""
        if not self.has_caught_up.is_set():
            self._early.append((worker, frame))
            return
        number = frame.facts["number"]
        if number <= self._last_heard.get(worker, 0):
            return
        with suppress(SipError):
            read = read_message(frame.body)
            call_id = self.table.signalling.name(read)
            message = Message(call=call_id, at_ns=frame.facts["at_ns"], content=frame.body)
            self.write(message)
            self.take(message, read)
        self._last_heard[worker] = number
        self.foremen[worker].acknowledge(number)

    def _hear_keys(self, datagrams: Datagrams) -> None:
        packets, is_rtp = read_rtp(datagrams.buffer, datagrams.time_ns, datagrams.offset, datagrams.length)
        for row, target in enumerate(datagrams.target[is_rtp].tolist()):
            call = self.table.call_at(target)
            payload = packets.payload(row)
            is_event = call is not None and int(packets.payload_type[row]) in _event_types(call)
            if is_event and len(payload) == 4 and payload[0] < len(_KEYS):
                at_ns = int(packets.time_ns[row])
                key = _KEYS[payload[0]]
                self.table.press(target, key, int(packets.ssrc[row]), int(packets.timestamp[row]), at_ns)

    def _hear_sound(self, datagrams: Datagrams) -> None:
        for call_id, listeners in self._listeners.items():
            call = self.table.calls.get(call_id)
            if call is None:
                continue
            wanted = np.array(sorted(self.table.endpoints_of(call)), np.uint64)
            if np.isin(datagrams.target, wanted).any():
                for listener in listeners:
                    listener.put(datagrams)

    def _tell_listening(self) -> None:
        calls = [self.table.calls[call_id] for call_id in self._listeners if call_id in self.table.calls]
        places = self._places(endpoint for call in calls for endpoint in self.table.endpoints_of(call))
        for foreman in self.foremen:
            foreman.listen(places)

    def _changed(self, call: OpenCall) -> None:
        """Have a call shown as it is now; hops of another one and calls that are over are not shown."""
        if (call.leader or call.id) in self._listeners:
            self._tell_listening()
        has_begun = bool(call.dialog.answered_ns or call.dialog.session is not None)
        if has_begun and not call.leader and not self.table.ends.is_over(call):
            self._unshown[call.id] = call
        else:
            self._hide(call.id)

    def _show(self) -> None:
        """Show what changed, each call once however much was said of it."""
        unshown, self._unshown = self._unshown, {}
        for call in unshown.values():
            self._ctx.show_call(show(call, self._terms.habits.plan))
            self._shown.add(call.id)

    def _drop(self, group: Sequence[OpenCall]) -> None:
        for call in group:
            self._hide(call.id)

    def _hide(self, call_id: str) -> None:
        for listener in self._listeners.pop(call_id, set()):
            listener.is_over = True
        self._unshown.pop(call_id, None)
        if call_id in self._shown:
            self._shown.discard(call_id)
            self._ctx.drop_call(call_id)

    def _cover(self, endpoints: Iterable[int], at_ns: int) -> None:
        places = self._places(endpoints)
        for foreman in self.foremen:
            foreman.cover(places, at_ns)

    def _uncover(self, endpoints: Iterable[int], at_ns: int) -> None:
        places = self._places(endpoints)
        for foreman in self.foremen:
            foreman.uncover(places, at_ns)

    def _places(self, endpoints: Iterable[int]) -> list[str]:
        return write_places(self.table.endpoints, endpoints)

    def _remember(self, call: OpenCall) -> None:
        if self._notes is not None:
            self._notes.note([note_decision(call.id, now_ns(), call.memory())])

    def _forget(self, call_ids: Iterable[str]) -> None:
        if self._notes is not None:
            for call_id in call_ids:
                self._notes.forget_call(call_id)

    def _journal_key(self) -> bytes:
        """The key that the notes lie under, which only the hub can open."""
        sealed = self._ctx.state.get(_KEY_NAME)
        if sealed is not None:
            return self._ctx.unseal(sealed)
        key = secrets.token_bytes(32)
        self._ctx.state.put(_KEY_NAME, self._ctx.seal(key))
        return key


def _rest_collector(*, has_calls: bool) -> None:
    """Have the collector of cycles not look through calls that stand, which would hold up answers.

    They have no cycles; what others leave behind meanwhile is collected when no call stands.
    """
    if has_calls:
        gc.freeze()
    else:
        gc.unfreeze()


def _event_types(call: OpenCall) -> set[int]:
    """Payload types that carry pressed keys."""
    return {
        codec.payload_type
        for listening in call.dialog.listenings
        for codec in listening.media.codecs
        if codec.name == TELEPHONE_EVENT
    }
