"""Recording sessions over each transport, by a SIP stack that others made and by messages of real telephone systems."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from hub.sdk import SettingsError
from plugins.pbx_sip.recorder.terms import AllowList, ListenAt
from plugins.pbx_sip.sdp.description import Direction
from plugins.pbx_sip.sip.message import Request, read_message, write_message
from plugins.pbx_sip.sip.uri import write_host
from tests.doubles.shared_data import shared
from tests.doubles.source_context import until
from tests.unit.plugins.pbx_sip.recorder.recorder_doubles import (
    TWO,
    Owner,
    calling,
    described,
    make_terms,
    own_ports,
    run,
    sdp,
    serving,
)
from tests.unit.plugins.pbx_sip.recorder.sipp import call_by_sipp
from tests.unit.plugins.pbx_sip.sip.certificates import make_contexts


@asynccontextmanager
async def tunnel(port: int, tls: ssl.SSLContext) -> AsyncIterator[int]:
    """A local TCP port whose connections go on to another over TLS, for a client that has none."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("transport", "mode", "host"),
    [("udp", "u1", "127.0.0.1"), ("tcp", "tn", "127.0.0.1"), ("udp", "u1", "::1"), ("tcp", "t1", "::1")],
)
def test_sessions_of_another_stack_are_taken_changed_and_ended(
    transport: str, mode: str, host: str, tmp_path: Path
) -> None:
    async def act() -> None:
        owner = Owner()
        listen = (ListenAt(transport=transport, address=host, port=0),)  # type: ignore[arg-type]
        terms = make_terms(listen=listen, ports=own_ports(40000, 41999))
        async with serving(owner, terms) as server:
            await call_by_sipp(tmp_path, server.ports[0], mode, host, calls=20, calls_per_s=100)
            assert (len(server), owner.lines, owner.errors, owner.refusals) == (0, {}, [], [])
            assert owner.told.count("<INVITE") == owner.told.count(">200 INVITE") == 60
            assert owner.told.count(">200 BYE") == owner.told.count("<UPDATE") == 20
            assert owner.told.count("open 0") == 60  # opened, held and resumed

    run(act)


def test_sessions_of_another_stack_come_over_tls(tmp_path: Path) -> None:
    server_tls, client_tls = make_contexts(tmp_path, "SBC.example.com")

    async def act() -> None:
        owner = Owner()
        listen = (ListenAt(transport="tls", address="127.0.0.1", port=0),)
        terms = make_terms(
            listen=listen,
            tls_server=server_tls,
            allowed=AllowList(names=frozenset({"sbc.example.com"})),
            ports=own_ports(40000, 41999),
        )
        async with serving(owner, terms) as server, tunnel(server.ports[0], client_tls) as port:
            await call_by_sipp(tmp_path, port, "tn", "127.0.0.1", calls=5, calls_per_s=50)
            assert owner.told.count(">200 BYE") == 5
            assert {message.peer.names for message in owner.messages} == {("sbc.example.com",)}
            assert b";transport=tls>;+sip.srs" in owner.messages[1].content

    run(act)


@pytest.mark.parametrize(
    ("transport", "host"),
    [("UDP", "127.0.0.1"), ("TCP", "127.0.0.1"), ("UDP", "::1"), ("TCP", "::1"), ("TLS", "127.0.0.1")],
)
def test_the_recorder_finds_its_client_again_over_every_transport(transport: str, host: str, tmp_path: Path) -> None:
    server_tls, client_tls = make_contexts(tmp_path, "SBC.example.com")

    async def act() -> None:
        owner = Owner()
        listen = (ListenAt(transport=transport.lower(), address=host, port=0),)  # type: ignore[arg-type]
        terms = make_terms(listen=listen, tls_server=server_tls)
        async with (
            serving(owner, terms) as server,
            calling(server.ports[0], transport, host, client_tls) as caller,
        ):
            answer = await caller.invite(sdp("sendonly", "sendonly", host=host))
            shown = write_host(host)
            assert f"<sip:{shown}:{server.ports[0]}" in (answer.headers.get("Contact") or "")
            assert described(answer).address == host
            assert await server.set_paused(caller.call_id, True)
            await server.end(caller.call_id)
            await until(lambda: owner.told[-1] == "<200 BYE")
            assert {message.peer.transport for message in owner.messages} == {transport}

    run(act)


