"""SIP messages off the wire, put to the dialogs that they belong to."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import ip_address

from plugins.pbx_sip.calls.claims import Claims
from plugins.pbx_sip.calls.dialog import Dialog, Listening, Offer, Side, Stance, ToldKey
from plugins.pbx_sip.calls.identities import note_identity, note_target
from plugins.pbx_sip.calls.keys import read_key
from plugins.pbx_sip.calls.names import find_name
from plugins.pbx_sip.calls.transfers import Transfers
from plugins.pbx_sip.packets.datagrams import Endpoints, TooManyAddresses
from plugins.pbx_sip.sdp.description import Description, Media, is_unspecified
from plugins.pbx_sip.sdp.errors import BadDescription
from plugins.pbx_sip.sdp.reader import parse_description
from plugins.pbx_sip.sip.errors import SipError
from plugins.pbx_sip.sip.message import Message, Request, Response
from plugins.pbx_sip.siprec.contents import Contents, read_contents
from plugins.pbx_sip.siprec.forks import BRIDGE_CALL, PARTICIPANT, SENT_TO
from plugins.pbx_sip.siprec.multipart import BadMultipart
from plugins.pbx_sip.siprec.session import RecordingSession

_METHODS = frozenset({"INVITE", "ACK", "BYE", "CANCEL", "PRACK", "UPDATE", "INFO", "REFER"})
_TOLD_WHOLE = ("From", "To", "Contact", "User-to-User")
_TOLD_IN_LISTS = (
    "P-Asserted-Identity", "Remote-Party-ID", "P-Called-Party-ID", "Diversion", "History-Info", "Require", PARTICIPANT,
)  # fmt: skip
_TELLING = frozenset({"INVITE", "UPDATE"})
_NOTHING = Contents()
KEPT_HEADERS = frozenset(
    {
        "Alert-Info",
        "Call-Info",
        "Diversion",
        "History-Info",
        "P-Asserted-Identity",
        "P-Called-Party-ID",
        "P-Charging-Vector",
        "Reason",
        "Referred-By",
        "Remote-Party-ID",
        "Session-ID",
        "Subject",
        "User-Agent",
        "User-to-User",
    }
)


class Signalling:
    """All dialogs that were seen and not yet taken; `endpoints` gives the keys under which media is found."""

    def __init__(self, endpoints: Endpoints, headers: Iterable[str] = ()) -> None:
        self._endpoints = endpoints
        self._headers = {name.lower() for name in (*KEPT_HEADERS, *headers)}
        self.dialogs: dict[str, Dialog] = {}
        self.claims = Claims()
        self._transfers = Transfers(self.dialogs)

    def add(self, message: Request | Response, at_ns: int, call_id: str = "") -> Dialog | None:
        """Take in a message. call_id: by which its dialog is known; "": as `name` has it.

        Returns: the dialog it belongs to; None if it is about no call, or says too little to tell.
        """
        try:
            return self._add(message, at_ns, call_id or self.name(message))
        except SipError:
            return None

    def name(self, message: Request | Response) -> str:
        """By what the dialog of a message is known, or would be if it began with it. Raises: SipError."""
        return find_name(message, self.dialogs, self._endpoints_in)

    def take(self, before_ns: int, silent_before_ns: int) -> list[Dialog]:
        """Remove the dialogs that ended before `before_ns`, or that nothing was heard of since `silent_before_ns`."""
        done = [
            dialog
            for dialog in self.dialogs.values()
            if (dialog.is_over and dialog.ended_ns < before_ns) or dialog.last_ns < silent_before_ns
        ]
        for dialog in done:
            del self.dialogs[dialog.call_id]
        return done

    def _add(self, message: Request | Response, at_ns: int, call_id: str) -> Dialog | None:
        method = message.method if isinstance(message, Request) else message.cseq.method
        if method not in _METHODS:
            return None
        dialog = self.dialogs.get(call_id)
        if dialog is None:
            if method in {"CANCEL", "INFO", "REFER"} or (isinstance(message, Response) and message.status >= 300):
                return None
            is_late = method == "INVITE" and isinstance(message, Request) and bool(message.to.tag)
            dialog = Dialog(call_id=call_id, first_ns=at_ns, joined_late=is_late)
            self.dialogs[call_id] = dialog
        dialog.said_ns = max(dialog.said_ns, at_ns)
        dialog.last_ns = max(dialog.last_ns, at_ns)
        dialog.marks.note(message)
        self._name_parties(dialog, message, method)
        side = _writer(dialog, message)
        called_tag = _find_called_tag(dialog, message)
        branch = called_tag if side is Side.CALLED else ""
        if isinstance(message, Request):
            _note_request(dialog, message, side, called_tag, at_ns)
        elif method == "INVITE" and message.status >= 200:
            dialog.answer(message.status, at_ns, branch)
        contents, description = _read_body(message)
        _note_session(dialog, message, side, contents.metadata, description, at_ns)
        offer = _settle_offer(dialog, message, side, at_ns)
        self._note_media(dialog, description, side, branch, at_ns, offer)
        self._note_headers(dialog, message, side)
        for note in (note_identity, note_target, self._transfers.note):
            with suppress(SipError):  # a field that cannot be read tells nothing, and the call goes on
                note(dialog, message, side, at_ns)
        return dialog

    def _name_parties(self, dialog: Dialog, message: Message, method: str) -> None:
        """Who calls whom: as the first INVITE says, or as the first message that was seen."""
        begins = method == "INVITE" and isinstance(message, Request) and not message.to.tag
        if begins or not dialog.caller_tags:
            dialog.caller_tags.add(message.sender.tag)
        if begins and dialog.caller is not None and not dialog.answered_ns:
            dialog.invite()
        if dialog.caller is None:
            dialog.caller, dialog.called = message.sender, message.to

    def _note_media(
        self,
        dialog: Dialog,
        description: Description | None,
        side: Side,
        branch: str,
        at_ns: int,
        offer: Offer | None,
    ) -> None:
        for section, media in enumerate(description.media if description else ()):
            stance = Stance(side=side, section=section, at_ns=at_ns, media=media)
            endpoint, listening = self._key(media), None
            if endpoint is not None:
                self.claims.claim(endpoint, dialog.call_id, at_ns)
                listening = Listening(
                    side=side, endpoint=endpoint, since_ns=at_ns, section=section, media=media, branch=branch
                )
            if offer is not None:
                dialog.propose(offer, stance, listening)
                continue
            dialog.take_stance(stance)
            if listening is not None:
                dialog.listen(listening)

    def _endpoints_in(self, message: Message) -> set[int]:
        """Where a message asks for media."""
        _, description = _read_body(message)
        keys = (self._key(media) for media in (description.media if description else ()))
        return {key for key in keys if key is not None}

    def _key(self, media: Media) -> int | None:
        if media.is_rejected or not (media.is_rtp or media.is_dtls) or is_unspecified(media.address):
            return None
        try:
            return self._endpoints.key(ip_address(media.address).packed, media.port)
        except (ValueError, TooManyAddresses):  # a name in the place of an address leads nowhere here
            return None

    def _note_headers(self, dialog: Dialog, message: Message, side: Side) -> None:
        for name, value in message.headers:
            if name.lower() in self._headers or name[:2] in {"X-", "x-"}:
                dialog.keep_header(name if side is Side.CALLER else f"{name} ({side})", value)


def _read_body(message: Message) -> tuple[Contents, Description | None]:
    """What a body brings, and the description of media in it; what cannot be read brings nothing."""
    if not message.body:
        return _NOTHING, None
    try:
        contents = read_contents(message.body, message.headers.get("Content-Type") or "")
    except BadMultipart:
        return _NOTHING, None
    try:
        return contents, parse_description(contents.sdp or b"")
    except BadDescription:
        return contents, None


def _note_session(
    dialog: Dialog, message: Message, side: Side, metadata: bytes | None, description: Description | None, at_ns: int
) -> None:
    """Take in what a recording client tells of the call that it has recorded.

    Plain forks say nothing by which they are known; whoever answers them says to be a recorder.
    """
    received_at = datetime.fromtimestamp(at_ns / 1e9, UTC)
    if side is Side.CALLED:
        is_answer = isinstance(message, Response) and 200 <= message.status < 300
        if dialog.session is None and is_answer and "+sip.srs" in (message.headers.get("Contact") or "").lower():
            _begin_session(dialog, received_at)
        return
    is_telling = isinstance(message, Request) and message.method in _TELLING
    if dialog.session is None:
        if metadata is None and not (is_telling and _is_of_client(message)):
            dialog.told = _read_told(message) if is_telling else dialog.told
            return
        dialog.session = RecordingSession()
    if not (is_telling or metadata or description):
        return
    said = _tell_apart(description.audio_labels) if description else None
    # A line keeps its label where a later description leaves it out.
    lines = None if said is None else {place: label or dialog.labels.get(place, "") for place, label in said.items()}
    dialog.labels |= lines or {}
    # From of a response is ours: it answers a request of the recorder.
    told = _read_told(message) if isinstance(message, Request) else {}
    dialog.session.update(metadata, received_at=received_at, lines=lines, headers=told)


def _read_told(message: Message) -> dict[str, tuple[str, ...]]:
    """What a request says of who takes part, by names of header fields in small letters, and where it is sent to."""
    headers = {name.lower(): tuple(message.headers.all(name)) for name in _TOLD_WHOLE}
    headers |= {name.lower(): tuple(message.headers.items(name)) for name in _TOLD_IN_LISTS}
    if isinstance(message, Request) and not message.to.tag:
        headers[SENT_TO] = (message.uri,)
    return {name: values for name, values in headers.items() if values}


def _tell_apart(labels: Mapping[int, str]) -> dict[int, str]:
    """Labels by section, "" for one that an earlier line of the same description has: they are two all the same."""
    first = {label: section for section, label in sorted(labels.items(), reverse=True)}
    return {section: label if first[label] == section else "" for section, label in labels.items()}


def _is_of_client(request: Message) -> bool:
    """Whether a request says by itself that its call carries the recording of another one."""
    headers = request.headers
    return (
        "+sip.src" in (headers.get("Contact") or "").lower()
        or "siprec" in (headers.get("Require") or "").lower()
        or PARTICIPANT in headers
        or f";{BRIDGE_CALL}=" in (headers.get("From") or "").lower()
    )


def _begin_session(dialog: Dialog, received_at: datetime) -> None:
    """What was an ordinary call until a recorder answered it is a fork, which has told all that its caller has."""
    offered = (each for each in dialog.stances if each.side is Side.CALLER and each.is_audio)
    lines = _tell_apart({each.section: each.media.label for each in offered})
    dialog.labels |= lines
    ends = {"from": (str(dialog.caller),), "to": (str(dialog.called),)}
    dialog.session = RecordingSession()
    dialog.session.update(None, received_at=received_at, lines=lines, headers=dialog.told or ends)


def _writer(dialog: Dialog, message: Message) -> Side:
    """Whose message it is: a response is written by whom its request went to."""
    return Side.CALLER if _is_asked_by_caller(dialog, message) == isinstance(message, Request) else Side.CALLED


def _find_called_tag(dialog: Dialog, message: Message) -> str:
    """By which the one who is called is known, whoever of the two writes; "" where nobody has answered yet."""
    return message.to.tag if _is_asked_by_caller(dialog, message) else message.sender.tag


def _is_asked_by_caller(dialog: Dialog, message: Message) -> bool:
    """Whether a request, or the one that a response is to, is the caller's."""
    return message.sender.tag in dialog.caller_tags


def _settle_offer(dialog: Dialog, message: Request | Response, side: Side, at_ns: int) -> Offer | None:
    """The offer that a message makes or is about; a final response settles it, and is about none any more."""
    if isinstance(message, Request):
        is_change = message.method in _TELLING and bool(message.to.tag) and dialog.has_said(side)
        return Offer(side=side, method=message.method, number=message.cseq.number) if is_change else None
    offer = Offer(side=side.other, method=message.cseq.method, number=message.cseq.number)
    if message.status < 200:
        return offer if offer in dialog.offered else None
    if message.status < 300:
        dialog.agree(offer)
    else:
        dialog.refuse(offer, at_ns)
    return None


def _note_request(dialog: Dialog, request: Request, side: Side, called_tag: str, at_ns: int) -> None:
    if request.method == "BYE":
        dialog.end(side, at_ns, called_tag)
    elif request.method == "INFO" and (key := read_key(request)):
        dialog.press(ToldKey(at_ns=at_ns, side=side, key=key), request.cseq.number)
