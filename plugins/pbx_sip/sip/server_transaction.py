"""What happens to one request that came: its response is sent again as SIP wants it, its repetitions are absorbed.

Source: RFC 3261 section 17.2, RFC 6026 (the state Accepted), RFC 3261 section 13.3.1.4 (2xx until the ACK).
"""

from enum import Enum, auto

from plugins.pbx_sip.sip.link import Link
from plugins.pbx_sip.sip.message import Request, Response, write_message
from plugins.pbx_sip.sip.responses import build_response, trim_request
from plugins.pbx_sip.sip.timers import GIVE_UP_S, T1_S, T2_S, T4_S, TRYING_AFTER_S, Callback, CallLater, Timers


class State(Enum):
    """Where a transaction stands; the names are those of the RFC."""

    TRYING = auto()
    PROCEEDING = auto()
    ACCEPTED = auto()
    COMPLETED = auto()
    CONFIRMED = auto()
    TERMINATED = auto()


class ServerTransaction:
    """A request other than INVITE and ACK; link: the way it came last. Once answered, little of the request is kept."""

    def __init__(self, request: Request, link: Link, call_later: CallLater) -> None:
        self.request = request
        self.state = State.TRYING
        self.on_end: Callback = lambda: None
        self.link = link
        self._timers = Timers(call_later)
        self._sent = b""
        self._is_held = False

    def respond(self, response: Response) -> None:
        """Send a response; after a final one nothing more is sent."""
        if self.state not in {State.TRYING, State.PROCEEDING}:
            return
        self._send(response)
        if response.status < 200:
            self.state = State.PROCEEDING
            return
        self.request = trim_request(self.request)
        self.state = State.COMPLETED
        if self.link.is_reliable:
            self.end()
        else:
            self._timers.start("J", GIVE_UP_S, self.end)

    def repeat(self, link: Link) -> None:
        """The request came again: send again what was answered, the way it came now."""
        self.link = link
        if self._sent and not self._is_held:
            link.send(self._sent)

    def hold(self) -> None:
        """Keep back what is answered from now on until `release`, or until it is time to send it again."""
        self._is_held = True

    def release(self) -> None:
        """Send what was kept back."""
        if self._is_held:
            self._is_held = False
            if self._sent:
                self.link.send(self._sent)

    def end(self) -> None:
        """Forget the transaction."""
        if self.state is not State.TERMINATED:
            self.state = State.TERMINATED
            self._timers.stop()
            self.on_end()

    def _send(self, response: Response) -> None:
        self._sent = write_message(response)
        if not self._is_held:
            self.link.send(self._sent)


class InviteServerTransaction(ServerTransaction):
    """An INVITE: 100 is sent by itself when the answer takes long, and 2xx is repeated until the ACK.

    on_no_ack: called when the ACK of a final response never came. on_cancel: called when the INVITE was taken back.
    """

    def __init__(self, request: Request, link: Link, call_later: CallLater) -> None:
        super().__init__(request, link, call_later)
        self.state = State.PROCEEDING
        self.on_no_ack: Callback = lambda: None
        self.on_cancel: Callback = lambda: None
        self._interval_s = T1_S
        self._timers.start("100", TRYING_AFTER_S, self._try)

    def respond(self, response: Response) -> None:
        """Send a response; after a final one nothing more is sent."""
        if self.state is not State.PROCEEDING:
            return
        self._timers.stop("100")
        self._send(response)
        if response.status < 200:
            return
        self.request = trim_request(self.request)
        is_success = response.status < 300
        self.state = State.ACCEPTED if is_success else State.COMPLETED
        if is_success or not self.link.is_reliable:
            self._timers.start("G", self._interval_s, self._send_again)
        self._timers.start("H", GIVE_UP_S, self._give_up)

    def repeat(self, link: Link) -> None:
        """The INVITE came again: send again what was answered, but for a 2xx, which comes again by itself."""
        if self.state in {State.PROCEEDING, State.COMPLETED}:
            super().repeat(link)

    def cancel(self, response: Response) -> None:
        """The INVITE is taken back: answer it, unless it has its final response."""
        if self.state is State.PROCEEDING:
            self.respond(response)
            self.on_cancel()

    def acknowledge(self) -> None:
        """The ACK came: that of a refusal in this transaction, that of a 2xx in the dialog."""
        self._timers.stop("G")
        if self.state is State.ACCEPTED:
            self._timers.start("H", GIVE_UP_S, self.end)
        elif self.state is State.COMPLETED:
            self.state = State.CONFIRMED
            self._timers.stop("H")
            if self.link.is_reliable:
                self.end()
            else:
                self._timers.start("I", T4_S, self.end)

    def _try(self) -> None:
        self._send(build_response(self.request, 100))

    def _send_again(self) -> None:
        self._is_held = False
        self.link.send(self._sent)
        self._interval_s = min(2 * self._interval_s, T2_S)
        self._timers.start("G", self._interval_s, self._send_again)

    def _give_up(self) -> None:
        self.end()
        self.on_no_ack()
