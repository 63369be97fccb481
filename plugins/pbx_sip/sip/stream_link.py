"""SIP over TCP and TLS: one connection to one peer, opened by either side and opened anew when it is needed.

Source: RFC 3261 section 18.2.2, RFC 5626 section 4.4.1 (keep-alive).
"""

import asyncio
import socket
from typing import Protocol, cast

from plugins.pbx_sip.sip.errors import BadMessage, BadRequest, BadValue
from plugins.pbx_sip.sip.framing import KeepAlive, StreamFramer
from plugins.pbx_sip.sip.link import Link, Peer
from plugins.pbx_sip.sip.message import Request, Response, write_message
from plugins.pbx_sip.sip.responses import build_response

_UNSENT_BYTES_MAX = 4 * 1024 * 1024
_WAITING_MAX = 100


class StreamEars(Protocol):
    """Who hears what comes, and opens connections."""

    def admit(self, link: "StreamLink") -> bool:
        """Whether one more connection may stay open."""

    def measure_pause_s(self, host: str) -> float:
        """Count a message; how long to read no more of this host."""

    def receive(self, message: Request | Response, link: Link) -> None:
        """A message came."""

    def count(self, what: str) -> None:
        """Something happened that is counted."""

    def connect(self, link: "StreamLink", port: int) -> None:
        """Open a connection for the link."""

    def forget(self, link: "StreamLink") -> None:
        """The connection is closed."""


class StreamLink(asyncio.Protocol):
    """One peer; messages for it wait while its connection is opened.

    local: our end of its last connection. heard_at: when the peer last sent something, by the loop's clock.
    has_spoken: whether a message came of it.
    """

    is_reliable = True

    def __init__(self, ears: StreamEars, peer: Peer) -> None:
        self.peer = peer
        self.local = ("", 0)
        self.heard_at = 0.0
        self.has_spoken = False
        self._ears = ears
        self._framer = StreamFramer()
        self._transport: asyncio.Transport | None = None
        self._listens_at = peer.port
        self._waiting: list[bytes] = []
        self._pause_s = 0.0
        self._resuming: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is a connection."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, data: bytes) -> None:
        """Send one message, over a new connection where there is none; over one that is being closed it is lost."""
        if self._transport is None:
            if len(self._waiting) < _WAITING_MAX:
                self._waiting.append(data)
            if len(self._waiting) == 1:
                self._ears.connect(self, self._listens_at)
        elif self._transport.get_write_buffer_size() > _UNSENT_BYTES_MAX:
            self._ears.count("connections_stuck")
            self._transport.abort()
        elif self.is_open:
            self._transport.write(data)

    def close(self) -> None:
        """Close the connection once everything is sent."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def fail(self) -> None:
        """The connection could not be opened: what waits for it is lost."""
        self._waiting.clear()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is open."""
        transport = cast("asyncio.Transport", transport)
        name = transport.get_extra_info("peername")
        if not name:  # gone already
            transport.abort()
            return
        host, port = name[:2]
        kind = "TLS" if transport.get_extra_info("ssl_object") else "TCP"
        self.peer = Peer(kind, host, port, _names(transport))
        self.local = transport.get_extra_info("sockname")[:2]
        self._transport = transport
        self._framer = StreamFramer()
        self.heard_at = asyncio.get_running_loop().time()
        if not self._ears.admit(self):
            self._ears.count("connections_refused")
            self.fail()
            transport.abort()
            return
        sock: socket.socket = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        waiting, self._waiting = self._waiting, []
        for data in waiting:
            transport.write(data)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        self.heard_at = asyncio.get_running_loop().time()
        try:
            for frame in self._framer.feed(data):
                if isinstance(frame, KeepAlive):
                    self._answer(frame)
                else:
                    self._receive(frame)
        except BadRequest as error:
            self._ears.count("messages_unreadable")
            self.send(write_message(build_response(error.request, error.status, error.reason)))
            self.close()
        except BadMessage:
            self._ears.count("messages_unreadable")
            self.abort()
        self._slow_down()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed."""
        if exc is not None:
            self._ears.count("connections_broken")
        self._transport = None
        if self._resuming is not None:
            self._resuming.cancel()
        self._ears.forget(self)

    def _answer(self, frame: KeepAlive) -> None:
        if frame is KeepAlive.PING:
            self.send(KeepAlive.PONG.value)

    def _receive(self, message: Request | Response) -> None:
        self.has_spoken = True
        self._pause_s = self._ears.measure_pause_s(self.peer.host)
        if isinstance(message, Request):
            self._note_listening_port(message)
        self._ears.receive(message, self)

    def _slow_down(self) -> None:
        """Read no more for a while if too much came."""
        if self._pause_s and self._transport is not None and self._transport.is_reading():
            self._transport.pause_reading()
            self._resuming = asyncio.get_running_loop().call_later(self._pause_s, self._resume)
        self._pause_s = 0.0

    def _resume(self) -> None:
        if self._transport is not None and self.is_open:
            self._transport.resume_reading()

    def _note_listening_port(self, request: Request) -> None:
        """Where a response goes if this connection is closed before it is sent."""
        try:
            self._listens_at = request.via.port or (5061 if self.peer.transport == "TLS" else 5060)
        except BadValue:
            return


def _names(transport: asyncio.Transport) -> tuple[str, ...]:
    """The names in the certificate that the peer showed and we checked."""
    certificate = transport.get_extra_info("peercert")
    if not certificate:
        return ()
    alternative = [str(value) for kind, value in certificate.get("subjectAltName", ()) if kind in {"DNS", "URI"}]
    common = [str(value) for part in certificate.get("subject", ()) for key, value in part if key == "commonName"]
    return tuple(name.lower() for name in alternative or common)
