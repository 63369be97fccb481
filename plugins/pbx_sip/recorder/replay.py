"""Calls rebuilt from their journalled messages, as they were when the process died."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from plugins.pbx_sip.recorder.call import Call, begin_call
from plugins.pbx_sip.recorder.hooks import CallMessage
from plugins.pbx_sip.recorder.media import Ends, is_pause
from plugins.pbx_sip.recorder.offers import read_description
from plugins.pbx_sip.sip.datagram_link import DEFAULT_PORT
from plugins.pbx_sip.sip.dialog import Origin
from plugins.pbx_sip.sip.errors import BadRequest, BadValue, SipError
from plugins.pbx_sip.sip.fields import parse_session_expires
from plugins.pbx_sip.sip.message import Request, Response, read_message
from plugins.pbx_sip.sip.session_timer import SessionTimer

_Key = tuple[str, int, str, bool]


class Replay:
    """Reads messages in the order they were journalled. calls: those that go on.

    What cannot be read, or answers nothing that is known, changes nothing.
    """

    def __init__(self, media_hosts: tuple[str, ...] = ()) -> None:
        self.calls: dict[str, Call] = {}
        self._ended: dict[str, Call] = {}
        self._media_hosts = media_hosts
        self._asked: dict[_Key, Request] = {}

    @property
    def ended(self) -> list[Call]:
        """Those that are over."""
        return list(self._ended.values())

    def read(self, messages: Iterable[CallMessage]) -> None:
        """Take in messages."""
        for message in messages:
            with suppress(SipError):
                self._read(message, read_message(message.content))
        for call_id, _, method, is_ours in self._asked:  # a BYE that was not answered ends its call all the same
            if method == "BYE" and not is_ours:
                self._end(call_id)

    def _read(self, message: CallMessage, content: Request | Response) -> None:
        key = (message.call_id, content.cseq.number, content.cseq.method, message.is_ours)
        call = self.calls.get(message.call_id)
        if isinstance(content, Response):
            asked = self._asked.pop((*key[:3], not message.is_ours), None) if content.status >= 200 else None
            if asked is not None:
                self._answer(message, asked, content, call)
        elif content.method == "ACK":
            if call is not None:
                _take_ack(call, content)
        else:
            self._asked[key] = content
            if call is not None:
                self._ask(message, content, call)

    def _ask(self, message: CallMessage, request: Request, call: Call) -> None:
        if message.is_ours:
            call.dialog.local_number = max(call.dialog.local_number, request.cseq.number)
            if request.method == "BYE":
                self._end(call.id)
            return
        call.peer = message.peer
        with suppress(BadRequest):
            call.dialog.receive(request)

    def _answer(self, message: CallMessage, request: Request, response: Response, call: Call | None) -> None:
        is_success = response.status < 300
        if not message.is_ours:
            if call is not None:
                _take_their_answer(call, request, response, message.at_ns)
        elif request.method == "BYE":
            self._end(message.call_id)
        elif is_success and request.method == "INVITE" and not request.to.tag:
            begun = self._begin(message, request, response)
            _take_our_answer(begun, request, response, message.at_ns)
            self.calls[begun.id] = begun
        elif is_success and call is not None and request.method in {"INVITE", "UPDATE"}:
            _take_our_answer(call, request, response, message.at_ns)

    def _begin(self, message: CallMessage, invite: Request, response: Response) -> Call:
        peer, contact, own = message.peer, response.contact, read_description(response)
        if contact is None:
            raise BadValue("the answer has no Contact")
        host, port = contact.uri.host, contact.uri.port or DEFAULT_PORT
        origin = Origin(peer.transport, host, port, response.headers.get("Contact") or "")
        ends = Ends(
            call_id=message.call_id,
            address=own[1].address if own else host,
            hosts=(peer.host,),
            others=self._media_hosts,
        )
        return begin_call(invite, response.to.tag, origin, ends, peer)

    def _end(self, call_id: str) -> None:
        call = self.calls.pop(call_id, None)
        if call is not None:
            self._ended[call_id] = call


def _take_our_answer(call: Call, request: Request, response: Response, at_ns: int) -> None:
    """Our 2xx to an INVITE or UPDATE, as it was when it was sent."""
    own, theirs = read_description(response), read_description(request)
    call.accept(_read_timer(response), at_ns, has_offered=own is not None and theirs is None)
    if own is None:
        return
    if theirs is None and call.lines:
        call.settled = replace(call.settled, sdp=own[0])
    else:
        call.settled = call.settle(own[0], theirs[1] if theirs else None)
    paused = is_pause(own[1], theirs[1] if theirs else None)
    call.is_paused = call.is_paused if paused is None else paused


def _take_ack(call: Call, ack: Request) -> None:
    """An ACK with the answer to our offer."""
    theirs = read_description(ack)
    if theirs is not None and call.settled.sdp:
        call.settled = call.settle(call.settled.sdp, theirs[1])
    call.dialog.has_offered = False


def _take_their_answer(call: Call, request: Request, response: Response, at_ns: int) -> None:
    """The client's answer to a request of ours, as it was when it came."""
    call.dialog.receive_answer(request, response)
    if request.method not in {"INVITE", "UPDATE"}:
        return
    call.refresh(response, at_ns)
    if response.status >= 300:
        return
    own, theirs = read_description(request), read_description(response)
    if own is not None and theirs is not None:
        call.settled = call.settle(own[0], theirs[1])
        call.is_paused = bool(is_pause(own[1], None))


def _read_timer(response: Response) -> SessionTimer | None:
    """The session timer that a 2xx of ours says. Raises: BadValue."""
    value = response.headers.get("Session-Expires")
    if value is None:
        return None
    said = parse_session_expires(value)
    return SessionTimer(said.interval_s, is_ours=said.refresher == "uas")
