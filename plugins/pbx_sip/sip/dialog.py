"""A dialog: what both ends keep of a call, and the requests that are sent inside it.

Source: RFC 3261 sections 12, 13.2.2.4 and 14; RFC 3311 (UPDATE).
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from plugins.pbx_sip.sip.address import parse_address, parse_addresses
from plugins.pbx_sip.sip.errors import BadRequest, BadValue
from plugins.pbx_sip.sip.headers import Field, Headers
from plugins.pbx_sip.sip.message import Request, Response
from plugins.pbx_sip.sip.uri import Uri, parse_uri
from plugins.pbx_sip.sip.via import Via, make_branch

_TARGET_REFRESH = {"INVITE", "UPDATE"}
_MAX_FORWARDS = ("Max-Forwards", "70")


class DialogId(NamedTuple):
    """What tells one dialog from all others; a tag may be "" (RFC 2543)."""

    call_id: str
    local_tag: str
    remote_tag: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where our requests come from: transport, host and port for the Via, and the Contact as it is written."""

    transport: str
    host: str
    port: int
    contact: str

    def make_via(self) -> str:
        """A Via with a branch of its own that asks for the port it is seen from."""
        return str(Via(self.transport, self.host, self.port, (("branch", make_branch()), ("rport", ""))))


@dataclass(slots=True)
class Dialog:
    """A dialog that the other end began; every field is plain, so that it can be kept over a crash.

    local and remote: To and From of the INVITE as they are written, with tags. target: the URI the other end wants its
    requests at. routes: the Route of our requests. local_number and remote_number: the last of CSeq. has_offered: an
    offer of ours waits for its answer; whoever gives up waiting sets it back.
    """

    id: DialogId
    local: str
    remote: str
    target: str
    routes: tuple[str, ...]
    remote_number: int
    local_number: int = 0
    has_offered: bool = False

    @property
    def next_hop(self) -> Uri:
        """Where our requests go, if no connection to the other end is open. Raises: BadValue."""
        return parse_address(self.routes[0]).uri if self.routes else parse_uri(self.target)

    def receive(self, request: Request) -> None:
        """Take note of a request of the other end inside the dialog: of its number, and where it is from now on.

        Raises: BadRequest with 491 when offers cross, 500 when it comes after a later one.
        """
        if request.method in {"ACK", "CANCEL"}:
            return
        number = request.cseq.number
        if number < self.remote_number:
            raise BadRequest(500, "CSeq Out Of Order", request)
        self.remote_number = number
        if self.has_offered and _is_offer(request):
            raise BadRequest(491, "Request Pending", request)
        if request.method in _TARGET_REFRESH and request.contact is not None:
            self.target = request.contact.spec

    def receive_answer(self, request: Request, response: Response) -> None:
        """Take note of the response to a request of ours: of where the other end is, and that an offer is answered."""
        if response.status >= 200 and _is_offer(request):
            self.has_offered = False
        if request.method in _TARGET_REFRESH and 200 <= response.status < 300 and response.contact is not None:
            self.target = response.contact.spec

    def make_request(self, method: str, origin: Origin, headers: Iterable[Field] = (), body: bytes = b"") -> Request:
        """A request of ours inside the dialog with the next number: INVITE, UPDATE, BYE, INFO and the like."""
        self.local_number += 1
        contact = [("Contact", origin.contact)] if method != "BYE" else []
        request = self._make(method, self.local_number, origin, [*contact, *headers], body)
        self.has_offered = self.has_offered or _is_offer(request)
        return request

    def make_ack(self, invite: Request, origin: Origin, headers: Iterable[Field] = (), body: bytes = b"") -> Request:
        """The ACK of a 2xx to an INVITE of ours; it is sent again for every 2xx that comes again."""
        proof = [field for field in invite.headers if field[0].lower() in {"authorization", "proxy-authorization"}]
        return self._make("ACK", invite.cseq.number, origin, [*proof, *headers], body)

    def _make(self, method: str, number: int, origin: Origin, headers: Iterable[Field], body: bytes) -> Request:
        uri, routes = self._way()
        fields = [
            ("Via", origin.make_via()),
            _MAX_FORWARDS,
            *(("Route", route) for route in routes),
            ("From", self.local),
            ("To", self.remote),
            ("Call-ID", self.id.call_id),
            ("CSeq", f"{number} {method}"),
            *headers,
        ]
        return Request(method=method, uri=uri, headers=Headers(fields), body=body)

    def _way(self) -> tuple[str, tuple[str, ...]]:
        """The URI and the Route of a request; a first proxy without `lr` wants to be the URI itself."""
        if not self.routes:
            return self.target, ()
        first = parse_address(self.routes[0])
        if first.uri.param("lr") is not None:
            return self.target, self.routes
        return first.spec, (*self.routes[1:], f"<{self.target}>")


def _is_offer(request: Request) -> bool:
    """Whether a request may change the session; an UPDATE may carry other things than SDP."""
    if request.method != "UPDATE":
        return request.method == "INVITE"
    try:
        content = request.content_type
    except BadValue:
        return True
    return content is not None and (content.type == "application/sdp" or content.type.startswith("multipart/"))


def begin_dialog(invite: Request, local_tag: str) -> Dialog:
    """The dialog that our 2xx to an INVITE makes; its To has the tag. Without a Contact the target is From.

    Raises: BadValue.
    """
    sender = invite.sender
    contact = invite.contact
    routes = tuple(invite.headers.items("Record-Route"))
    if routes:
        _ = parse_addresses(routes)[0].uri  # what cannot be sent to is refused now
    return Dialog(
        id=DialogId(invite.call_id, local_tag, sender.tag),
        local=f"{invite.headers.get('To')};tag={local_tag}",
        remote=invite.headers.get("From") or "",
        target=contact.spec if contact else sender.spec,
        routes=routes,
        remote_number=invite.cseq.number,
    )


def read_dialog_id(message: Request | Response) -> DialogId:
    """The dialog that a request of the other end, or its response to one of ours, belongs to.

    Raises: BadValue.
    """
    sender, to = message.sender.tag, message.to.tag
    is_request = isinstance(message, Request)
    return DialogId(message.call_id, to if is_request else sender, sender if is_request else to)


def make_tag() -> str:
    """A tag that no other dialog has."""
    return secrets.token_hex(8)


def choose_glare_wait_s() -> float:
    """How long to wait after a 491 before an offer of ours is tried again, the call being the other end's.

    Source: RFC 3261 section 14.1.
    """
    return secrets.randbelow(201) / 100
