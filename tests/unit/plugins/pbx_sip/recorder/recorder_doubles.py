"""An owner that remembers, a server that runs, and a client that says what a test tells it to."""

import asyncio
import itertools
import ssl
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from typing import Any

from plugins.pbx_sip.recorder.advice import advise
from plugins.pbx_sip.recorder.hooks import CallMessage, MediaLine, Presence, Refusal
from plugins.pbx_sip.recorder.ports import BlockClaims, PortPool
from plugins.pbx_sip.recorder.server import SipServer
from plugins.pbx_sip.recorder.terms import AllowList, ListenAt, Terms
from plugins.pbx_sip.sdp.description import Description
from plugins.pbx_sip.sdp.reader import parse_description
from plugins.pbx_sip.sip.errors import BadRequest
from plugins.pbx_sip.sip.headers import Field, Headers
from plugins.pbx_sip.sip.link import Link, Peer
from plugins.pbx_sip.sip.message import Request, Response, read_message, write_message
from plugins.pbx_sip.sip.responses import build_response
from plugins.pbx_sip.sip.transport import Transports
from plugins.pbx_sip.sip.uri import write_host
from plugins.pbx_sip.sip.via import make_branch
from plugins.pbx_sip.siprec.contents import read_contents
from tests.doubles.source_context import until

LOOPBACK = AllowList(networks=(ip_network("127.0.0.0/8"), ip_network("::1/128")))
_NUMBERS = itertools.count(1)


class Owner:
    """Remembers all that the server tells; `refusal` is what it answers when asked for room."""

    def __init__(self) -> None:
        self.messages: list[CallMessage] = []
        self.lines: dict[int, MediaLine] = {}
        self.told: list[str] = []
        self.refusals: list[tuple[str, str]] = []
        self.advice: list[str] = []
        self.farewells: list[tuple[str, str]] = []
        self.lost: list[tuple[int, str]] = []
        self.presences: list[Presence] = []
        self.errors: list[Exception] = []
        self.refusal: Refusal | None = None
        self.is_broken = False

    def message(self, message: CallMessage) -> None:
        if self.is_broken:
            raise OSError("the disk is full")
        self.messages.append(message)
        content = read_message(message.content)
        name = content.method if isinstance(content, Request) else f"{content.status} {content.cseq.method}"
        self.told.append(f"{'>' if message.is_ours else '<'}{name}")

    def media_opened(self, line: MediaLine) -> None:
        self.told.append(f"open {line.section}")
        self.lines[line.rtp_port] = line

    def when_open(self, lines: Sequence[MediaLine], act: Callable[[], None]) -> None:
        act()

    def media_closed(self, line: MediaLine) -> None:
        self.told.append(f"close {line.section}")
        del self.lines[line.rtp_port]

    def hung_up(self, call_id: str, peer: Peer, why: str) -> None:
        self.farewells.append((call_id, why))

    def may_accept(self) -> Refusal | None:
        return self.refusal

    def refused(self, peer: Peer, why: str, refusal: BadRequest) -> None:
        self.refusals.append((peer.host, why))
        self.advice.append(advise(refusal))

    def not_secured(self, host: str, why: str) -> None:
        self.refusals.append((host, why))

    def turned_away(self, peer: Peer, refusal: BadRequest) -> None:
        self.lost.append((refusal.status, refusal.request.call_id))

    def seen(self, presence: Presence) -> None:
        self.presences.append(presence)

    def failed(self, error: Exception) -> None:
        self.errors.append(error)

    def sections(self) -> list[tuple[int, str, tuple[str, ...], bool]]:
        """Section, label, peers and whether it sends, of each open line."""
        lines = sorted(self.lines.values(), key=lambda line: line.section)
        return [(line.section, line.label, line.peers, line.is_sending) for line in lines]


def own_ports(first: int = 40000, last: int = 40099) -> PortPool:
    """Ports that no other test claims meanwhile."""
    return PortPool(first, last, claims=BlockClaims(f"test-{uuid.uuid4()}"))


def make_terms(**more: Any) -> Terms:
    usual: dict[str, Any] = {
        "listen": (ListenAt(transport="udp", address="127.0.0.1", port=0),),
        "ports": own_ports(),
        "allowed": LOOPBACK,
    }
    return Terms(**(usual | more))


@asynccontextmanager
async def serving(
    owner: Owner, terms: Terms | None = None, before: Iterable[CallMessage] = (), **more: Any
) -> AsyncIterator[SipServer]:
    server = SipServer(terms or make_terms(), owner, **more)
    server.restore(before)
    try:
        await server.start()
        yield server
    finally:
        await server.close()


