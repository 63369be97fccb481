"""The server of recording sessions: listens, knows its clients, and keeps its calls over a restart.

Source: RFC 7866 (SIPREC), RFC 3261 (SIP).
"""

import asyncio
import errno
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from hub.sdk import SettingsError
from plugins.pbx_sip.capture.holders import describe_holder
from plugins.pbx_sip.recorder.addresses import OwnAddresses
from plugins.pbx_sip.recorder.call import Call
from plugins.pbx_sip.recorder.capabilities import METHODS, REQUIRABLE
from plugins.pbx_sip.recorder.complaints import Complaints
from plugins.pbx_sip.recorder.door import Door
from plugins.pbx_sip.recorder.former_ports import FormerPorts
from plugins.pbx_sip.recorder.hooks import CallMessage, Hooks, Presence, Sign
from plugins.pbx_sip.recorder.journal import CallJournal
from plugins.pbx_sip.recorder.offers import has_no_audio
from plugins.pbx_sip.recorder.own_requests import OwnRequests
from plugins.pbx_sip.recorder.registrar import Registrar
from plugins.pbx_sip.recorder.registrations import Registration
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
from plugins.pbx_sip.siprec.farewell import Farewell

_TOLD = frozenset({"INVITE", "UPDATE", "INFO", "BYE"})
# The client asks again with what was missing, or the call comes on another way.
_TO_BE_TRIED_AGAIN = frozenset({401, 403, 422, 482, 491})


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
        self._complaints = Complaints(hooks)
        self._registrar = Registrar(terms, self._complaints.forgive)
        self._door = Door(terms, self._calls, self._registrar, hooks.may_accept)
        self._agent = UserAgent(self._serve, self._acknowledge, hooks.failed, REQUIRABLE, tls_client=terms.tls_client)
        self._former = FormerPorts(terms, self._agent.transports, self._calls)
        self._agent.on_refusal = self._note_refusal
        self._agent.transports.on_stranger = self._complaints.note_stranger
        call_later = call_later or asyncio.get_running_loop().call_later
        self._own = OwnRequests(self._agent, self._calls, self._journal, call_later)
        self._sessions = Sessions(terms, self._door, self._calls, self._journal, self._own, self._addresses)
        self._sessions.on_refused_lines = self._complaints.note

    def __len__(self) -> int:
        """How many calls stand."""
        return len(self._calls)

    @property
    def is_draining(self) -> bool:
        """Whether no new call is taken."""
        return self._door.is_draining

    @property
    def registrations(self) -> list[Registration]:
        """Those that last, for whoever recalls them."""
        return self._registrar.tell()

    @property
    def counters(self) -> dict[str, int]:
        """What happened on the sockets, by name, as `sip.transport.Transports` counts it."""
        return dict(self._agent.transports.counters)

    def restore(self, messages: Iterable[CallMessage]) -> None:
        """Take up the calls of a process that died, by the messages it told of, in order; before the start."""
        replay = Replay(self._terms.media_hosts)
        replay.read(messages)
        for ended in replay.ended:
            self._calls.note_ended(ended)
        for call in replay.calls.values():
            self._calls.add(call)

    def recall(self, registrations: Iterable[Registration]) -> None:
        """Take up the registrations of a process before this one; before the start."""
        for presence in self._registrar.recall(registrations):
            self._hooks.seen(presence)

    async def start(self) -> None:
        """Listen everywhere. Raises: SettingsError that names the address and port that cannot be had."""
        try:
            self.ports = tuple([await self._listen(place) for place in self._terms.listen])
        except BaseException:
            await self.close()
            raise
        await self._former.open((way, port) for way, ports in self._addresses.listening.items() for port in ports)
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
        self._terms.ports.close()

    def close_former_ports(self) -> None:
        """Stop listening where only calls expected us that are over; to be called now and then."""
        self._former.close_idle()

    async def drain(self) -> None:
        """Take no new call from now on; those that stand go on."""
        self._door.is_draining = True

    async def end(self, call_id: str, reason: str = "") -> None:
        """End a call by BYE once its answer is acknowledged, which may take 32 s; one that is not there has ended."""
        call = self._calls.find(call_id)
        if call is not None:
            await self._own.wait_for_ack(call)
            self._own.hang_up(call, reason)

    async def end_all(self, reason: str) -> None:
        """Take no new call, and end all that stand by BYE; one whose answer is not acknowledged is not waited for."""
        await self.drain()
        for call in self._calls:
            self._own.hang_up(call, reason)

    def means_to_send(self, call_id: str) -> bool:
        """Whether a client says that media of a call comes; it does not while that is on hold or paused."""
        call = self._calls.find(call_id)
        return call is not None and any(line.is_sending for line in call.lines)

    async def ask_after(self, call_id: str) -> bool:
        """Whether the client of a call still knows it."""
        call = self._calls.find(call_id)
        return call is not None and await self._own.ask_after(call)

    def let_go(self, call_id: str) -> None:
        """End a call that its client does not know any more."""
        call = self._calls.find(call_id)
        if call is not None:
            self._own.hang_up(call, Farewell.NOT_KNOWN)

    @property
    def paused(self) -> list[str]:
        """The calls whose clients were asked to send nothing, and agreed."""
        return [call.id for call in self._calls if call.is_paused]

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
                f"Cannot listen on {transport} port {place.port} of {place.address}: {_explain(error, place)}.",
                field="tls_port" if place.transport == "tls" else "ports",
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
        if sign is not None:
            self._hooks.seen(Presence(peer=peer, sign=sign, agent=request.headers.get("User-Agent") or ""))

    def _acknowledge(self, request: Request) -> None:
        self._sessions.acknowledge(request)

    def _register(self, request: Request, transaction: ServerTransaction) -> None:
        fields, presence = self._registrar.register(request, transaction.link.peer)
        headers = (*fields, ("Server", self._terms.server_name))
        transaction.respond(build_response(request, 200, tag=make_tag(), headers=headers))
        self._hooks.seen(presence)

    def _note_refusal(self, refusal: BadRequest, response: Response, link: Link) -> None:
        """What is refused inside a call is told with the call; one that goes to a fax is recorded as it was before."""
        call = self._find_call(refusal.request)
        if call is not None:
            self._journal.note_sent(call.id, response, link.peer)
        if call is None or not has_no_audio(refusal):
            self._complaints.note(refusal, link.peer)
        if _is_lost_call(refusal) and self._door.knows(link.peer):
            self._hooks.turned_away(link.peer, refusal)

    def _find_call(self, request: Request) -> Call | None:
        """The call that a request is told with."""
        with suppress(BadValue):
            call = self._calls.find_for(request)
            if call is not None and call.dialog.id == read_dialog_id(request) and request.cseq.method in _TOLD:
                return call
        return None


def _explain(error: OSError, place: ListenAt) -> str:
    """Why a place cannot be listened at; and who is there already."""
    if error.errno != errno.EADDRINUSE:
        return error.strerror or str(error)
    kind = socket.SOCK_DGRAM if place.transport == "udp" else socket.SOCK_STREAM
    return f"it is in use by {describe_holder(kind, place.port)}"


def _is_lost_call(refusal: BadRequest) -> bool:
    """Whether a call that was to begin has not; one that nobody could name is none."""
    with suppress(BadValue):
        request = refusal.request
        is_new = request.method == "INVITE" and bool(request.call_id) and not request.to.tag
        return is_new and refusal.status not in _TO_BE_TRIED_AGAIN
    return False
