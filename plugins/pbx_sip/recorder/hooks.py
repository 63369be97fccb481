"""What the server of recording sessions tells its owner, and what it asks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from plugins.pbx_sip.sip.errors import BadRequest
from plugins.pbx_sip.sip.link import Peer
from plugins.pbx_sip.sip.message import Request, Response


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMessage:
    """One SIP message of a call.

    call_id: by which the call is known, mostly its Call-ID. at_ns: since 1970, UTC. content: as it was sent, or as what
    came was understood, which reads the same; its topmost Via has the address it came from. peer: who sent it, or was
    sent it. read: what it says, where it was read already.
    """

    call_id: str
    at_ns: int
    is_ours: bool
    content: bytes = field(repr=False)
    peer: Peer
    read: Request | Response | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLine:
    """One media line of a call as it is used now.

    section: its place in the session description, from 0. address: ours. rtcp_port: the same as rtp_port where both
    share one. peers: addresses that media may come from. is_secure: whether it is SRTP.
    is_sending: whether the client means to send now; it does not while the line is on hold or paused.
    """

    call_id: str
    section: int
    label: str
    address: str
    rtp_port: int
    rtcp_port: int
    peers: tuple[str, ...]
    is_secure: bool
    is_sending: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why no new call is taken now. status: such as 503, which lets a client turn to its next recorder."""

    status: int = 503
    reason: str = ""
    retry_after_s: int = 30


class Sign(StrEnum):
    """By what a peer shows that it is there; remembered: it registered before a restart, and that still holds."""

    PING = "ping"
    REGISTERED = "registered"
    UNREGISTERED = "unregistered"
    REMEMBERED = "remembered"
    CALL = "call"


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """A peer is there. aor, user, expires_s: of a registration; user: "" if it gave no proof of a secret."""

    peer: Peer
    sign: Sign
    agent: str = ""
    aor: str = ""
    user: str = ""
    expires_s: int = 0


class Hooks(Protocol):
    """The owner. Every call comes from the event loop and has to return at once: XML is read later, by others."""

    def message(self, message: CallMessage) -> None:
        """A message of a call; of a request that came and its final answer both, before the answer is sent.

        What is refused is no call yet: an INVITE is told together with the 2xx that takes it.
        """

    def media_opened(self, line: MediaLine) -> None:
        """Media may come to a line; told again, with the same ports, when something about it changed."""

    def when_open(self, lines: Sequence[MediaLine], act: Callable[[], None]) -> None:
        """Act once media can come to lines, or when that takes too long."""

    def media_closed(self, line: MediaLine) -> None:
        """No more media is wanted at a line."""

    def hung_up(self, call_id: str, peer: Peer, why: str) -> None:
        """A call was ended by us, not by its client; why: "" where there is no reason to tell."""

    def may_accept(self) -> Refusal | None:
        """Why no new call can be taken; None if one can."""

    def refused(self, peer: Peer, why: str, refusal: BadRequest) -> None:
        """A request was refused; the same of the same host is told at most once a minute."""

    def not_secured(self, host: str, why: str) -> None:
        """TLS could not be agreed on with a host; told as seldom."""

    def turned_away(self, peer: Peer, refusal: BadRequest) -> None:
        """A call that a known client began was refused; told each time."""

    def seen(self, presence: Presence) -> None:
        """A peer shows that it is there."""

    def failed(self, error: Exception) -> None:
        """Something went wrong in the server itself; the others are served on."""
