import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from plugins.pbx_sip.sip import transport
from plugins.pbx_sip.sip.datagram_link import find_local_host
from plugins.pbx_sip.sip.headers import Headers
from plugins.pbx_sip.sip.link import Link, Peer
from plugins.pbx_sip.sip.message import Request, Response, read_message, write_message
from plugins.pbx_sip.sip.responses import build_response
from plugins.pbx_sip.sip.transport import Limits, Transports, note_source
from tests.doubles.source_context import until
from tests.unit.plugins.pbx_sip.sip.certificates import make_contexts
from tests.unit.plugins.pbx_sip.sip.sip_doubles import make_request

OPTIONS = write_message(make_request("OPTIONS")).replace(b"192.0.2.1:5060;b", b"192.0.2.1:5060;rport;b")
Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]
OTHER = OPTIONS.replace(b"c1@", b"c2@")


class Server(Transports):
    """Answers every request with 200 and remembers what came; a MESSAGE makes it fail."""

    def __init__(self, limits: Limits | None = None, tls_client: ssl.SSLContext | None = None) -> None:
        self.errors: list[Exception] = []
        super().__init__(self._answer, self.errors.append, limits, tls_client)
        self.came: list[tuple[Request | Response, Link]] = []

    def _answer(self, message: Request | Response, link: Link) -> None:
        if isinstance(message, Request):
            if message.method == "MESSAGE":
                raise RuntimeError("this one fails")
            link.send(write_message(build_response(message, 200)))
        self.came.append((message, link))


