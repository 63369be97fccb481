"""SIP over UDP.

Source: RFC 3261 section 18, RFC 3581 (rport).
"""

import asyncio
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, cast

from plugins.pbx_sip.sip.errors import BadMessage, BadValue
from plugins.pbx_sip.sip.link import Link, Peer
from plugins.pbx_sip.sip.message import Request, Response, read_message

DEFAULT_PORT = 5060
_RECEIVE_BUFFER_BYTES = 8 * 1024 * 1024
_DATAGRAM_BYTES_MAX = 65_536
_AT_ONCE = 64
_KEEP_ALIVE = b"\r\n\0 \t"

SocketAddress = tuple[str, int] | tuple[str, int, int, int]


class DatagramEars(Protocol):
    """Who hears what comes."""

    def may_pass(self, host: str) -> bool:
        """Whether a host may send one more message now."""

    def receive(self, message: Request | Response, link: Link) -> None:
        """A message came."""

    def count(self, what: str) -> None:
        """Something happened that is counted."""


@dataclass(frozen=True, slots=True)
class DatagramLink:
    """Sends from one of our sockets to one address."""

    peer: Peer
    address: SocketAddress
    socket: asyncio.DatagramTransport
    is_reliable: bool = False

    @property
    def local(self) -> tuple[str, int]:
        """What our socket is bound to."""
        host, port = self.socket.get_extra_info("sockname")[:2]
        return host, port

    @property
    def is_open(self) -> bool:
        """Whether our socket is."""
        return not self.socket.is_closing()

    def send(self, data: bytes) -> None:
        """Send one datagram."""
        if self.is_open:
            self.socket.sendto(data, self.address)


class DatagramPort(asyncio.DatagramProtocol):
    """One socket of ours, of which as much is read at once as has come: answers go before whatever else waits."""

    def __init__(self, ears: DatagramEars, opened: socket.socket) -> None:
        self.host, self.number = str(opened.getsockname()[0]), int(opened.getsockname()[1])
        self._ears = ears
        self._socket = opened
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open."""
        self.transport = cast("asyncio.DatagramTransport", transport)  # loops do not derive theirs from it

    def datagram_received(self, data: bytes, addr: SocketAddress) -> None:
        """A datagram came, and others perhaps: an event loop hands on one a turn."""
        self._receive(data, addr)
        for _ in range(_AT_ONCE):
            try:
                data, addr = self._socket.recvfrom(_DATAGRAM_BYTES_MAX)
            except BlockingIOError:
                return
            except OSError as error:
                self.error_received(error)
                return
            self._receive(data, addr)

    def _receive(self, data: bytes, addr: SocketAddress) -> None:
        assert self.transport is not None
        if not data.strip(_KEEP_ALIVE):
            return
        if not self._ears.may_pass(addr[0]):
            self._ears.count("messages_too_many")
            return
        try:
            message = read_message(data)
        except BadMessage:
            self._ears.count("messages_unreadable")
            return
        back = (addr[0], _reply_port(message, addr[1]), *addr[2:])
        link = DatagramLink(Peer("UDP", addr[0], addr[1]), back, self.transport)
        self._ears.receive(message, link)

    def error_received(self, exc: Exception) -> None:
        """A datagram of ours could not be sent or was refused."""
        self._ears.count(f"send_errors_{type(exc).__name__.lower()}")


def _reply_port(message: Request | Response, source_port: int) -> int:
    """Where a response goes: back to where the request came from if it asks for that, else where it says."""
    if isinstance(message, Response):
        return source_port
    try:
        via = message.via
    except BadValue:
        return source_port
    return source_port if via.param("rport") is not None else via.port or DEFAULT_PORT


def open_datagram_socket(host: str, port: int) -> socket.socket:
    """A bound socket of the family that the host is of.

    Raises: OSError.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICHOST
    )[0]
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setblocking(False)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        with suppress(OSError):
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        opened.bind(address)
    except OSError:
        opened.close()
        raise
    return opened


def find_local_host(host: str) -> str:
    """Our address as a peer sees it, by the routes of this machine.

    host: an address. Raises: OSError.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, DEFAULT_PORT, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.connect(address)
        return str(probe.getsockname()[0])