@dataclass(slots=True)
class Caller:
    """A client of the recorder: one dialog after another, each with its own Call-ID. It agrees to what is offered.

    answers: status by method, 200 unless given, 0 for no answer. answer_headers: what each answer says besides.
    """

    host: str
    transports: Transports = field(init=False)
    link: Link = field(init=False)
    call_id: str = ""
    to_tag: str = ""
    number: int = 0
    responses: list[Response] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=dict)
    answer_headers: tuple[Field, ...] = ()

    def receive(self, message: Request | Response, link: Link) -> None:
        if isinstance(message, Response):
            self.responses.append(message)
            return
        self.requests.append(message)
        status = self.answers.get(message.method, 200)
        if message.method == "ACK" or not status:
            return
        body, headers = b"", self.answer_headers
        if message.method == "INVITE" and status == 200:
            body = agree_to(message)
            headers = (*headers, ("Content-Type", "application/sdp"))
        link.send(write_message(build_response(message, status, headers=headers, body=body)))

    def make(self, method: str, *lines: str, body: bytes | str = b"", **more: Any) -> Request:
        """A request of the dialog with the next number, or with `number`, `branch` and `tag` as given."""
        if method not in {"ACK", "CANCEL"} and "number" not in more:
            self.number += 1
        tag = f";tag={self.to_tag}" if self.to_tag else ""
        body = body.encode() if isinstance(body, str) else body
        place = write_host(self.host)
        text = [
            f"{method} sip:recorder@{place} SIP/2.0",
            f"Via: SIP/2.0/{self.link.peer.transport} {place}:5999;rport;branch={more.get('branch') or make_branch()}",
            f"From: <sip:201@pbx>;tag={more.get('tag', 'a1')}",
            f"To: <sip:recorder@here>{tag}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {more.get('number', self.number)} {method}",
            f"Contact: <sip:src@{place}:{self.port}>;+sip.src",
            *lines,
            f"Content-Length: {len(body)}",
        ]
        message = read_message("\r\n".join(text).encode() + b"\r\n\r\n" + body)
        assert isinstance(message, Request)
        return message

    @property
    def port(self) -> int:
        ports = [port.transport.get_extra_info("sockname")[1] for port in self.transports._ports if port.transport]
        return ports[0] if ports else 5999

    async def ask(self, request: Request) -> Response:
        """The final response to a request."""
        before = len(self.responses)
        self.link.send(write_message(request))
        await until(lambda: [each for each in self.responses[before:] if is_final(each, request)])
        return next(each for each in self.responses[before:] if is_final(each, request))

    async def invite(self, sdp: str = "", *lines: str, acknowledge: bool = True, **more: Any) -> Response:
        """Begin a call, or change the one that there is."""
        if not self.call_id:
            self.call_id = f"call-{next(_NUMBERS)}@test"
        kind = (
            []
            if not sdp or any(line.startswith("Content-Type") for line in lines)
            else ["Content-Type: application/sdp"]
        )
        request = self.make("INVITE", "Allow: INVITE, UPDATE, BYE", *kind, *lines, body=sdp, **more)
        answer = await self.ask(request)
        if acknowledge and answer.status < 300:
            self.to_tag = answer.to.tag
            self.link.send(write_message(self.make("ACK", number=request.cseq.number)))
        return answer

    async def send(self, method: str, *lines: str, **more: Any) -> Response:
        """The answer to another request inside the dialog."""
        return await self.ask(self.make(method, *lines, **more))

    def anew(self) -> "Caller":
        """Forget the dialog."""
        self.call_id, self.to_tag, self.number = "", "", 0
        return self


def is_final(response: Response, request: Request) -> bool:
    return response.status >= 200 and response.cseq == request.cseq and response.call_id == request.call_id


def agree_to(invite: Request) -> bytes:
    """What a recording client answers to an offer of the recorder."""
    own = read_contents(invite.body, invite.headers.get("Content-Type") or "").sdp or b""
    return own.replace(b"a=recvonly", b"a=sendonly")


@asynccontextmanager
async def calling(
    port: int, transport: str = "UDP", host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Caller]:
    errors: list[Exception] = []
    caller = Caller(host)
    caller.transports = Transports(caller.receive, errors.append, tls_client=tls)
    await caller.transports.listen_udp(host, 0)
    caller.link = caller.transports.link(transport, host, port)
    try:
        yield caller
    finally:
        await caller.transports.close()
    assert errors == []


def sdp(*lines: str, host: str = "127.0.0.1", codecs: str = "8", version: int = 1) -> str:
    """A description with one audio line for each text: attributes, parted by blanks; the port is 6000 and more."""
    media = "".join(
        f"m=audio {6000 + 2 * place} RTP/AVP {codecs}\r\n" + "".join(f"a={word}\r\n" for word in line.split())
        for place, line in enumerate(lines)
    )
    kind = "IP6" if ":" in host else "IP4"
    return f"v=0\r\no=- 1 {version} IN {kind} {host}\r\ns=-\r\nc=IN {kind} {host}\r\nt=0 0\r\n{media}"


TWO = sdp("label:1 sendonly", "label:2 sendonly")


def described(response: Response | Request) -> Description:
    return parse_description(response.body)


def told_of(response: Response) -> list[tuple[int, str, str]]:
    """Whether each line of an answer is in use, its label and its direction."""
    return [(bool(media.port), media.label, str(media.direction)) for media in described(response).media]


def run(act: Callable[[], Awaitable[None]], limit_s: float = 90) -> None:
    async def limited() -> None:
        async with asyncio.timeout(limit_s):
            await act()

    asyncio.run(limited())


def without_headers(request: Request, name: str) -> Request:
    return replace(request, headers=Headers(each for each in request.headers if each[0] != name))
