"""SIP messages off the wire, put to the dialogs that they belong to."""

from collections.abc import Iterable
from datetime import UTC, datetime
from ipaddress import ip_address

from plugins.pbx_sip.calls.claims import Claims
from plugins.pbx_sip.calls.dialog import Dialog, Listening, Side, Stance
from plugins.pbx_sip.packets.datagrams import Endpoints, TooManyAddresses
from plugins.pbx_sip.sdp.description import Description, Media, is_unspecified
from plugins.pbx_sip.sdp.errors import BadDescription
from plugins.pbx_sip.sdp.reader import parse_description
from plugins.pbx_sip.sip.errors import SipError
from plugins.pbx_sip.sip.message import Message, Request, Response
from plugins.pbx_sip.siprec.contents import read_contents
from plugins.pbx_sip.siprec.multipart import BadMultipart
from plugins.pbx_sip.siprec.session import RecordingSession

_METHODS = frozenset({"INVITE", "ACK", "BYE", "CANCEL", "PRACK", "UPDATE", "INFO", "REFER"})
_IDENTITIES = ("P-Asserted-Identity", "Remote-Party-ID", "P-Preferred-Identity")
_SESSION_HEADERS = ("From", "P-Asserted-Identity", "Remote-Party-ID", "User-to-User", "X-Cisco-Recording-Participant")
_DTMF = frozenset({"application/dtmf-relay", "application/dtmf"})
_KEYS = "0123456789*#ABCD"
KEPT_HEADERS = frozenset(
    {
        "Alert-Info",
        "Call-Info",
        "Diversion",
        "History-Info",
        "P-Asserted-Identity",
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

    def add(self, message: Request | Response, at_ns: int) -> Dialog | None:
        """Take in a message.

        Returns: the dialog it belongs to; None if it is about no call, or says too little to tell.
        """
        try:
            return self._add(message, at_ns)
        except SipError:
            return None

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

    def _add(self, message: Request | Response, at_ns: int) -> Dialog | None:
        method = message.method if isinstance(message, Request) else message.cseq.method
        if method not in _METHODS:
            return None
        dialog = self.dialogs.get(message.call_id)
        if dialog is None:
            if method in {"CANCEL", "INFO", "REFER"} or (isinstance(message, Response) and message.status >= 300):
                return None
            is_late = method == "INVITE" and isinstance(message, Request) and bool(message.to.tag)
            dialog = Dialog(call_id=message.call_id, first_ns=at_ns, joined_late=is_late)
            self.dialogs[message.call_id] = dialog
        dialog.last_ns = max(dialog.last_ns, at_ns)
        self._name_parties(dialog, message, method)
        side = _writer(dialog, message)
        if isinstance(message, Request):
            _note_request(dialog, message, side, at_ns)
        elif method == "INVITE" and message.status >= 200:
            dialog.answer(message.status, at_ns)
        self._note_media(dialog, message, side, at_ns)
        self._note_headers(dialog, message, side)
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

    def _note_media(self, dialog: Dialog, message: Message, side: Side, at_ns: int) -> None:
        if not message.body:
            return
        try:
            contents = read_contents(message.body, message.headers.get("Content-Type") or "")
        except BadMultipart:
            return
        try:
            description = parse_description(contents.sdp or b"")
        except BadDescription:
            description = None
        if side is Side.CALLER:
            _note_session(dialog, message, contents.metadata, description, at_ns)
        for section, media in enumerate(description.media if description else ()):
            dialog.take_stance(Stance(side=side, section=section, at_ns=at_ns, media=media))
            endpoint = self._key(media)
            if endpoint is not None:
                self.claims.claim(endpoint, dialog.call_id, at_ns)
                dialog.listen(Listening(side=side, endpoint=endpoint, since_ns=at_ns, section=section, media=media))

    def _key(self, media: Media) -> int | None:
        if media.is_rejected or not media.is_rtp or is_unspecified(media.address):
            return None
        try:
            return self._endpoints.key(ip_address(media.address).packed, media.port)
        except (ValueError, TooManyAddresses):  # a name in the place of an address leads nowhere here
            return None

    def _note_headers(self, dialog: Dialog, message: Message, side: Side) -> None:
        for name in _IDENTITIES:
            if side not in dialog.identities and (found := message.addresses(name)):
                dialog.identities[side] = found[0]
        for name, value in message.headers:
            if name.lower() in self._headers or name[:2] in {"X-", "x-"}:
                dialog.keep_header(name if side is Side.CALLER else f"{name} ({side})", value)


def _note_session(
    dialog: Dialog, message: Message, metadata: bytes | None, description: Description | None, at_ns: int
) -> None:
    """Take in what a recording client tells of the call that it has recorded."""
    contact = message.headers.get("Contact") or ""
    if dialog.session is None:
        if metadata is None and "+sip.src" not in contact.lower():
            return
        dialog.session = RecordingSession()
    lines = description.audio_labels if description else None
    dialog.labels |= lines or {}
    headers = {name: message.headers.all(name) for name in _SESSION_HEADERS if name in message.headers}
    dialog.session.update(
        metadata,
        received_at=datetime.fromtimestamp(at_ns / 1e9, UTC),
        lines=lines,
        headers={name.lower(): values for name, values in headers.items()},
    )


def _writer(dialog: Dialog, message: Message) -> Side:
    """Whose message it is: a response is written by whom its request went to."""
    asked_by_caller = message.sender.tag in dialog.caller_tags
    return Side.CALLER if asked_by_caller == isinstance(message, Request) else Side.CALLED


def _note_request(dialog: Dialog, request: Request, side: Side, at_ns: int) -> None:
    if request.method == "BYE":
        dialog.end(side, at_ns)
    elif request.method == "REFER":
        referred = request.addresses("Refer-To")
        dialog.referred_to = str(referred[0].spec) if referred else ""
    elif request.method == "INFO" and (key := _read_key(request)):
        dialog.press(key, at_ns)
    elif request.method == "INVITE" and (replaces := request.headers.get("Replaces")):
        dialog.replaces = replaces.partition(";")[0].strip()


def _read_key(request: Request) -> str:
    """The key that an INFO tells of; "" if it tells of none.

    Source: application/dtmf-relay has lines such as "Signal=5", application/dtmf the key alone.
    """
    content_type = request.content_type
    if content_type is None or content_type.type not in _DTMF:
        return ""
    text = request.body[:200].decode("ascii", "replace")
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        key = (value if equals else name).strip().upper()
        if (not equals or name.strip().lower() == "signal") and key in {*_KEYS, "10", "11"}:
            return {"10": "*", "11": "#"}.get(key, key)
    return ""
