"""A standing call: all that is kept of it, and how each message changes that, live or read again after a crash.

Source: RFC 3261 sections 12 to 14, RFC 3311 (UPDATE), RFC 4028 (session timers).
"""

import asyncio
from dataclasses import dataclass, field

from plugins.pbx_sip.recorder.hooks import MediaLine
from plugins.pbx_sip.recorder.media import Ends, Settled, read_lines, silence
from plugins.pbx_sip.sdp.description import Description
from plugins.pbx_sip.sdp.reader import parse_description
from plugins.pbx_sip.sip.dialog import Dialog, Origin, begin_dialog
from plugins.pbx_sip.sip.link import Link, Peer
from plugins.pbx_sip.sip.message import Request, Response
from plugins.pbx_sip.sip.server_transaction import InviteServerTransaction
from plugins.pbx_sip.sip.session_timer import SessionTimer, SessionWatch, agree_on_response

GONE = frozenset({408, 481})
"""What is answered where a call is not known any more, or nobody is there."""
_NO_SUCH_METHOD = frozenset({405, 501})


@dataclass(slots=True, kw_only=True)
class Call:
    """One dialog with a recording client. The last four fields are of this process, the others follow the messages.

    origin: where our requests come from. peer: who sent the last request. ends: between whom its media goes.
    branch, number: of the INVITE that began it. refreshed_ns: when the session timer began to run.
    knows_update: whether the client takes UPDATE. is_paused: whether we want no media.
    invite: an INVITE whose ACK has not come. acknowledged: who waits for that.
    """

    dialog: Dialog
    origin: Origin
    peer: Peer
    ends: Ends
    branch: str
    number: int
    settled: Settled = field(default_factory=Settled)
    timer: SessionTimer | None = None
    refreshed_ns: int = 0
    knows_update: bool = False
    is_paused: bool = False
    link: Link | None = None
    watch: SessionWatch | None = None
    invite: InviteServerTransaction | None = None
    acknowledged: list[asyncio.Future[None]] = field(default_factory=list)

    @property
    def id(self) -> str:
        """By what it is known: its Call-ID, and more where that has another dialog as well."""
        return self.ends.call_id

    @property
    def lines(self) -> tuple[MediaLine, ...]:
        """Its media lines in use."""
        return self.settled.lines

    @property
    def client(self) -> str:
        """The host that began it."""
        return self.ends.hosts[0]

    def is_begun_by(self, invite: Request) -> bool:
        """Whether an INVITE outside any dialog is the one that began the call, come again or come on another way."""
        return invite.sender.tag == self.dialog.id.remote_tag and invite.cseq.number == self.number

    def accept(self, timer: SessionTimer | None, at_ns: int, *, has_offered: bool) -> None:
        """Take note of our 2xx to an INVITE or UPDATE; has_offered: it has our offer, which the ACK is to answer."""
        self.timer, self.refreshed_ns = timer, at_ns
        self.dialog.has_offered = self.dialog.has_offered or has_offered

    def refresh(self, response: Response, at_ns: int) -> None:
        """Take note of the answer to an INVITE or UPDATE of ours; a client that refuses it has the call all the same.

        Source: RFC 4028 section 10: a session ends if its refresh is not answered, or by 408 or 481.
        """
        if response.status in GONE:
            return
        self.refreshed_ns = at_ns
        if response.status < 300:
            self.timer = agree_on_response(response)
        elif response.cseq.method == "UPDATE" and response.status in _NO_SUCH_METHOD:
            self.knows_update = False

    def settle(self, sdp: bytes, peer: Description | None) -> Settled:
        """What holds with our description and the peer's, whichever is the offer; peer: None before it answers."""
        own = parse_description(sdp)
        return Settled(sdp=sdp, lines=read_lines(own, peer or silence(own), self.ends))

    def release(self) -> None:
        """No INVITE of the client waits for its ACK any more: go on with what waited for that."""
        self.invite = None
        waiting, self.acknowledged = self.acknowledged, []
        for one in waiting:
            if not one.done():
                one.set_result(None)

    def move(self, link: Link) -> None:
        """The client's last request came this way."""
        self.peer, self.link = link.peer, link


def begin_call(invite: Request, tag: str, origin: Origin, ends: Ends, peer: Peer) -> Call:
    """The call that our 2xx to an INVITE begins, with our tag. Raises: BadValue."""
    return Call(
        dialog=begin_dialog(invite, tag),
        origin=origin,
        peer=peer,
        ends=ends,
        branch=invite.via.branch,
        number=invite.cseq.number,
        knows_update="UPDATE" in {method.upper() for method in invite.tokens("Allow")},
    )
