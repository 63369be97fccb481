"""A recorder at work: its SIP server, its engine, and the presence of the telephone systems that call it."""

import asyncio
import shutil
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_network
from itertools import chain, islice
from typing import Literal, TypeAlias

from hub.sdk import (
    Alarm,
    CallControl,
    ControlResult,
    Health,
    HealthState,
    LiveState,
    PluginContext,
    RetryLater,
    Severity,
)
from plugins.pbx_sip.engine.engine import Engine, Terms
from plugins.pbx_sip.engine.notes import Message
from plugins.pbx_sip.engine.order import Order
from plugins.pbx_sip.engine.silences import Patience
from plugins.pbx_sip.engine.state import describe
from plugins.pbx_sip.recorder.advice import DISK_ADVICE, TLS_ADVICE, Shortage, advise
from plugins.pbx_sip.recorder.certificates import make_client_context, make_server_context
from plugins.pbx_sip.recorder.hooks import CallMessage, MediaLine, Presence, Refusal, Sign
from plugins.pbx_sip.recorder.openings import Openings
from plugins.pbx_sip.recorder.ports import PortPool
from plugins.pbx_sip.recorder.presence import Presences
from plugins.pbx_sip.recorder.refused_calls import RefusedCalls
from plugins.pbx_sip.recorder.registrations import RegistrationMemory
from plugins.pbx_sip.recorder.server import SipServer
from plugins.pbx_sip.recorder.settings import RecorderSettings
from plugins.pbx_sip.recorder.strangers import Strangers
from plugins.pbx_sip.recorder.terms import AllowList, ListenAt
from plugins.pbx_sip.recorder.terms import Terms as ServerTerms
from plugins.pbx_sip.sip.errors import BadRequest
from plugins.pbx_sip.sip.link import Peer
from plugins.pbx_sip.sip.message import Request, Response
from plugins.pbx_sip.siprec.farewell import Farewell

_REPORT_S = 1.0
_READY_S = 5.0
_PENDING_MAX = 20_000
_SILENT_S = 6 * 3600.0
_ROOM_BYTES, _ROOM_SHARE = 512 << 20, 0.02  # less than the hub wants to be left, which tells people before
_MEDIA_HOSTS_MAX = 256  # that a session may have media from which names no address
_ANY_PORTS = 1, 65_535  # on ordinary sockets each is opened by itself: other settings are no other order

_Said: TypeAlias = tuple[Message, Request | Response | None]  # as it is written down, and as it was read


