"""Requests of clients answered: recording sessions begun, changed and ended.

Source: RFC 3261 sections 8.2, 12.2.2, 13.3 and 14.2; RFC 3311; RFC 7866 section 6.2.
"""

from collections.abc import Callable
from typing import TypeAlias

from plugins.pbx_sip.recorder.addresses import OwnAddresses
from plugins.pbx_sip.recorder.advice import Shortage
from plugins.pbx_sip.recorder.call import Call, begin_call
from plugins.pbx_sip.recorder.capabilities import describe
from plugins.pbx_sip.recorder.door import Door
from plugins.pbx_sip.recorder.journal import CallJournal
from plugins.pbx_sip.recorder.media import Ends, Negotiator, Settled, offer_again
from plugins.pbx_sip.recorder.offers import check_accept, read_offer, refuse_lines
from plugins.pbx_sip.recorder.own_requests import OwnRequests
from plugins.pbx_sip.recorder.ports import NoPorts
from plugins.pbx_sip.recorder.standing import StandingCalls
from plugins.pbx_sip.recorder.terms import Terms
from plugins.pbx_sip.sdp.description import Description
from plugins.pbx_sip.sip.dialog import make_tag, read_dialog_id
from plugins.pbx_sip.sip.errors import BadRequest
from plugins.pbx_sip.sip.link import Link, Peer
from plugins.pbx_sip.sip.message import Request, Response
from plugins.pbx_sip.sip.responses import build_response
from plugins.pbx_sip.sip.server_transaction import InviteServerTransaction, ServerTransaction
from plugins.pbx_sip.sip.session_timer import SessionTimer, agree_on_request
from plugins.pbx_sip.siprec.contents import SDP_TYPE
from plugins.pbx_sip.siprec.farewell import Farewell
from plugins.pbx_sip.siprec.forks import PARTICIPANT

OnRefusedLines: TypeAlias = Callable[[BadRequest, Peer], None]
_LINES_MAX = 8


