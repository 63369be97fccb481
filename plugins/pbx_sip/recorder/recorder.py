"""A recorder at work: its SIP server, its engine, and the presence of the telephone systems that call it."""

import asyncio
import shutil
import ssl
from collections import deque
from ipaddress import ip_network
from typing import Literal, TypeAlias

from hub.sdk import Alarm, CallControl, ControlResult, PluginContext, SettingsError, Severity
from plugins.pbx_sip.engine.engine import Engine, Terms
from plugins.pbx_sip.engine.notes import Message
from plugins.pbx_sip.engine.order import Order
from plugins.pbx_sip.engine.state import describe
from plugins.pbx_sip.recorder.hooks import CallMessage, MediaLine, Presence, Refusal
from plugins.pbx_sip.recorder.ports import PortPool
from plugins.pbx_sip.recorder.presence import Presences
from plugins.pbx_sip.recorder.server import SipServer
from plugins.pbx_sip.recorder.settings import RecorderSettings
from plugins.pbx_sip.recorder.terms import AllowList, ListenAt
from plugins.pbx_sip.recorder.terms import Terms as ServerTerms
from plugins.pbx_sip.sip.link import Peer
from plugins.pbx_sip.sip.message import Request, Response

_REPORT_S = 1.0
_PENDING_MAX = 20_000
_SILENT_S = 6 * 3600.0
_ROOM_BYTES = 512 << 20
_STRANGERS_KEY = "media.strangers"

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
        self._is_full = False
        self._asking: set[asyncio.Task[bool]] = set()
        order = Order(
            interface=settings.media_interface,
            addresses=_addresses(settings),
            ports=(settings.rtp_first, settings.rtp_last),
        )
        workers = settings.workers if settings.media_interface else 1
        self.engine = Engine(
            ctx, Terms(habits=settings.habits(joins_hops=False), orders=(order,) * workers, silent_s=_SILENT_S)
        )
        self.server: SipServer | None = None

    async def run(self) -> None:
        """Record until cancelled. Raises: SettingsError where an address or a port cannot be used."""
        messages = self.engine.prepare()
        self.server = SipServer(make_terms(self._settings), self)
        self.server.restore(map(_to_call_message, messages))
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.engine.run())
                for foreman in self.engine.foremen:
                    await foreman.ready.wait()
                await self.server.start()
                tasks.create_task(self._take_in())
                tasks.create_task(self._report())
                tasks.create_task(self._presences.run())
        finally:
            await self.server.close()
            self.engine.close()

    async def control(self, call: str, action: CallControl, resume_after_s: float | None) -> ControlResult:
        """Do what somebody asks for; the client is asked to stop sending too, but need not."""
        result = await self.engine.control(call, action, resume_after_s)
        if result.done and self.server is not None and action in {CallControl.PAUSE, CallControl.RESUME}:
            asking = asyncio.create_task(self.server.set_paused(call, action is CallControl.PAUSE))
            self._asking.add(asking)
            asking.add_done_callback(self._asking.discard)
        return result

    def message(self, message: CallMessage) -> None:
        """Write a message down, a request together with its answer; both are understood when that is on its way."""
        note = Message(
            call=message.call_id,
            at_ns=message.at_ns,
            content=message.content,
            is_ours=message.is_ours,
            peer=(message.peer.transport, message.peer.host, message.peer.port),
        )
        self._unwritten.append((note, message.read))
        if message.is_ours:
            self._write()
        elif len(self._unwritten) == 1:
            asyncio.get_running_loop().call_soon(self._write_rest)

    def media_opened(self, line: MediaLine) -> None:
        """Let media come to a line."""
        for foreman in self.engine.foremen:
            for port in {line.rtp_port, line.rtcp_port}:
                foreman.open(port, line.address, line.peers)

    def media_closed(self, line: MediaLine) -> None:
        """Let no more come."""
        for foreman in self.engine.foremen:
            for port in {line.rtp_port, line.rtcp_port}:
                foreman.shut(port)

    def may_accept(self) -> Refusal | None:
        """Turn calls away that could not be recorded: their sender has another recorder perhaps."""
        if self._is_full:
            return Refusal(reason="Recorder's Disk Is Full")
        if len(self._pending) > _PENDING_MAX:
            return Refusal(reason="Recorder Is Busy", retry_after_s=5)
        if any(foreman.trouble for foreman in self.engine.foremen):
            return Refusal(reason="Recorder Cannot Capture", retry_after_s=5)
        return None

    def refused(self, peer: Peer, why: str, request: Request) -> None:
        """Tell people of a client that was turned away."""
        self._ctx.log.warning("session.refused", peer=peer.host, reason=why, method=request.method)
        if request.method not in {"INVITE", "REGISTER"}:
            return
        self.engine.incidents.tell(
            Alarm(
                key=f"client.{peer.host}",
                code="CLIENT_REFUSED",
                severity=Severity.WARNING,
                text=f"{peer.host} was refused: {why}",
                hint="If it is one of your telephone systems, name its address under Telephone systems.",
            )
        )

    def seen(self, presence: Presence) -> None:
        """A telephone system shows that it is there."""
        self._presences.note(presence)

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

    async def _report(self) -> None:
        while True:
            usage = await asyncio.to_thread(shutil.disk_usage, self._ctx.scratch)
            self._is_full = usage.free < _ROOM_BYTES
            self._tell_strangers()
            self._ctx.report(self._presences.judge(describe(self.engine)))
            await asyncio.sleep(_REPORT_S)

    def _tell_strangers(self) -> None:
        strangers, self.engine.tally.strangers = self.engine.tally.strangers, type(self.engine.tally.strangers)()
        if not strangers:
            return
        way, count = strangers.most_common(1)[0]
        host, _, port = way.partition(">")
        self.engine.incidents.tell(
            Alarm(
                key=_STRANGERS_KEY,
                code="MEDIA_REFUSED",
                severity=Severity.WARNING,
                text=f"{host} sent media to port {port} of a call without being part of it ({count} packets).",
                hint="If it is a media gateway of your telephone system, the system must name it in its sessions.",
            )
        )


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
    return ServerTerms(
        listen=tuple(listen),
        ports=PortPool(settings.rtp_first, settings.rtp_last),
        allowed=AllowList(
            networks=tuple(ip_network(peer, strict=False) for peer in settings.allowed_peers),
            names=frozenset(name.lower() for name in settings.tls_names),
        ),
        advertised_ipv4="" if is_ipv6 else settings.advertised,
        advertised_ipv6=settings.advertised if is_ipv6 else "",
        tls_server=_make_tls(settings) if settings.tls_port else None,
        tls_client=_make_tls_client(settings) if settings.tls_port and settings.tls_clients else None,
        secrets={settings.serial_number or "recorder": secret} if secret else {},
        serial_number=settings.serial_number,
        calls_max=settings.calls_max,
        calls_per_host_max=settings.calls_max,
    )


def _make_tls(settings: RecorderSettings) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        text = f"The certificate and its key cannot be used: {error}"
        raise SettingsError(text, field="tls_certificate", hint="Give PEM files that belong together.") from error
    if settings.tls_clients:
        try:
            context.load_verify_locations(settings.tls_clients)
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(f"It cannot be used: {error}", field="tls_clients", hint="Give a PEM file.") from error
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _make_tls_client(settings: RecorderSettings) -> ssl.SSLContext:
    """For requests of ours to clients whose connection is gone: whoever the authority vouches for, by any name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(settings.tls_clients)
    context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    return context


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