class Recorder:
    """One device; implements `recorder.hooks.Hooks`."""

    def __init__(self, settings: RecorderSettings, ctx: PluginContext) -> None:
        self._settings = settings
        self._ctx = ctx
        self._pending: deque[_Said] = deque()
        self._unwritten: list[_Said] = []
        self._arrived = asyncio.Event()
        self._presences = Presences(settings, ctx)
        self._has_registered = asyncio.Event()
        self._strangers = Strangers()
        self._is_full = False
        self._asking: set[asyncio.Task[bool]] = set()
        habits = settings.habits(joins_hops=False)
        order = Order(
            interface=settings.media_interface,
            addresses=_addresses(settings),
            ports=(settings.rtp_first, settings.rtp_last) if settings.media_interface else _ANY_PORTS,
        )
        workers = settings.workers if settings.media_interface else 1
        patience = Patience(silent_s=_SILENT_S, asks_after_s=settings.asks_after_s)
        self.engine = Engine(ctx, Terms(habits=habits, orders=(order,) * workers, patience=patience), self)
        self._openings = Openings()
        self.engine.on_opened = self._openings.note
        self._refused_calls = RefusedCalls(ctx, habits, self.engine.tally)
        self.server: SipServer | None = None

    async def run(self) -> None:
        """Record until cancelled. Raises: SettingsError where an address or a port cannot be used."""
        messages = self.engine.prepare()
        terms = make_terms(self._settings)
        self.server = SipServer(terms, self)
        self.server.restore(map(_to_call_message, messages))
        memory = RegistrationMemory(self._ctx.state, terms.secrets)
        self.server.recall(memory.read())
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.engine.run())
                with suppress(TimeoutError):  # then calls are refused until the workers work
                    async with asyncio.timeout(_READY_S):
                        for foreman in self.engine.foremen:
                            await foreman.ready.wait()
                tasks.create_task(self._report())
                await self.server.start()
                tasks.create_task(self._take_in())
                tasks.create_task(self._presences.run())
                tasks.create_task(self._remember(memory, self.server))
                tasks.create_task(self._refused_calls.run())
        finally:
            await self.server.close()
            self.engine.close()

    async def control(self, call: str, action: CallControl, resume_after_s: float | None) -> ControlResult:
        """Do what somebody asks for; the client is asked to stop sending too, but need not."""
        result = await self.engine.control(call, action, resume_after_s)
        if result.done and self.server is not None and action in {CallControl.PAUSE, CallControl.RESUME}:
            for each in self.engine.dialogs_of(call):
                self._ask_to_pause(self.server, each, is_paused=action is CallControl.PAUSE)
        return result

    async def wind_up(self) -> None:
        """Tell the clients by BYE, so that they turn to their next recorder, and hand over what was recorded."""
        if self.server is not None:
            await self.server.end_all(Farewell.SWITCHED_OFF)
        await self.engine.wind_up()

    def means_to_send(self, call_id: str) -> bool:
        """Whether the client of a call says that it sends."""
        return self.server is None or self.server.means_to_send(call_id)

    async def ask_after(self, call_id: str) -> bool:
        """Whether the client of a call still knows it."""
        return self.server is None or await self.server.ask_after(call_id)

    def let_go(self, call_id: str) -> None:
        """The client of a call does not know it any more."""
        if self.server is not None:
            self.server.let_go(call_id)

    def message(self, message: CallMessage) -> None:
        """Write a message down, a request together with its answer; both are understood when that is on its way."""
        note = Message(
            call=message.call_id,
            at_ns=message.at_ns,
            content=message.content,
            is_ours=message.is_ours,
            peer=(message.peer.transport, message.peer.host, message.peer.port),
        )
        if isinstance(message.read, Request) and message.read.method == "INVITE" and not message.is_ours:
            self._refused_calls.forget(message.read.call_id)
        if not message.is_ours:
            self._presences.hear()
        self._unwritten.append((note, message.read))
        if message.is_ours:
            self._write()
        elif len(self._unwritten) == 1:
            asyncio.get_running_loop().call_soon(self._write_rest)

    def media_opened(self, line: MediaLine) -> None:
        """Let media come to a line."""
        for port in {line.rtp_port, line.rtcp_port}:
            for foreman in self.engine.foremen:
                foreman.open(port, line.address, line.peers)
            if not self._settings.media_interface:  # a ring has what comes before the worker hears of a port
                self._openings.ask(port, range(len(self.engine.foremen)))

    def when_open(self, lines: Sequence[MediaLine], act: Callable[[], None]) -> None:
        """Act once the workers have opened the ports of lines."""
        self._openings.when_open({port for line in lines for port in (line.rtp_port, line.rtcp_port)}, act)

    def media_closed(self, line: MediaLine) -> None:
        """Let no more come."""
        for foreman in self.engine.foremen:
            for port in {line.rtp_port, line.rtcp_port}:
                foreman.shut(port)
                self._openings.forget(port)

    def hung_up(self, call_id: str, peer: Peer, why: str) -> None:
        """Leave a word on a call that we ended."""
        self._ctx.log.info("session.ended", call_id=call_id, peer=peer.host, reason=why)

    def may_accept(self) -> Refusal | None:
        """Turn calls away that could not be recorded: their sender has another recorder perhaps."""
        if self._is_full:
            return Refusal(reason=Shortage.DISK)
        if len(self._pending) > _PENDING_MAX:
            return Refusal(reason=Shortage.BUSY, retry_after_s=5)
        if any(foreman.trouble for foreman in self.engine.foremen):
            return Refusal(reason=Shortage.CAPTURE, retry_after_s=5)
        return None

    def refused(self, peer: Peer, why: str, refusal: BadRequest) -> None:
        """Tell people of a client that was turned away."""
        method = refusal.request.method
        self._ctx.log.warning("session.refused", peer=peer.host, reason=why, method=method)
        if method in {"INVITE", "REGISTER"} or (method == "OPTIONS" and refusal.status in {401, 403}):
            self._tell_refused(peer.host, why, advise(refusal))

    def not_secured(self, host: str, why: str) -> None:
        """Tell people of a client with which TLS could not be agreed on."""
        self._ctx.log.warning("tls.refused", peer=host, reason=why)
        self._tell_refused(host, why, TLS_ADVICE)

    def _tell_refused(self, host: str, why: str, hint: str) -> None:
        self.engine.incidents.tell(
            Alarm(
                key=f"client.{host}",
                code="CLIENT_REFUSED",
                severity=Severity.WARNING,
                text=f"{host} was refused: {why}",
                hint=hint,
            )
        )

    def turned_away(self, peer: Peer, refusal: BadRequest) -> None:  # noqa: ARG002 - the account needs no peer
        """Account for a call that was not taken."""
        self._refused_calls.note(refusal)

    def seen(self, presence: Presence) -> None:
        """A telephone system shows that it is there."""
        self._presences.note(presence)
        if presence.sign in {Sign.REGISTERED, Sign.UNREGISTERED}:
            self._has_registered.set()

    def failed(self, error: Exception) -> None:
        """Something went wrong in the server itself."""
        self._ctx.log.error("server.failed", reason=repr(error))

    def _write(self) -> None:
        """Raises: OSError."""
        taken, self._unwritten = self._unwritten, []
        if taken:
            self.engine.write(*(note for note, _ in taken))
            self._pending.extend(taken)
            self._arrived.set()

    def _write_rest(self) -> None:
        """Write what nobody answers."""
        try:
            self._write()
        except OSError as error:
            self.failed(error)

    async def _take_in(self) -> None:
        """Understand what was said, one message after the other, and let answers out between them."""
        await self.engine.has_caught_up.wait()
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._pending:
                message, read = self._pending.popleft()
                call = self.engine.take(message, read)
                session = call.dialog.session if call is not None else None
                if session is not None and session.needs_snapshot and self.server is not None and not message.is_ours:
                    session.needs_snapshot = False
                    await self.server.ask_snapshot(message.call)
                await asyncio.sleep(0)

    async def _remember(self, memory: RegistrationMemory, server: SipServer) -> None:
        while True:
            await self._has_registered.wait()
            self._has_registered.clear()
            try:
                await asyncio.to_thread(memory.write, server.registrations)
            except RetryLater as error:
                self._ctx.log.warning("registrations.unkept", reason=str(error))

    def _ask_to_pause(self, server: SipServer, call_id: str, *, is_paused: bool) -> None:
        asking = asyncio.create_task(server.set_paused(call_id, is_paused))
        self._asking.add(asking)
        asking.add_done_callback(self._asking.discard)

    def _end_pauses(self) -> None:
        """Ask clients to send again where a pause ended by its time, by keys or by header."""
        if self.server is None:
            return
        for call_id in self.server.paused:
            call = self.engine.table.calls.get(call_id)
            if call is not None and call.state in {LiveState.RECORDING, LiveState.WAITING}:
                self._ask_to_pause(self.server, call_id, is_paused=False)

    async def _report(self) -> None:
        while True:
            self._end_pauses()
            if self.server is not None:
                self.server.close_former_ports()
            usage = await asyncio.to_thread(shutil.disk_usage, self._ctx.scratch)
            self._is_full = usage.free < min(_ROOM_BYTES, usage.total * _ROOM_SHARE)
            self._tell_strangers()
            tally = self.engine.tally
            self._presences.count(tally.sum("received") - tally.sum("strange"))
            self._ctx.report(self._judge_room(self._presences.judge(describe(self.engine))))
            await asyncio.sleep(_REPORT_S)

    def _judge_room(self, health: Health) -> Health:
        if not self._is_full or health.state is HealthState.DOWN:
            return health
        text = f"New calls are refused, as the disk is full. {health.summary}"
        return replace(health, state=HealthState.DEGRADED, summary=text, hint=DISK_ADVICE)

    def _tell_strangers(self) -> None:
        strangers, self.engine.tally.strangers = self.engine.tally.strangers, type(self.engine.tally.strangers)()
        if (alarm := self._strangers.note(strangers)) is not None:
            self.engine.incidents.tell(alarm)


