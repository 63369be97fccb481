"""Time that a test moves, a link that remembers, and requests to send over it."""

import heapq
import itertools
from collections.abc import Callable

from plugins.pbx_sip.sip.link import Peer
from plugins.pbx_sip.sip.message import Request, Response, read_message


class Handle:
    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback = callback
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Time:
    """Calls later what it was asked to, when a test lets time pass."""

    def __init__(self) -> None:
        self.now = 0.0
        self._order = itertools.count()
        self._due: list[tuple[float, int, Handle]] = []

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Handle:
        handle = Handle(callback)
        heapq.heappush(self._due, (self.now + delay_s, next(self._order), handle))
        return handle

    def pass_by(self, seconds: float) -> None:
        end = self.now + seconds
        while self._due and self._due[0][0] <= end:
            self.now, _, handle = heapq.heappop(self._due)
            if not handle.is_cancelled:
                handle.callback()
        self.now = end

    @property
    def is_idle(self) -> bool:
        return all(handle.is_cancelled for _, _, handle in self._due)


class Wire:
    """Remembers when what was sent."""

    def __init__(self, time: Time, *, is_reliable: bool = False) -> None:
        self.is_reliable = is_reliable
        self.is_open = True
        self.peer = Peer("UDP", "192.0.2.1", 5060)
        self.local = ("192.0.2.9", 5060)
        self._time = time
        self.sent: list[tuple[float, bytes]] = []

    def send(self, data: bytes) -> None:
        self.sent.append((self._time.now, data))

    @property
    def times(self) -> list[float]:
        return [round(at, 3) for at, _ in self.sent]

    @property
    def messages(self) -> list[Request | Response]:
        return [read_message(data) for _, data in self.sent]

    @property
    def names(self) -> list[str]:
        return [message.method if isinstance(message, Request) else str(message.status) for message in self.messages]


def make_request(
    method: str = "INVITE", *more: str, branch: str = "z9hG4bK-1", to_tag: str = "", number: int = 1
) -> Request:
    tag = f";tag={to_tag}" if to_tag else ""
    lines = (
        f"{method} sip:srs@192.0.2.9 SIP/2.0",
        f"Via: SIP/2.0/UDP 192.0.2.1:5060;branch={branch}" if branch else "Via: SIP/2.0/UDP 192.0.2.1:5060",
        "From: <sip:src@192.0.2.1>;tag=a1",
        f"To: <sip:srs@192.0.2.9>{tag}",
        "Call-ID: c1@192.0.2.1",
        f"CSeq: {number} {'INVITE' if method == 'INVITE' else method}",
        "Contact: <sip:src@192.0.2.1:5060>;+sip.src",
        *more,
    )
    message = read_message("\r\n".join(lines).encode() + b"\r\n\r\n")
    assert isinstance(message, Request)
    return message
