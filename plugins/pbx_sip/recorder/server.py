"""The server of recording sessions: listens, knows its clients, and keeps its calls over a restart.

Source: RFC 7866 (SIPREC), RFC 3261 (SIP).
"""

import asyncio
import time
from collections.abc import Callable, Iterable

from hub.sdk import SettingsError
from plugins.pbx_sip.recorder.addresses import OwnAddresses
from plugins.pbx_sip.recorder.capabilities import METHODS, REQUIRABLE
from plugins.pbx_sip.recorder.complaints import Complaints
from plugins.pbx_sip.recorder.door import Door
from plugins.pbx_sip.recorder.hooks import CallMessage, Hooks, Presence, Sign
from plugins.pbx_sip.recorder.journal import CallJournal
from plugins.pbx_sip.recorder.own_requests import OwnRequests
from plugins.pbx_sip.recorder.registrar import Registrar
from plugins.pbx_sip.recorder.replay import Replay
from plugins.pbx_sip.recorder.sessions import Sessions
from plugins.pbx_sip.recorder.standing import StandingCalls
from plugins.pbx_sip.recorder.terms import ListenAt, Terms
from plugins.pbx_sip.sip.dialog import make_tag, read_dialog_id
from plugins.pbx_sip.sip.errors import BadRequest, BadValue
from plugins.pbx_sip.sip.link import Link
from plugins.pbx_sip.sip.message import Request, Response
from plugins.pbx_sip.sip.responses import build_response
from plugins.pbx_sip.sip.server_transaction import InviteServerTransaction, ServerTransaction
from plugins.pbx_sip.sip.timers import CallLater
from plugins.pbx_sip.sip.user_agent import UserAgent

_TOLD = frozenset({"INVITE", "UPDATE", "INFO", "BYE"})