@asynccontextmanager
async def serving(limits: Limits | None = None, tls_client: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server(limits, tls_client)
    try:
        yield server
    finally:
        await server.close()


@asynccontextmanager
async def connected(port: int, host: str = "127.0.0.1") -> AsyncIterator[Pair]:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        await asyncio.sleep(0.01)


def run(act: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(5):
            await act()

    asyncio.run(limited())


@asynccontextmanager
async def datagrams(host: str = "127.0.0.1") -> AsyncIterator[socket.socket]:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((host, 0))
        sock.setblocking(False)
        yield sock


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_datagram_is_answered_where_it_came_from(host: str) -> None:
    async def act() -> None:
        async with serving() as server, datagrams(host) as sock:
            port = await server.listen_udp(host, 0)
            loop = asyncio.get_running_loop()
            for data in (b"\r\n\r\n", b"junk", OPTIONS):
                await loop.sock_sendto(sock, data, (host, port))
            answer = read_message(await loop.sock_recv(sock, 65536))
            assert answer.via.param("received") == host
            assert answer.via.param("rport") == str(sock.getsockname()[1])
            assert server.counters == {"messages_unreadable": 1}
            peer = server.came[0][1].peer
            assert (peer.transport, peer.host, peer.port) == ("UDP", host, sock.getsockname()[1])

    run(act)


def test_all_that_waits_in_a_socket_is_answered_before_anything_else_is_done() -> None:
    async def act() -> None:
        async with serving() as server, datagrams() as sock:
            port = await server.listen_udp("127.0.0.1", 0)
            for _ in range(20):
                sock.sendto(OPTIONS, ("127.0.0.1", port))
            while not server.came:  # noqa: ASYNC110 - turns of the loop are what is counted
                await asyncio.sleep(0)
            assert len(server.came) == 20

    run(act)


def test_without_rport_the_answer_goes_to_the_port_that_the_via_says() -> None:
    async def act() -> None:
        async with serving() as server, datagrams() as sock, datagrams() as listening:
            port = await server.listen_udp("127.0.0.1", 0)
            loop = asyncio.get_running_loop()
            own = listening.getsockname()[1]
            data = OPTIONS.replace(b"192.0.2.1:5060;rport;", f"192.0.2.1:{own};maddr=192.0.2.77;".encode())
            await loop.sock_sendto(sock, data, ("127.0.0.1", port))
            answer = read_message(await loop.sock_recv(listening, 65536))
            assert answer.via.param("received") == "127.0.0.1"
            assert answer.via.param("rport") is None

    run(act)


def test_a_connection_carries_many_messages_and_keep_alives() -> None:
    async def act() -> None:
        async with serving() as server:
            port = await server.listen_tcp("127.0.0.1", 0)
            async with connected(port) as (reader, writer):
                writer.write(b"\r\n\r\n")
                assert await reader.readexactly(2) == b"\r\n"
                writer.write(OPTIONS + OTHER[:50])
                await reader.readuntil(b"\r\n\r\n")
                writer.write(OTHER[50:])
                assert b"c2@" in await reader.readuntil(b"\r\n\r\n")
                assert server.came[0][1] is server.came[1][1]

    run(act)


def test_a_failure_over_one_connection_touches_no_other() -> None:
    async def act() -> None:
        async with serving() as server:
            port = await server.listen_tcp("::1", 0)
            ends = AsyncExitStack()
            good, bad, worse = [await ends.enter_async_context(connected(port, "::1")) for _ in range(3)]
            bad[1].write(OPTIONS.replace(b"Length: 0", b"Length: -1"))
            assert (await bad[0].read()).startswith(b"SIP/2.0 400 Bad Content-Length\r\n")
            worse[1].write(b"junk\r\n\r\n" * 20_000)
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await worse[0].readexactly(1)
            good[1].write(OPTIONS.replace(b"OPTIONS", b"MESSAGE") + OPTIONS)
            assert (await good[0].readuntil(b"\r\n\r\n")).startswith(b"SIP/2.0 200 OK\r\n")
            assert [str(error) for error in server.errors] == ["this one fails"]
            assert server.counters["messages_unreadable"] == 2
            await ends.aclose()

    run(act)


def test_over_tls_both_ends_know_each_others_names(tmp_path: Path) -> None:
    server_tls, client_tls = make_contexts(tmp_path, "SBC.example.com")

    async def act() -> None:
        async with serving() as server, serving(tls_client=client_tls) as client:
            port = await server.listen_tcp("127.0.0.1", 0, server_tls)
            client.link("TLS", "127.0.0.1", port).send(OPTIONS)
            await until(lambda: client.came)
            assert server.came[0][1].peer.names == ("sbc.example.com",)
            assert client.came[0][1].peer.names == ("sbc.example.com",)
            assert server.came[0][1].peer.transport == "TLS"
            assert server.came[0][1].local == ("127.0.0.1", port)
            async with serving() as plain:
                plain.link("TLS", "127.0.0.1", port).send(OPTIONS)
                await until(lambda: plain.counters["connects_failed"])

    run(act)


def test_a_connection_is_used_again_by_both_sides() -> None:
    async def act() -> None:
        async with serving() as server, serving() as client:
            port = await server.listen_tcp("127.0.0.1", 0)
            link = client.link("TCP", "127.0.0.1", port)
            assert not link.is_open
            link.send(OPTIONS)
            client.link("TCP", "127.0.0.1", port).send(OTHER)
            await until(lambda: len(client.came) == 2)
            assert {id(found) for _, found in client.came} == {id(link)}
            back = server.came[0][1]
            assert server.link("TCP", back.peer.host, back.peer.port) is back
            back.send(OPTIONS)
            await until(lambda: len(client.came) == 3)

    run(act)


def test_an_answer_that_comes_too_late_for_its_connection_goes_where_the_via_says() -> None:
    async def act() -> None:
        async with serving() as server, serving() as client:
            port = await server.listen_tcp("127.0.0.1", 0)
            listening = await client.listen_tcp("127.0.0.1", 0)
            async with connected(port) as (_, writer):
                writer.write(OPTIONS.replace(b":5060;rport", f":{listening}".encode()))
                await until(lambda: server.came)
            request, link = server.came[0]
            await until(lambda: not server._open)
            assert isinstance(request, Request)
            link.send(write_message(build_response(request, 500)))
            await until(lambda: client.came)
            assert isinstance(client.came[0][0], Response)
            assert link.is_open

    run(act)


def test_a_peer_that_cannot_be_reached_costs_only_what_waits_for_it() -> None:
    async def act() -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        async with serving() as client:
            link = client.link("TCP", "127.0.0.1", port)
            link.send(OPTIONS)
            await until(lambda: client.counters["connects_failed"] == 1)
            async with serving() as server:
                await server.listen_tcp("127.0.0.1", port)
                link.send(OTHER)
                await until(lambda: client.came)
                assert [message.call_id[:2] for message, _ in server.came] == ["c2"]

    run(act)


def test_a_peer_that_does_not_read_is_cut_off() -> None:
    async def act() -> None:
        async with serving() as server:
            port = await server.listen_tcp("127.0.0.1", 0)
            async with connected(port) as (_, writer):
                writer.write(OPTIONS)
                await until(lambda: server.came)
                link = server.came[0][1]
                link.send(bytes(30_000_000))
                link.send(OPTIONS)
                await until(lambda: not server._open)
                assert server.counters["connections_stuck"] == 1

    run(act)


def test_a_host_may_have_so_many_connections_and_no_more() -> None:
    async def act() -> None:
        async with serving(Limits(connections_per_host=2)) as server:
            port = await server.listen_tcp("127.0.0.1", 0)
            async with connected(port):
                async with connected(port), connected(port) as (refused, _):
                    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                        await refused.readexactly(1)
                await until(lambda: len(server._open) == 1)
                async with connected(port) as (again, writer):
                    writer.write(OPTIONS)
                    assert (await again.readuntil(b"\r\n\r\n")).startswith(b"SIP/2.0 200")
            assert server.counters["connections_refused"] == 1

    run(act)


def test_connections_over_which_nothing_comes_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_SWEEP_S", 0.05)

    async def act() -> None:
        async with serving(Limits(silent_s=0.1, idle_s=60)) as server:
            port = await server.listen_tcp("127.0.0.1", 0)
            async with connected(port) as (silent, _), connected(port) as (speaking, writer):
                writer.write(OPTIONS)
                await speaking.readuntil(b"\r\n\r\n")
                assert await silent.read() == b""
                writer.write(OPTIONS)
                await speaking.readuntil(b"\r\n\r\n")
            assert server.counters["connections_idle"] == 1

    run(act)


def test_who_sends_too_much_is_slowed_down_or_not_heard() -> None:
    async def act() -> None:
        async with serving(Limits(messages_per_s=50)) as server, datagrams() as sock:
            tcp = await server.listen_tcp("::1", 0)
            async with connected(tcp, "::1") as (_, writer):
                began = asyncio.get_running_loop().time()
                writer.write(OPTIONS * 100)
                await until(lambda: len(server.came) == 100)
                writer.write(OPTIONS)
                await until(lambda: len(server.came) == 101)
                assert asyncio.get_running_loop().time() - began > 0.9  # 50 at once, and 50 in a second
            udp = await server.listen_udp("127.0.0.1", 0)
            for _ in range(100):
                sock.sendto(OPTIONS, ("127.0.0.1", udp))
            await until(lambda: len(server.came) + server.counters["messages_too_many"] == 201)
            assert server.counters["messages_too_many"] > 0

    run(act)


def test_a_way_to_a_peer_over_udp_needs_a_socket_of_its_family() -> None:
    async def act() -> None:
        async with serving() as server, datagrams() as sock:
            await server.listen_udp("127.0.0.1", 0)
            server.link("UDP", *sock.getsockname()).send(OPTIONS)
            assert await asyncio.get_running_loop().sock_recv(sock, 65536) == OPTIONS
            with pytest.raises(OSError, match="can reach"):
                server.link("UDP", "::1", 5060)

    run(act)


def test_a_port_in_use_is_said_to_be_so() -> None:
    async def act() -> None:
        async with serving() as server, datagrams() as sock:
            with pytest.raises(OSError, match="in use"):
                await server.listen_udp("127.0.0.1", sock.getsockname()[1])

    run(act)


def test_the_source_is_noted_in_the_first_via_and_nothing_else_changes() -> None:
    peer = Peer("UDP", "2001:db8::7", 40000)
    two = make_request("OPTIONS", "Via: SIP/2.0/UDP p2", branch="z9hG4bK-1, SIP/2.0/UDP p1;x=1,")
    noted = note_source(two, peer)
    assert noted.headers.all("Via") == [
        "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-1;received=2001:db8::7, SIP/2.0/UDP p1;x=1, ",
        "SIP/2.0/UDP p2",
    ]
    assert noted.headers.without("Via") == two.headers.without("Via")
    assert note_source(two, Peer("UDP", "192.0.2.1", 40000)) is two
    without = replace(two, headers=Headers([("Via", ",\t,")]))
    assert note_source(without, peer) is without


def test_our_address_is_the_one_that_a_peer_sees() -> None:
    assert find_local_host("127.0.0.1") == "127.0.0.1"
    assert find_local_host("::1") == "::1"
