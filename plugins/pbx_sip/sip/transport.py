"""Where SIP comes in and goes out: sockets that listen over UDP, TCP and TLS, and connections to peers.

Source: RFC 3261 section 18, RFC 3581 (rport); `maddr` is not honoured.
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from plugins.pbx_sip.sip.datagram_link import DatagramLink, DatagramPort, open_datagram_socket
from plugins.pbx_sip.sip.errors import BadValue
from plugins.pbx_sip.sip.headers import Headers, expand_name
from plugins.pbx_sip.sip.link import Link, Peer
from plugins.pbx_sip.sip.message import Request, Response
from plugins.pbx_sip.sip.params import split_list
from plugins.pbx_sip.sip.rates import Rates
from plugins.pbx_sip.sip.stream_link import StreamLink
from plugins.pbx_sip.sip.tls_port import TlsPort

_SWEEP_S = 5.0
_CLOSING_S = 1.0

_Key = tuple[str, str, int]

OnMessage = Callable[[Request | Response, Link], None]
"""Gets each message with the link that leads back to its sender."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What peers may take: messages_per_s of one host, silent_s before a first message and idle_s after it.

    Some session border controllers open a connection for each call: one host may have thousands.
    """

    connections: int = 8000
    connections_per_host: int = 6000
    messages_per_s: float = 5000
    silent_s: float = 30
    idle_s: float = 3600
    connect_s: float = 10


class Transports:
    """All sockets of one user agent.

    counters: what happened, by name: messages_unreadable, messages_too_many, connections_refused, connections_broken,
    connections_stuck, connections_idle, connects_failed, handshakes_failed, send_errors_...
    on_stranger: told of a host with which TLS could not be agreed on, and why.
    """

    def __init__(
        self,
        on_message: OnMessage,
        on_error: Callable[[Exception], None],
        limits: Limits | None = None,
        tls_client: ssl.SSLContext | None = None,
    ) -> None:
        """on_error: told when on_message failed; the next message comes all the same."""
        self.counters: Counter[str] = Counter()
        self.on_stranger: Callable[[str, str], None] = lambda *_: None
        self._on_message = on_message
        self._on_error = on_error
        self._limits = limits or Limits()
        self._tls_client = tls_client
        self._rates = Rates(self._limits.messages_per_s)
        self._servers: list[asyncio.Server | TlsPort] = []
        self._ports: list[DatagramPort] = []
        self._links: dict[_Key, StreamLink] = {}
        self._open: set[StreamLink] = set()
        self._last_closed = asyncio.Event()
        self._per_host: Counter[str] = Counter()
        self._connecting: set[asyncio.Task[None]] = set()
        self._sweeping: asyncio.TimerHandle | None = None

    async def listen_udp(self, host: str, port: int) -> int:
        """Receive datagrams on an address. Returns: the port. Raises: OSError."""
        opened = open_datagram_socket(host, port)
        _, datagrams = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: DatagramPort(self, opened), sock=opened
        )
        self._ports.append(datagrams)
        return int(opened.getsockname()[1])

    async def listen_tcp(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Accept connections on an address, secured if there is a context. Returns: the port. Raises: OSError."""
        if tls is not None:
            secured = TlsPort(host, port, tls, self._make_link, self._note_stranger)
            self._servers.append(secured)
            return secured.port
        server = await asyncio.get_running_loop().create_server(self._make_link, host, port, backlog=1024)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def stop_listening(self, transport: str, port: int, host: str = "") -> None:
        """Take in nothing more on a port of an address of ours, "" for all; connections that came by it live on."""
        if transport == "UDP":
            for datagrams in [each for each in self._ports if each.number == port and host in {"", each.host}]:
                self._ports.remove(datagrams)
                if datagrams.transport is not None:
                    datagrams.transport.close()
            return
        for server in [each for each in self._servers if (at := _place_of(each))[1] == port and host in {"", at[0]}]:
            self._servers.remove(server)
            server.close()

    def link(self, transport: str, host: str, port: int) -> Link:
        """The way to a peer; a connection to it is used again, and opened when something is sent.

        host: an address.

        Raises: OSError when no socket of ours is of its kind.
        """
        peer = Peer(transport, host, port)
        if transport != "UDP":
            return self._links.get(_key(peer)) or StreamLink(self, peer)
        for datagrams in self._ports:
            if datagrams.transport is not None:
                own = datagrams.transport.get_extra_info("sockname")[0]
                if (":" in own) == (":" in host):
                    return DatagramLink(peer, (host, port), datagrams.transport)
        raise OSError(f"no UDP socket here can reach {host}")

    async def close(self) -> None:
        """Close every socket; what was said already is still sent, if that is quick."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        for server in self._servers:
            server.close()
        for datagrams in self._ports:
            if datagrams.transport is not None:
                datagrams.transport.close()
        for task in self._connecting:
            task.cancel()
        await asyncio.gather(*self._connecting, return_exceptions=True)
        for link in tuple(self._open):
            link.close()
        if self._open:
            self._last_closed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._last_closed.wait(), _CLOSING_S)
        for link in tuple(self._open):
            link.abort()
        await asyncio.sleep(0)

    def receive(self, message: Request | Response, link: Link) -> None:
        """A message came over a link."""
        try:
            if isinstance(message, Request):
                message = note_source(message, link.peer)
            self._on_message(message, link)
        except Exception as error:  # noqa: BLE001 - one message must not stop those of other peers
            self._on_error(error)

    def count(self, what: str) -> None:
        """Something happened that is counted."""
        self.counters[what] += 1

    def may_pass(self, host: str) -> bool:
        """Whether a host may send one more datagram now."""
        if not self.measure_pause_s(host):
            return True
        self._rates.give_back(host)
        return False

    def measure_pause_s(self, host: str) -> float:
        """Count a message; how long to read no more of this host."""
        return self._rates.measure_wait_s(host, asyncio.get_running_loop().time())

    def admit(self, link: StreamLink) -> bool:
        """Whether one more connection may stay open."""
        host, limits = link.peer.host, self._limits
        if len(self._open) >= limits.connections or self._per_host[host] >= limits.connections_per_host:
            return False
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(_SWEEP_S, self._sweep)
        self._open.add(link)
        self._per_host[host] += 1
        self._links[_key(link.peer)] = link
        return True

    def forget(self, link: StreamLink) -> None:
        """A connection is closed."""
        if self._links.get(_key(link.peer)) is link:
            del self._links[_key(link.peer)]
        if link in self._open:
            host = link.peer.host
            self._open.remove(link)
            self._per_host[host] -= 1
            if not self._per_host[host]:
                del self._per_host[host]
            if not self._open:
                self._last_closed.set()

    def connect(self, link: StreamLink, port: int) -> None:
        """Open a connection for a link, whose messages wait for it."""
        peer = replace(link.peer, port=port)
        self._links.setdefault(_key(peer), link)
        task = asyncio.get_running_loop().create_task(self._connect(link, peer))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    def _make_link(self) -> StreamLink:
        return StreamLink(self, Peer("TCP", "", 0))

    def _note_stranger(self, host: str, why: str) -> None:
        self.count("handshakes_failed")
        self.on_stranger(host, why)

    async def _connect(self, link: StreamLink, peer: Peer) -> None:
        tls = self._tls_client if peer.transport == "TLS" else None
        try:
            if peer.transport == "TLS" and tls is None:
                raise ConnectionError("there is no context for TLS")
            async with asyncio.timeout(self._limits.connect_s):
                await asyncio.get_running_loop().create_connection(lambda: link, peer.host, peer.port, ssl=tls)
        except (OSError, TimeoutError):  # errors of TLS are of OSError too
            self.count("connects_failed")
            link.fail()
        finally:
            if not link.is_open and self._links.get(_key(peer)) is link:
                del self._links[_key(peer)]

    def _sweep(self) -> None:
        """Close connections over which nothing comes."""
        loop = asyncio.get_running_loop()
        for link in tuple(self._open):
            allowed_s = self._limits.idle_s if link.has_spoken else self._limits.silent_s
            if loop.time() - link.heard_at > allowed_s:
                self.count("connections_idle")
                link.close()
        self._sweeping = loop.call_later(_SWEEP_S, self._sweep)


def _place_of(server: asyncio.Server | TlsPort) -> tuple[str, int]:
    host, port, *_ = (server.host, server.port) if isinstance(server, TlsPort) else server.sockets[0].getsockname()
    return str(host), int(port)


def note_source(request: Request, peer: Peer) -> Request:
    """The request with the address it came from in its topmost Via, where that says another or asks for it.

    Source: RFC 3261 section 18.2.1, RFC 3581 section 4.
    """
    try:
        via = request.via
    except BadValue:
        return request
    if via.host == peer.host and via.param("rport") is None:
        return request
    noted = str(via.received_from(peer.host, peer.port))
    fields = list(request.headers)
    for place, (name, value) in enumerate(fields):
        items = split_list(value) if expand_name(name) == "via" else []
        if any(items):
            items[items.index(next(filter(None, items)))] = noted
            fields[place] = (name, ", ".join(items))
            break
    return replace(request, headers=Headers(fields))


def _key(peer: Peer) -> _Key:
    return peer.transport, peer.host, peer.port
