"""The engine of one device: workers that capture, the table of calls, and the making of their recordings."""

import asyncio
import gc
import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from zlib import crc32

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
from plugins.pbx_sip.engine.call_table import CallTable, Hooks, now_ns
from plugins.pbx_sip.engine.ending import Ending
from plugins.pbx_sip.engine.foreman import Foreman
from plugins.pbx_sip.engine.frames import Frame
from plugins.pbx_sip.engine.habits import Habits
from plugins.pbx_sip.engine.incidents import Incidents
from plugins.pbx_sip.engine.live_sound import Listener
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
from plugins.pbx_sip.engine.places import read_places, write_places
from plugins.pbx_sip.engine.tally import Tally
from plugins.pbx_sip.journal.journal import Journal
from plugins.pbx_sip.packets.datagrams import Datagrams, Endpoints
from plugins.pbx_sip.rtp.packets import read_rtp
from plugins.pbx_sip.sdp.codecs import TELEPHONE_EVENT
from plugins.pbx_sip.sip.errors import SipError
from plugins.pbx_sip.sip.message import Request, Response, read_message

_TURN_S = 0.25
_SYNC_S = 1.0
_RECLAIM_S = 10.0
_LOOK_S = 10.0
_KEYS = "0123456789*#ABCD"
_KEY_NAME = "journal.key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How an engine works.

    orders: one for each worker; their journals lie in the engine's folder. takes_strays: media without signalling is
    recorded too. silent_s: a call of which nothing at all was heard for so long is over.
    """

    habits: Habits
    orders: tuple[Order, ...]
    takes_strays: bool = False
    silent_s: float = 900.0


class Engine:
    """Runs until cancelled; ways in give it messages, people ask it to pause and the like."""

    def __init__(self, ctx: PluginContext, terms: Terms) -> None:
        self.tally = Tally()
        self.incidents = Incidents(ctx)
        self._ctx = ctx
        self._terms = terms
        self._folder = ctx.scratch / "engine"
        self._notes: Journal | None = None
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
        self._listeners: dict[str, set[Listener]] = {}
        self._shown: set[str] = set()
        self._unshown: dict[str, OpenCall] = {}
        self._last_heard: dict[int, int] = {}
        self.foremen: list[Foreman] = []

    def prepare(self) -> list[Message]:
        """Open the notes, and take up the calls of before.

        Returns: the messages of calls that were not over, in order.
        Raises: OSError; SettingsError.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        # Several workers share the packets; the same group each time, or a control that follows could take none over.
        group = crc32(str(self._folder).encode()) & 0xFFFF if len(self._terms.orders) > 1 else None
        for number, order in enumerate(self._terms.orders):
            folder = self._folder / f"worker-{number}"
            folder.mkdir(exist_ok=True)
            instance = f"{self._ctx.scratch.name}_{number}"
            placed = replace(order, journal=str(folder / "journal"), instance=instance, fanout_group=group)
            self.foremen.append(Foreman(folder, placed, partial(self._hear, number), self._ctx.log))
        self._notes = Journal(self._folder / "notes", self.table.endpoints, self._journal_key())
        notes = list(self._notes.notes())
        memories = {note.call: read_decision_note(note) for note in notes if note.kind == DECISION}
        messages = [read_message_note(note) for note in notes if note.kind == MESSAGE]
        for message in messages:
            with suppress(SipError):
                content = read_message(message.content)
                self.table.replay(content, message.content, message.at_ns, memories.get(message.call))
        for call in self.table.calls.values():
            self._changed(call)
        return messages

    async def run(self) -> None:
        """Work until cancelled; the workers go on without us."""
        ending = Ending(self._ctx, self._terms.habits, self.table, self.foremen, self.tally, self._forget)
        try:
            async with asyncio.TaskGroup() as tasks:
                for foreman in self.foremen:
                    tasks.create_task(foreman.run())
                tasks.create_task(self._keep_notes())
                tasks.create_task(ending.watch_strays(makes=self._terms.takes_strays))
                tasks.create_task(self._give_up_silent(ending))
                while True:
                    self.table.turn(now_ns())
                    for group in self.table.take_ended(now_ns()):
                        self._drop(group)
                        tasks.create_task(ending.finish(group))
                    self._show()
                    _rest_collector(has_calls=bool(self.table.calls))
                    await asyncio.sleep(_TURN_S)
        finally:
            ending.close()

    def close(self) -> None:
        """Write down what is left; safe to call twice."""
        if self._notes is not None:
            self._notes.close()
            self._notes = None

    def stop_workers(self) -> None:
        """End the workers too: the device is not to capture any more."""
        for foreman in self.foremen:
            foreman.stop()

    def write(self, *messages: Message) -> None:
        """Write messages of a call down, so that a crash does not forget them. Raises: OSError."""
        if self._notes is not None:
            self._notes.append([], list(map(note_message, messages)))

    def take(self, message: Message, read: Request | Response | None = None) -> OpenCall | None:
        """Take in a message that was written down; read: what it says, where that is known already.

        Returns: its call.
        """
        try:
            read = read or read_message(message.content)
        except SipError:
            return None
        call = self.table.take(read, message.content, message.at_ns)
        if call is None and self._notes is not None:
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
        listener = Listener(call.dialog)
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

    def _find(self, call_id: str) -> OpenCall:
        call = self.table.calls.get(call_id)
        if call is None or call.dialog.is_over:
            raise NotFound("This call is over.")
        return call

    def _hear(self, number: int, frame: Frame) -> None:
        match frame.says:
            case "message":
                self._hear_message(number, frame)
            case "counts":
                self._hear_counts(number, frame)
            case "taken":
                text = f"Media port {frame.facts['port']} cannot be used: {frame.facts['reason']}"
                hint = "End the other program, or give the recorder another range of media ports."
                self.incidents.tell(
                    Alarm(key="port.taken", code="MEDIA_PORT_TAKEN", severity=Severity.MAJOR, text=text, hint=hint)
                )
            case "keys":
                self._hear_keys(_read_datagrams(frame, self.table.endpoints))
            case "sound":
                self._hear_sound(_read_datagrams(frame, self.table.endpoints))

    def _hear_message(self, worker: int, frame: Frame) -> None:
        """A mirror overheard a message; what was told before is told again after a break."""
        number = frame.facts["number"]
        if number <= self._last_heard.get(worker, 0):
            return
        with suppress(SipError):
            call_id = read_message(frame.body).call_id
            message = Message(call=call_id, at_ns=frame.facts["at_ns"], content=frame.body)
            self.write(message)
            self.take(message)
        self._last_heard[worker] = number
        self.foremen[worker].acknowledge(number)

    def _hear_counts(self, number: int, frame: Frame) -> None:
        counts = dict(frame.facts)
        self.tally.ways[number] = counts.pop("way")
        self.tally.troubles[number] = counts.pop("trouble")
        self.tally.strangers.update(counts.pop("strangers"))
        before, self.tally.workers[number] = self.tally.workers.get(number, {}), counts
        lost = sum(counts[name] - before.get(name, 0) for name in ("lost_in_kernel", "lost_for_want_of_disk"))
        if lost > 0:
            open_calls = [call.id for call in self.table.calls.values() if call.state is LiveState.RECORDING]
            self.incidents.tell(
                Alarm(
                    key="packets.lost",
                    code="PACKETS_LOST",
                    severity=Severity.MAJOR,
                    text=f"{lost:.0f} packets were lost on the way into the recorder while {len(open_calls)} calls "
                    f"were recorded, {', '.join(open_calls[:5])} among them.",
                    hint="Run `recording-hub capture check`: it says what to mend on this machine.",
                )
            )

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
        is_live = bool(call.dialog.answered_ns or call.dialog.session is not None) and not call.dialog.is_over
        if is_live and not call.leader:
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
            self._notes.append([], [note_decision(call.id, now_ns(), call.memory())])

    def _forget(self, call_ids: Iterable[str]) -> None:
        if self._notes is not None:
            for call_id in call_ids:
                self._notes.forget_call(call_id)

    async def _give_up_silent(self, ending: Ending) -> None:
        """End calls whose end nobody told: of which neither signalling nor media was heard for long."""
        while True:
            await asyncio.sleep(_LOOK_S)
            self.incidents.let_go()
            before_ns = now_ns() - round(self._terms.silent_s * 1e9)
            silent = [call for call in self.table.calls.values() if call.dialog.last_ns < before_ns]
            for call in silent:
                if not call.dialog.is_over and not await ending.is_heard(call, before_ns):
                    self._ctx.log.info("call.given_up", call_id=call.id)
                    self.table.give_up(call)

    async def _keep_notes(self) -> None:
        turns = 0
        while self._notes is not None:
            turns += 1
            try:
                await asyncio.to_thread(self._notes.sync)
                if turns % round(_RECLAIM_S / _SYNC_S) == 0:
                    self._notes.reclaim()
            except OSError as error:
                self._ctx.log.warning("notes.postponed", reason=str(error))
            await asyncio.sleep(_SYNC_S)

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


def _read_datagrams(frame: Frame, endpoints: Endpoints) -> Datagrams:
    facts = frame.facts
    length = np.array(facts["length"], np.int32)
    return Datagrams(
        buffer=np.frombuffer(frame.body, np.uint8),
        time_ns=np.array(facts["time_ns"], np.int64),
        source=np.array(read_places(endpoints, facts["source"]), np.uint64),
        target=np.array(read_places(endpoints, facts["target"]), np.uint64),
        offset=np.cumsum(length, dtype=np.int64) - length,
        length=length,
    )


def _event_types(call: OpenCall) -> set[int]:
    """Payload types that carry pressed keys."""
    return {
        codec.payload_type
        for listening in call.dialog.listenings
        for codec in listening.media.codecs
        if codec.name == TELEPHONE_EVENT
    }