class SipServer:
    """Takes recording sessions on terms, and tells its owner of them. Make it inside a running loop.

    ports: where it listens, in the order of `terms.listen`.
    """

    def __init__(
        self,
        terms: Terms,
        hooks: Hooks,
        *,
        call_later: CallLater | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """call_later: runs session timers, the event loop's unless given. clock_ns: since 1970, UTC."""
        self.ports: tuple[int, ...] = ()
        self._terms = terms
        self._hooks = hooks
        self._calls = StandingCalls(terms.ports, hooks)
        self._journal = CallJournal(hooks, clock_ns)
        self._addresses = OwnAddresses(terms)
        self._registrar = Registrar(terms)
        self._complaints = Complaints(hooks)
        self._door = Door(terms, self._calls, self._registrar, hooks.may_accept)
        self._agent = UserAgent(self._serve, self._acknowledge, hooks.failed, REQUIRABLE, tls_client=terms.tls_client)
        self._agent.on_refusal = self._note_refusal
        call_later = call_later or asyncio.get_running_loop().call_later
        self._own = OwnRequests(self._agent, self._calls, self._journal, call_later)
        self._sessions = Sessions(terms, self._door, self._calls, self._journal, self._own, self._addresses)

    def __len__(self) -> int:
        """How many calls stand."""
        return len(self._calls)

    @property
    def is_draining(self) -> bool:
        """Whether no new call is taken."""
        return self._door.is_draining

    @property
    def counters(self) -> dict[str, int]:
        """What happened on the sockets, by name, as `sip.transport.Transports` counts it."""
        return dict(self._agent.transports.counters)

    def restore(self, messages: Iterable[CallMessage]) -> None:
        """Take up the calls of a process that died, by the messages it told of, in order; before the start."""
        replay = Replay(self._terms.media_hosts)
        replay.read(messages)
        for dialog in replay.ended:
            self._calls.note_ended(dialog)
        for call in replay.calls.values():
            self._calls.add(call)

    async def start(self) -> None:
        """Listen everywhere. Raises: SettingsError that names the address and port that cannot be had."""
        try:
            self.ports = tuple([await self._listen(place) for place in self._terms.listen])
        except BaseException:
            await self.close()
            raise
        for call in self._calls:
            self._own.watch(call)
            if call.dialog.has_offered:  # the ACK with the answer may have come while nobody listened
                call.dialog.has_offered = False
                self._own.spawn(self._own.offer_anew(call))

    async def close(self) -> None:
        """Stop listening; calls live on, for whoever restores them."""
        for call in self._calls:
            if call.watch is not None:
                call.watch.stop()
        await self._own.close()
        await self._agent.close()

    async def drain(self) -> None:
        """Take no new call from now on; those that stand go on."""
        self._door.is_draining = True

    async def end(self, call_id: str, reason: str = "") -> None:
        """End a call by BYE once its answer is acknowledged, which may take 32 s; one that is not there has ended."""
        call = self._calls.find(call_id)
        if call is not None:
            await self._own.wait_for_ack(call)
            self._own.hang_up(call, reason)

    async def set_paused(self, call_id: str, paused: bool) -> bool:
        """Ask a client to send nothing, or to send again. Returns: whether it agreed; many refuse."""
        call = self._calls.find(call_id)
        return call is not None and await self._own.set_paused(call, paused=paused)

    async def ask_snapshot(self, call_id: str) -> None:
        """Ask a client for all metadata of a call anew, and wait for nothing: it comes as any UPDATE or INVITE does."""
        call = self._calls.find(call_id)
        if call is not None:
            self._own.spawn(self._own.ask_snapshot(call))

    async def _listen(self, place: ListenAt) -> int:
        transport, transports = place.transport.upper(), self._agent.transports
        tls = self._terms.tls_server if place.transport == "tls" else None
        if place.transport == "tls" and tls is None:
            raise SettingsError(
                f"TLS on port {place.port} has no certificate.", hint="Give a certificate, or listen without TLS."
            )
        try:
            if place.transport == "udp":
                port = await transports.listen_udp(place.address, place.port)
            else:
                port = await transports.listen_tcp(place.address, place.port, tls)
        except OSError as error:
            raise SettingsError(
                f"Cannot listen on {transport} port {place.port} of {place.address}: {error.strerror or error}.",
                hint="Choose another port or address, or stop what uses it.",
            ) from error
        self._addresses.listening.setdefault(transport, []).append(port)
        return port

    def _serve(self, request: Request, transaction: ServerTransaction) -> None:
        sessions, peer = self._sessions, transaction.link.peer
        self._door.admit(request, peer)
        if isinstance(transaction, InviteServerTransaction):
            sessions.invite(request, transaction)
        elif request.method == "REGISTER":
            self._register(request, transaction)
        else:
            ways = {"UPDATE": sessions.update, "INFO": sessions.info, "OPTIONS": sessions.options, "BYE": sessions.bye}
            if request.method not in ways:
                raise BadRequest(405, "Method Not Allowed", request, (("Allow", METHODS),))
            ways[request.method](request, transaction)
        sign = {"INVITE": Sign.CALL, "OPTIONS": Sign.PING}.get(request.method)
        if sign is not None and not request.to.tag:
            self._hooks.seen(Presence(peer=peer, sign=sign, agent=request.headers.get("User-Agent") or ""))

    def _acknowledge(self, request: Request) -> None:
        self._sessions.acknowledge(request)

    def _register(self, request: Request, transaction: ServerTransaction) -> None:
        fields, presence = self._registrar.register(request, transaction.link.peer)
        headers = (*fields, ("Server", self._terms.server_name))
        transaction.respond(build_response(request, 200, tag=make_tag(), headers=headers))
        self._hooks.seen(presence)

    def _note_refusal(self, refusal: BadRequest, response: Response, link: Link) -> None:
        """What is refused inside a call is told with the call."""
        if self._is_of_call(refusal.request):
            self._journal.note_sent(response, link.peer)
        self._complaints.note(refusal, link.peer)

    def _is_of_call(self, request: Request) -> bool:
        try:
            call = self._calls.find(request.call_id)
            return call is not None and call.dialog.id == read_dialog_id(request) and request.cseq.method in _TOLD
        except BadValue:
            return False