def make_terms(settings: RecorderSettings) -> ServerTerms:
    """The terms of the SIP server. Raises: SettingsError where a file of TLS cannot be used."""
    plain: tuple[Literal["udp", "tcp"], ...] = ("udp", "tcp")
    listen = [
        ListenAt(transport=transport, address=address, port=int(port))
        for address in _addresses(settings)
        for transport in plain
        for port in settings.ports
    ]
    if settings.tls_port:
        listen += [
            ListenAt(transport="tls", address=address, port=settings.tls_port) for address in _addresses(settings)
        ]
    is_ipv6 = ":" in settings.advertised
    secret = settings.secret.get_secret_value()
    networks = tuple(ip_network(peer, strict=False) for peer in settings.allowed_peers)
    smallest_first = sorted(networks, key=lambda network: network.num_addresses)
    return ServerTerms(
        listen=tuple(listen),
        ports=PortPool(settings.rtp_first, settings.rtp_last),
        allowed=AllowList(
            networks=networks,
            names=frozenset(name.lower() for name in settings.tls_names),
        ),
        advertised_ipv4="" if is_ipv6 else settings.advertised,
        advertised_ipv6=settings.advertised if is_ipv6 else "",
        tls_server=make_server_context(settings) if settings.tls_port else None,
        tls_client=make_client_context(settings) if settings.tls_port and settings.tls_clients else None,
        secrets={settings.serial_number or "recorder": secret} if secret else {},
        serial_number=settings.serial_number,
        media_hosts=tuple(map(str, islice(chain.from_iterable(smallest_first), _MEDIA_HOSTS_MAX))),
        calls_max=settings.calls_max,
        calls_per_host_max=settings.calls_max,
    )


def _addresses(settings: RecorderSettings) -> tuple[str, ...]:
    """Where to listen; "::" means all addresses of both families."""
    return ("0.0.0.0", "::") if settings.address == "::" else (settings.address,)  # noqa: S104 - asked for


def _to_call_message(message: Message) -> CallMessage:
    transport, host, port = message.peer or ("UDP", "", 0)
    return CallMessage(
        call_id=message.call,
        at_ns=message.at_ns,
        is_ours=message.is_ours,
        content=message.content,
        peer=Peer(transport, host, port),
    )
