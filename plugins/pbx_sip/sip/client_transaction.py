"""What happens to one request of ours: it is sent again as often as SIP wants, until its response came or time is up.

Source: RFC 3261 section 17.1, RFC 6026 (the state Accepted).
"""

from collections.abc import Callable
from enum import Enum, auto

from plugins.pbx_sip.sip.headers import Headers
from plugins.pbx_sip.sip.link import Link
from plugins.pbx_sip.sip.message import Request, Response, write_message
from plugins.pbx_sip.sip.timers import GIVE_UP_S, T1_S, T2_S, T4_S, Callback, CallLater, Timers

_OF_INVITE = ("From", "Call-ID", "Max-Forwards", "Route", "Authorization", "Proxy-Authorization")


class State(Enum):
    """Where a transaction stands; the names are those of the RFC."""

    CALLING = auto()
    PROCEEDING = auto()
    ACCEPTED = auto()
    COMPLETED = auto()
    TERMINATED = auto()


class ClientTransaction:
    """A request other than INVITE and ACK; on_response gets each response once, on_timeout is called if none came."""

    def __init__(
        self,
        request: Request,
        link: Link,
        call_later: CallLater,
        on_response: Callable[[Response], None],
        on_timeout: Callback,
    ) -> None:
        self.request = request
        self.state = State.CALLING
        self.on_end: Callback = lambda: None
        self._link = link
        self._timers = Timers(call_later)
        self._on_response = on_response
        self._on_timeout = on_timeout
        self._interval_s = T1_S
        self._sent = write_message(request)

    def start(self) -> None:
        """Send the request."""
        self._timers.start("give up", GIVE_UP_S, self._give_up)
        if not self._link.is_reliable:
            self._timers.start("again", self._interval_s, self._send_again)
        self._link.send(self._sent)

    def receive(self, response: Response) -> None:
        """A response to the request came."""
        if self.state not in {State.CALLING, State.PROCEEDING}:
            return
        if response.status < 200:
            self.state = State.PROCEEDING
        else:
            self.state = State.COMPLETED
            self._linger(T4_S)
        self._on_response(response)

    def end(self) -> None:
        """Forget the transaction."""
        if self.state is not State.TERMINATED:
            self.state = State.TERMINATED
            self._timers.stop()
            self.on_end()

    def _linger(self, unreliable_s: float) -> None:
        """Stay for a while to absorb what comes again."""
        self._timers.stop()
        if self._link.is_reliable:
            self.end()
        else:
            self._timers.start("linger", unreliable_s, self.end)

    def _send_again(self) -> None:
        self._link.send(self._sent)
        is_slow = self.state is State.PROCEEDING
        self._interval_s = T2_S if is_slow else min(2 * self._interval_s, T2_S)
        self._timers.start("again", self._interval_s, self._send_again)

    def _give_up(self) -> None:
        self.end()
        self._on_timeout()


class InviteClientTransaction(ClientTransaction):
    """An INVITE: a refusal is acknowledged here; every 2xx goes to on_response, which has to send the ACK."""

    def receive(self, response: Response) -> None:
        """A response to the INVITE came."""
        if self.state is State.COMPLETED and response.status >= 300:
            self._link.send(self._acknowledgement(response))
        elif self.state is State.ACCEPTED and 200 <= response.status < 300:
            self._on_response(response)
        elif self.state in {State.CALLING, State.PROCEEDING}:
            self._proceed(response)

    def _proceed(self, response: Response) -> None:
        if response.status < 200:
            self.state = State.PROCEEDING
            self._timers.stop()
        elif response.status < 300:
            self.state = State.ACCEPTED
            self._timers.stop()
            self._timers.start("M", GIVE_UP_S, self.end)
        else:
            self.state = State.COMPLETED
            self._link.send(self._acknowledgement(response))
            self._linger(GIVE_UP_S)
        self._on_response(response)

    def _send_again(self) -> None:
        self._link.send(self._sent)
        self._interval_s *= 2
        self._timers.start("again", self._interval_s, self._send_again)

    def _acknowledgement(self, response: Response) -> bytes:
        """The ACK of a refusal. Source: RFC 3261 section 17.1.1.3."""
        invite = self.request
        fields = [
            ("Via", invite.headers.items("Via")[0]),
            *((name, value) for name in _OF_INVITE for value in invite.headers.all(name)),
            ("To", response.headers.get("To") or ""),
            ("CSeq", f"{invite.cseq.number} ACK"),
        ]
        return write_message(Request(method="ACK", uri=invite.uri, headers=Headers(fields)))
