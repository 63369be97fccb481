"""Requests of ours inside a call: to end it, to pause it, to refresh it, to ask for all of its metadata.

Source: RFC 3261 sections 13.2, 14.1 and 15; RFC 4028 section 10; RFC 7866 section 9.2.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import replace
from typing import Any

from plugins.pbx_sip.recorder.addresses import is_address
from plugins.pbx_sip.recorder.call import GONE, Call
from plugins.pbx_sip.recorder.capabilities import BODIES, METHODS
from plugins.pbx_sip.recorder.journal import CallJournal
from plugins.pbx_sip.recorder.media import offer_again
from plugins.pbx_sip.recorder.offers import read_description
from plugins.pbx_sip.recorder.standing import StandingCalls
from plugins.pbx_sip.sip.datagram_link import DEFAULT_PORT, DatagramLink
from plugins.pbx_sip.sip.dialog import choose_glare_wait_s
from plugins.pbx_sip.sip.errors import BadValue
from plugins.pbx_sip.sip.headers import Field
from plugins.pbx_sip.sip.link import Link, Peer
from plugins.pbx_sip.sip.message import Request, Response, write_message
from plugins.pbx_sip.sip.session_timer import SessionTimer, SessionWatch
from plugins.pbx_sip.sip.timers import CallLater
from plugins.pbx_sip.sip.user_agent import UserAgent
from plugins.pbx_sip.siprec.contents import SDP_TYPE, make_snapshot_request
from plugins.pbx_sip.siprec.farewell import Farewell, write_reason
from plugins.pbx_sip.siprec.multipart import Part, write_body

_TRIES = 3
_PUT_OFF = frozenset({491, 500, 503, 504})
_SDP: tuple[Field, ...] = (("Content-Type", SDP_TYPE),)


class OwnRequests:
    """Sends requests to clients, and keeps the session timers, which are why some are sent."""

    def __init__(self, agent: UserAgent, calls: StandingCalls, journal: CallJournal, call_later: CallLater) -> None:
        self._agent = agent
        self._calls = calls
        self._journal = journal
        self._call_later = call_later
        self._answers: set[asyncio.Future[Response | None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Wait for nothing any more."""
        for call in self._calls:
            call.release()
        for answer in tuple(self._answers):
            if not answer.done():
                answer.set_result(None)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def watch(self, call: Call) -> None:
        """Run the session timer of a call, as it was agreed last."""
        if call.watch is None:
            if call.timer is None:
                return
            call.watch = SessionWatch(
                self._call_later,
                lambda: self.spawn(self.refresh(call)),
                lambda: self.hang_up(call, Farewell.NOT_REFRESHED),
            )
        call.watch.start(call.timer, self._journal.elapsed_s(call.refreshed_ns))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def wait_for_ack(self, call: Call) -> None:
        """Wait until no INVITE of the client is without its ACK: before, nothing may be asked or ended."""
        if call.invite is not None:
            waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            call.acknowledged.append(waiting)
            await waiting

    def hang_up(self, call: Call, reason: str = "") -> None:
        """End a call by BYE."""
        if self._calls.find(call.id) is not call:
            return
        self._send(call, "BYE", [("Reason", write_reason(reason))] if reason else [])
        self._calls.remove(call)
        self._journal.note_ended(call.id, call.peer, reason)

    async def set_paused(self, call: Call, *, paused: bool) -> bool:
        """Tell a client to send nothing, or to send again. Returns: whether it agreed.

        Who does not agree to a pause may send on: nobody could tell it later to begin again.
        """
        call.is_paused = call.is_paused and paused  # a client that does not take ours may well ask by itself
        for _ in range(_TRIES):
            await self.wait_for_ack(call)
            if self._calls.find(call.id) is not call or not call.settled.sdp or call.dialog.has_offered:
                return False
            response = await self._offer(call, offer_again(call.settled.sdp, is_paused=paused), is_paused=paused)
            if response is None or response.status != 491:
                return response is not None and response.status < 300
            await asyncio.sleep(choose_glare_wait_s())
        return False

    async def offer_anew(self, call: Call) -> None:
        """Offer again what the client left unanswered."""
        if call.settled.sdp:
            await self._offer(call, call.settled.sdp, is_paused=call.is_paused)

    async def ask_snapshot(self, call: Call) -> None:
        """Ask for all metadata anew."""
        part = make_snapshot_request("The metadata so far cannot be used")
        if call.knows_update:
            kind: list[Field] = [("Content-Type", part.content_type), ("Content-Disposition", part.disposition)]
            self._note_answer(call, await self._send(call, "UPDATE", [*_about(call.timer), *kind], part.body))
            if call.knows_update:
                return
        await self.wait_for_ack(call)
        if self._calls.find(call.id) is call and call.settled.sdp and not call.dialog.has_offered:
            await self._offer(call, call.settled.sdp, is_paused=call.is_paused, more=(part,))

    async def ask_after(self, call: Call) -> bool:
        """Whether a client still knows a call: it says so whatever it answers, but that there is none.

        Source: RFC 3261 sections 11 and 12.2.1.2.
        """
        response = await self._send(call, "OPTIONS", [("Accept", BODIES)])
        return response is not None and response.status not in GONE

    async def refresh(self, call: Call) -> None:
        """Keep a session alive; one that is not answered is ended by its timer, one that is refused goes on.

        Source: RFC 4028 sections 7.4 and 10; RFC 3311 section 5.1 (where UPDATE is refused, INVITE is the way).
        """
        by_update = call.knows_update
        for _ in range(_TRIES):
            response = await (self._update(call) if by_update else self._reinvite(call))
            if response is None or response.status < 300 or self._calls.find(call.id) is not call:
                return
            if response.status in GONE:
                self.hang_up(call, Farewell.NOT_KNOWN)
                return
            if response.status == 422:
                call.timer = _lengthen(call.timer, response)
            elif response.status in _PUT_OFF:
                await asyncio.sleep(choose_glare_wait_s())
            elif by_update:
                by_update = False
            else:
                return

    async def _update(self, call: Call) -> Response | None:
        response = await self._send(call, "UPDATE", _about(call.timer))
        self._note_answer(call, response)
        return response

    async def _reinvite(self, call: Call) -> Response | None:
        await self.wait_for_ack(call)
        if call.dialog.has_offered or self._calls.find(call.id) is not call:
            return None
        return await self._offer(call, call.settled.sdp, is_paused=call.is_paused)

    async def _offer(self, call: Call, sdp: bytes, *, is_paused: bool, more: tuple[Part, ...] = ()) -> Response | None:
        """Send an INVITE with a description of ours, and go by the answer."""
        headers, body = _SDP, sdp
        if more:
            content_type, body = write_body([Part(content_type=SDP_TYPE, body=sdp), *more])
            headers = (("Content-Type", content_type),)
        response = await self._send(call, "INVITE", [*_about(call.timer), *headers], body)
        answer = read_description(response) if response is not None and response.status < 300 else None
        if answer is not None and self._calls.find(call.id) is call:
            self._calls.settle(call, call.settle(sdp, answer[1]))
            call.is_paused = is_paused
        self._note_answer(call, response)
        return response

    def _note_answer(self, call: Call, response: Response | None) -> None:
        """Go by the answer to an INVITE or UPDATE, with which the session timer mostly begins anew."""
        if response is not None and self._calls.find(call.id) is call:
            call.refresh(response, self._journal.now_ns())
            self.watch(call)

    def _send(
        self, call: Call, method: str, headers: Iterable[Field], body: bytes = b""
    ) -> asyncio.Future[Response | None]:
        """Send a request. Returns: its final response to come; None if none comes."""
        answer: asyncio.Future[Response | None] = asyncio.get_running_loop().create_future()
        self._answers.add(answer)
        answer.add_done_callback(self._answers.discard)
        request = call.dialog.make_request(method, call.origin, headers, body)
        try:
            link = self._find_link(call)
        except (OSError, BadValue):
            if method == "BYE":
                self._journal.note_sent(call.id, request, call.peer)  # it is over, though nobody can be told
            self._give_up(call, request, answer)
            return answer
        self._journal.note_sent(call.id, request, link.peer)
        self._agent.transactions.request(
            request,
            link,
            lambda response: self._receive(call, request, response, link, answer),
            lambda: self._give_up(call, request, answer),
        )
        return answer

    def _receive(
        self, call: Call, request: Request, response: Response, link: Link, answer: asyncio.Future[Response | None]
    ) -> None:
        if response.status < 200:
            return
        if not answer.done():
            self._journal.note_received(call.id, response, link.peer)
            call.dialog.receive_answer(request, response)
            answer.set_result(response)
        if request.method == "INVITE" and response.status < 300:
            link.send(write_message(call.dialog.make_ack(request, call.origin)))

    def _give_up(self, call: Call, request: Request, answer: asyncio.Future[Response | None]) -> None:
        if request.method == "INVITE":
            call.dialog.has_offered = False
        if not answer.done():
            answer.set_result(None)

    def _find_link(self, call: Call) -> Link:
        """The connection that the client uses; without one where its dialog says. Raises: OSError, BadValue."""
        known = call.link
        if known is not None and known.is_reliable and known.is_open:
            return known
        hop, transport = call.dialog.next_hop, call.peer.transport
        host = hop.host if is_address(hop.host) else call.peer.host
        port = hop.port or (DEFAULT_PORT + 1 if transport == "TLS" else DEFAULT_PORT)
        if isinstance(known, DatagramLink):
            return replace(known, peer=Peer(transport, host, port), address=(host, port))
        return self._agent.transports.link(transport, host, port)


def _about(timer: SessionTimer | None = None) -> list[Field]:
    """What an INVITE or UPDATE of ours says of us."""
    return [
        ("Allow", METHODS),
        ("Accept", BODIES),
        ("Supported", "siprec"),
        *(timer.request_fields() if timer else (("Supported", "timer"),)),
    ]


def _lengthen(timer: SessionTimer | None, response: Response) -> SessionTimer | None:
    """The timer with the interval that a client asks for in its 422."""
    try:
        least_s = response.number("Min-SE") or 0
    except BadValue:
        return timer
    return timer and replace(timer, interval_s=max(least_s, timer.interval_s))
