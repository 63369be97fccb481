"""Clients that never get as far as a call: TLS that cannot be agreed on, and OPTIONS of strangers."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from hub.testing import FakeContext
from plugins.pbx_sip.recorder.recorder import Recorder
from plugins.pbx_sip.recorder.settings import RecorderSettings
from plugins.pbx_sip.recorder.terms import ListenAt
from plugins.pbx_sip.sip.errors import BadRequest
from plugins.pbx_sip.sip.link import Peer
from plugins.pbx_sip.sip.message import Request, read_message
from plugins.pbx_sip.sip.tls_port import describe_failure
from tests.doubles.source_context import until
from tests.unit.plugins.pbx_sip.recorder.recorder_doubles import TWO, Owner, calling, make_terms, run, serving
from tests.unit.plugins.pbx_sip.sip.certificates import make_contexts


def serving_tls(folder: Path, act: Callable[[Owner, int], Awaitable[None]]) -> Owner:
    """An owner whose server wants certificates."""
    server_tls, _ = make_contexts(folder, "SBC.example.com")
    owner = Owner()

    async def begin() -> None:
        terms = make_terms(listen=(ListenAt(transport="tls", address="127.0.0.1", port=0),), tls_server=server_tls)
        async with serving(owner, terms) as server:
            await act(owner, server.ports[0])

    run(begin)
    return owner


async def shake_hands(port: int, tls: ssl.SSLContext) -> None:
    """Connect, and wait for what the server makes of it."""
    with suppress(OSError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        await reader.read(1)
        writer.close()


def anybody() -> ssl.SSLContext:
    """A client that trusts everybody and shows nothing."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_NONE
    return tls


def test_a_client_without_a_certificate_is_told_of_once(tmp_path: Path) -> None:
    async def act(owner: Owner, port: int) -> None:
        for _ in range(3):
            await shake_hands(port, anybody())
        await until(lambda: owner.refusals)

    assert serving_tls(tmp_path, act).refusals == [("127.0.0.1", "it shows no certificate")]


def test_a_client_with_a_certificate_of_a_strange_authority_is_told_of_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    make_contexts(tmp_path / "other", "other.example.com")
    strange = anybody()
    strange.load_cert_chain(tmp_path / "other" / "own.pem")

    async def act(owner: Owner, port: int) -> None:
        await shake_hands(port, strange)
        await until(lambda: owner.refusals)

    [(host, why)] = serving_tls(tmp_path, act).refusals
    assert (host, why.partition(":")[0]) == ("127.0.0.1", "its certificate is not accepted")


def test_a_client_that_does_not_accept_the_recorders_certificate_is_told_of(tmp_path: Path) -> None:
    async def act(owner: Owner, port: int) -> None:
        def refuse() -> None:
            """As a client does that says why."""
            with socket.create_connection(("127.0.0.1", port)) as line, suppress(ssl.SSLError):
                ssl.create_default_context().wrap_socket(line, server_hostname="127.0.0.1").close()

        await asyncio.to_thread(refuse)
        await until(lambda: owner.refusals)

    [(_, why)] = serving_tls(tmp_path, act).refusals
    assert why.startswith("it does not accept the recorder's certificate")


def test_who_speaks_no_tls_is_told_of_and_who_only_looks_is_not(tmp_path: Path) -> None:
    async def act(owner: Owner, port: int) -> None:
        socket.create_connection(("127.0.0.1", port)).close()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"OPTIONS sip:recorder SIP/2.0\r\n\r\n")
        await reader.read()
        writer.close()
        await until(lambda: owner.refusals)

    assert serving_tls(tmp_path, act).refusals == [("127.0.0.1", "it does not speak TLS")]


def test_good_clients_are_served_beside_those_that_never_finish_their_handshake(tmp_path: Path) -> None:
    server_tls, client_tls = make_contexts(tmp_path, "SBC.example.com")

    async def act() -> None:
        owner = Owner()
        terms = make_terms(listen=(ListenAt(transport="tls", address="127.0.0.1", port=0),), tls_server=server_tls)
        async with serving(owner, terms) as server:
            waiting = [socket.create_connection(("127.0.0.1", server.ports[0])) for _ in range(50)]
            async with calling(server.ports[0], "TLS", tls=client_tls) as caller:
                assert (await caller.invite(TWO)).status == 200
                assert (await caller.send("BYE")).status == 200
            for each in waiting:
                each.close()
            assert owner.refusals == []

    run(act)


def test_a_reason_that_is_not_known_is_told_as_it_is() -> None:
    error = ssl.SSLError(1, "[SSL: SOME_NEW_REASON] something (_ssl.c:1)")
    error.reason = "SOME_NEW_REASON"
    assert describe_failure(error) == "TLS could not be agreed on (some new reason)"


@pytest.mark.parametrize(("method", "status", "raised"), [("OPTIONS", 403, 1), ("OPTIONS", 503, 0), ("INVITE", 503, 1)])
def test_a_stranger_who_only_asks_raises_the_alarm_too(tmp_path: Path, method: str, status: int, raised: int) -> None:
    text = f"{method} sip:recorder@here SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9\r\nCSeq: 1 {method}\r\n\r\n"
    request = read_message(text.encode())
    assert isinstance(request, Request)
    ctx = FakeContext(tmp_path)
    recorder = Recorder(RecorderSettings(allowed_peers=("127.0.0.1",)), ctx)
    recorder.refused(Peer("UDP", "192.0.2.9", 5060), "why", BadRequest(status, "why", request))
    assert len(ctx.alarms) == raised


def test_a_failed_handshake_raises_an_alarm_that_names_address_and_reason(tmp_path: Path) -> None:
    ctx = FakeContext(tmp_path)
    Recorder(RecorderSettings(allowed_peers=("127.0.0.1",)), ctx).not_secured("192.0.2.9", "it shows no certificate")
    alarm = ctx.alarms["client.192.0.2.9"]
    assert (alarm.code, alarm.text) == ("CLIENT_REFUSED", "192.0.2.9 was refused: it shows no certificate")
    assert "Clients' authority" in alarm.hint