def test_the_address_that_is_advertised_is_the_one_of_the_clients_family() -> None:
    async def act() -> None:
        listen = (
            ListenAt(transport="udp", address="0.0.0.0", port=0),
            ListenAt(transport="udp", address="::", port=0),
            ListenAt(transport="tcp", address="127.0.0.1", port=0),
        )
        terms = make_terms(listen=listen, advertised_ipv6="2001:db8::5")
        async with serving(Owner(), terms) as server:
            async with calling(server.ports[0]) as caller:
                assert described(await caller.invite(TWO)).address == "127.0.0.1"
                six = await caller.anew().invite(sdp("sendonly", host="2001:db8::9"))
                assert described(six).address == "2001:db8::5"
            async with calling(server.ports[1], host="::1") as caller:
                answer = await caller.invite(sdp("sendonly", host="::1"))
                assert f"<sip:[2001:db8::5]:{server.ports[1]}>" in (answer.headers.get("Contact") or "")

    run(act)


def test_a_place_that_cannot_be_had_is_named() -> None:
    async def act() -> None:
        async with serving(Owner()) as server:
            [port] = server.ports
            taken = (ListenAt(transport="tcp", address="127.0.0.1", port=0), ListenAt(address="127.0.0.1", port=port))
            with pytest.raises(SettingsError, match=rf"UDP port {port} of 127\.0\.0\.1: .*in use"):
                async with serving(Owner(), make_terms(listen=taken)):
                    pass
            with pytest.raises(SettingsError, match="no certificate"):
                async with serving(Owner(), make_terms(listen=(ListenAt(transport="tls", port=0),))):
                    pass

    run(act)


_FILLED = {"remote_ip": "127.0.0.1", "local_ip": "127.0.0.1", "transport": "UDP", "auto_media_port": "6000"}
_BODIES = (
    "acme-siprec-offer",
    "broadworks-offer",
    "broadworks-offer-2",
    "connectel-offer",
    "inactive-sdp-offer",
    "non-siprec-payload",
)


def scenarios() -> dict[str, list[tuple[str, bytes, str]]]:
    """Scenario -> method, body and Content-Type of each of its messages, in order."""
    found: dict[str, list[tuple[str, bytes, str]]] = {}
    folder = shared("siprec")
    for path in sorted(folder.glob("*.msg")):
        text = path.read_text()
        for name, value in _FILLED.items():
            text = text.replace(f"[{name}]", value)
        text = text.replace("[auto_media_port+2]", "6002")
        text = re.sub(r"\[[\w+]+[^\]\n]*\]", "1", text.partition("\n\n")[0]) + "\n\n" + text.partition("\n\n")[2]
        message = read_message(re.sub(r"(?im)^content-length:.*\n", "", text).encode())
        assert isinstance(message, Request)
        name = path.stem.partition("__")[0]
        found.setdefault(name, []).append((message.method, message.body, message.headers.get("Content-Type") or ""))
    for name in _BODIES:
        body = (folder / f"drachtio__{name}.txt").read_bytes()
        boundary = re.search(rb"^\s*--(\S+)", body)
        kind = f"multipart/mixed;boundary={boundary.group(1).decode()}" if boundary else "application/sdp"
        found[name] = [("INVITE", body.lstrip(), kind)]
    samples = (folder / "drachtio__sample-sdps.txt").read_text()
    for number, each in enumerate(part for part in re.split(r"(?m)^(?=v=0)", samples) if part.strip()):
        found[f"sample {number}"] = [("INVITE", each.encode(), "application/sdp")]
    return found


def test_sessions_of_real_telephone_systems_are_all_taken() -> None:
    async def act() -> None:
        owner = Owner()
        listen = (ListenAt(transport="tcp", address="127.0.0.1", port=0),)
        terms = make_terms(listen=listen, ports=own_ports(40000, 41999))
        async with serving(owner, terms) as server, calling(server.ports[0], "TCP") as caller:
            for name, messages in scenarios().items():
                caller.anew().call_id = name.replace(" ", "-")
                for method, body, kind in messages:
                    answer = await caller.send(method, f"Content-Type: {kind}", body=body)
                    assert answer.status == 200, (name, method, answer.headers.get("Warning"))
                    caller.to_tag = answer.to.tag
                    if method == "INVITE":
                        caller.link.send(write_message(caller.make("ACK")))
                        assert described(answer).media, name
                        known = {Direction.RECVONLY, Direction.INACTIVE}
                        assert {media.direction for media in described(answer).media if media.port} <= known
                assert (await caller.send("BYE")).status == 200
            assert (owner.lines, owner.errors, owner.refusals) == ({}, [], [])

    run(act)