class Sessions:
    """Answers what clients ask inside and outside of calls.

    on_refused_lines: told of lines that cannot be recorded in an offer that is accepted, and of who made it.
    """

    def __init__(
        self,
        terms: Terms,
        door: Door,
        calls: StandingCalls,
        journal: CallJournal,
        own: OwnRequests,
        addresses: OwnAddresses,
    ) -> None:
        self._terms = terms
        self._door = door
        self._calls = calls
        self._journal = journal
        self._own = own
        self._addresses = addresses
        self.on_refused_lines: OnRefusedLines = lambda *_: None
        self._negotiator = Negotiator(terms.ports, offers_keys=terms.offers_keys)
        self._about = describe(terms.server_name)

    def invite(self, request: Request, transaction: InviteServerTransaction) -> None:
        """Begin a call or change one. Raises: BadRequest, BadValue, OSError."""
        call = self._calls.find_for(request)
        if request.to.tag:
            call = self._enter(request, transaction.link)
            self._journal.note_received(call.id, request, transaction.link.peer)
            call.dialog.receive(request)
            self._change(call, request, transaction)
        elif call is not None and call.is_begun_by(request):
            if call.branch != request.via.branch:
                raise BadRequest(482, "Loop Detected", request)
            call.move(transaction.link)
            self._change(call, request, transaction)  # the process that answered it first is gone
        else:
            self._begin(request, transaction)

    def update(self, request: Request, transaction: ServerTransaction) -> None:
        """Change or refresh a call. Raises: BadRequest, BadValue."""
        call = self._enter(request, transaction.link)
        self._journal.note_received(call.id, request, transaction.link.peer)
        call.dialog.receive(request)
        self._change(call, request, transaction)

    def info(self, request: Request, transaction: ServerTransaction) -> None:
        """Take note of something that is told inside a call. Raises: BadRequest."""
        call = self._enter(request, transaction.link)
        self._journal.note_received(call.id, request, transaction.link.peer)
        call.dialog.receive(request)
        self._answer(call, transaction, build_response(request, 200, headers=self._about))

    def options(self, request: Request, transaction: ServerTransaction) -> None:
        """Say what we can do; a client that asks from outside learns whether it is any use to call.

        Raises: BadRequest, OSError.
        """
        link = transaction.link
        if request.to.tag:
            self._enter(request, link).dialog.receive(request)
        else:
            self._door.check_room(request, link.peer)
        contact = ("Contact", self._addresses.origin(link).contact)
        transaction.respond(build_response(request, 200, tag=make_tag(), headers=(contact, *self._about)))

    def bye(self, request: Request, transaction: ServerTransaction) -> None:
        """End a call. Raises: BadRequest with 481."""
        if self._calls.has_ended(read_dialog_id(request)):
            transaction.respond(build_response(request, 200))
            return
        call = self._enter(request, transaction.link)
        self._journal.note_received(call.id, request, transaction.link.peer)
        response = build_response(request, 200, headers=[("Server", self._terms.server_name)])
        self._answer(call, transaction, response)
        self._calls.remove(call)

    def acknowledge(self, request: Request) -> None:
        """The ACK of a 2xx came; it may answer our offer. Raises: BadRequest."""
        call = self._calls.find_for(request)
        if call is None or call.dialog.id != read_dialog_id(request):
            return
        is_awaited = call.invite is not None and call.invite.request.cseq.number == request.cseq.number
        if call.dialog.has_offered and request.body:
            self._journal.note_received(call.id, request, call.peer)
            description = read_offer(request)
            if description is not None:
                self._calls.settle(call, call.settle(call.settled.sdp, description))
            call.dialog.has_offered = False
        if call.invite is not None and is_awaited:
            call.invite.acknowledge()
            call.dialog.has_offered = False
            call.release()

    def _enter(self, request: Request, link: Link) -> Call:
        """The call that a request is inside of. Raises: BadRequest with 481."""
        call = self._calls.find_for(request)
        if call is None or call.dialog.id != read_dialog_id(request):
            raise BadRequest(481, "Call/Transaction Does Not Exist", request)
        call.move(link)
        return call

    def _begin(self, request: Request, transaction: InviteServerTransaction) -> None:
        link = transaction.link
        self._door.check_room(request, link.peer)
        check_accept(request)
        offer, timer = read_offer(request), agree_on_request(request)
        tag, former = make_tag(), self._calls.find_for(request)
        ends = Ends(
            call_id=former.id if former is not None else self._calls.name(request, tag),
            address=self._addresses.media(link, offer),
            hosts=(link.peer.host,),
            others=self._terms.media_hosts,
        )
        settled = self._settle(request, offer, Settled(), ends, is_paused=self._terms.answers_inactive)
        try:
            call = begin_call(request, tag, self._addresses.origin(link), ends, link.peer)
            call.settled, call.link, call.is_paused = settled, link, self._terms.answers_inactive
            response = self._accept(request, call, timer, settled.sdp)
            self._journal.note_received(call.id, request, link.peer)
            call.accept(timer, self._journal.note_sent(call.id, response, link.peer), has_offered=offer is None)
        except Exception:
            self._calls.give_back(settled, Settled())
            raise
        if former is not None:  # a client that lost its state begins anew under the same name
            self._calls.remove(former)
        self._calls.add(call)
        self._await_ack(call, transaction)
        self._calls.answer(call, transaction, response)
        self._own.watch(call)
        self._note_refused_lines(request, offer, link)

    def _change(self, call: Call, request: Request, transaction: ServerTransaction) -> None:
        """Answer an INVITE or UPDATE inside a call."""
        offer, timer = read_offer(request), agree_on_request(request)
        standing, is_invite = call.settled, request.method == "INVITE"
        if offer is not None or (is_invite and not standing.sdp):
            settled = self._settle(request, offer, standing, call.ends, is_paused=call.is_paused)
        elif is_invite:
            settled = Settled(sdp=offer_again(standing.sdp, is_paused=call.is_paused, is_wide=True), lines=call.lines)
        else:
            settled = standing
        has_offered = is_invite and offer is None
        sdp = settled.sdp if is_invite or offer is not None else b""
        try:
            response = self._accept(request, call, timer, sdp)
            call.accept(
                timer, self._journal.note_sent(call.id, response, transaction.link.peer), has_offered=has_offered
            )
        except Exception:
            self._calls.give_back(settled, standing)
            raise
        self._calls.settle(call, settled)
        if isinstance(transaction, InviteServerTransaction):
            self._await_ack(call, transaction)
        self._calls.answer(call, transaction, response)
        self._own.watch(call)
        self._note_refused_lines(request, offer, transaction.link)

    def _note_refused_lines(self, request: Request, offer: Description | None, link: Link) -> None:
        """A call of which a part is not recorded is taken, and somebody should know of the other part."""
        if offer is not None and (refusal := refuse_lines(offer, request)) is not None:
            self.on_refused_lines(refusal, link.peer)

    def _settle(
        self, request: Request, offer: Description | None, standing: Settled, ends: Ends, *, is_paused: bool
    ) -> Settled:
        try:
            if offer is None:
                return self._negotiator.offer(_count_lines(request), ends, is_paused=is_paused)
            return self._negotiator.answer(request, offer, standing, ends, is_paused=is_paused)
        except NoPorts:
            raise self._door.refuse(request, Shortage.PORTS) from None

    def _accept(self, request: Request, call: Call, timer: SessionTimer | None, sdp: bytes) -> Response:
        """Our 2xx to an INVITE or UPDATE."""
        headers = [("Contact", call.origin.contact), *self._about]
        if _requires_siprec(request):
            headers.append(("Require", "siprec"))
        if timer is not None:
            headers += timer.answer_fields()
        if sdp:
            headers.append(("Content-Type", SDP_TYPE))
        return build_response(request, 200, tag=call.dialog.id.local_tag, headers=headers, body=sdp)

    def _answer(self, call: Call, transaction: ServerTransaction, response: Response) -> None:
        self._journal.note_sent(call.id, response, transaction.link.peer)
        transaction.respond(response)

    def _await_ack(self, call: Call, transaction: InviteServerTransaction) -> None:
        call.invite = transaction
        number = transaction.request.cseq.number
        transaction.on_no_ack = lambda: self._miss_ack(call, number)

    def _miss_ack(self, call: Call, number: int) -> None:
        """A client that never heard our first answer has no call; one that is silent later may well send media."""
        if call.invite is None or call.invite.request.cseq.number != number:
            return
        call.dialog.has_offered = False
        call.release()
        if number == call.number:
            self._own.hang_up(call, Farewell.NOT_ACKNOWLEDGED)


def _count_lines(invite: Request) -> int:
    """How many lines a client without an offer wants: one for each party that it names."""
    named = len(invite.headers.items(PARTICIPANT))
    return min(named or (2 if _requires_siprec(invite) else 1), _LINES_MAX)


def _requires_siprec(request: Request) -> bool:
    return "siprec" in {option.lower() for option in request.tokens("Require")}
