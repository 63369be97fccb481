import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from hub.sdk import HealthState
from plugins.ipoffice.smdr.intake import Intake
from plugins.ipoffice.smdr.link import LinkSettings, SmdrLink
from plugins.ipoffice.smdr.peers import parse_peers
from plugins.ipoffice.status import Statuses
from tests.doubles.smdr import SmdrPbx
from tests.doubles.source_context import SourceContext, until
from tests.unit.plugins.ipoffice.smdr.test_intake import row

LOCAL = parse_peers(["127.0.0.1"])


def run(ctx: SourceContext, settings: LinkSettings, act: Callable[[SmdrLink, SmdrPbx], Awaitable[None]]) -> None:
    async def both() -> None:
        link = SmdrLink(ctx, settings, Intake(ctx, None), Statuses(ctx.report))
        pbx = SmdrPbx()
        task = asyncio.create_task(link.run())
        try:
            await act(link, pbx)
        finally:
            await pbx.stop()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(both())


def test_rows_that_the_pbx_sends_become_call_details(tmp_path: Path) -> None:
    ctx = SourceContext(tmp_path)

    async def act(link: SmdrLink, pbx: SmdrPbx) -> None:
        await until(lambda: link.port)
        await pbx.send(row(1), row(2))
        await pbx.connect(link.port)
        await pbx.send(row(3))
        await until(lambda: len(ctx.details) == 3)
        assert ctx.lamp.state is HealthState.OK

    run(ctx, LinkSettings("listen", "127.0.0.1", 0, LOCAL), act)


def test_a_connection_that_is_lost_raises_an_alarm_and_its_return_clears_it(tmp_path: Path) -> None:
    ctx = SourceContext(tmp_path)

    async def act(link: SmdrLink, pbx: SmdrPbx) -> None:
        await until(lambda: link.port)
        await pbx.connect(link.port)
        await pbx.send(row(1))
        await until(lambda: ctx.details)
        await pbx.drop()
        await until(lambda: ctx.alarms)
        assert ctx.alarms["smdr.lost"].code == "SMDR_LOST"
        assert ctx.lamp.state is HealthState.DEGRADED
        await pbx.send(row(2))
        await pbx.connect(link.port)
        await until(lambda: not ctx.alarms)
        await until(lambda: len(ctx.details) == 2)

    run(ctx, LinkSettings("listen", "127.0.0.1", 0, LOCAL, grace_s=0.3), act)


def test_a_short_interruption_raises_no_alarm(tmp_path: Path) -> None:
    ctx = SourceContext(tmp_path)

    async def act(link: SmdrLink, pbx: SmdrPbx) -> None:
        await until(lambda: link.port)
        for number in range(3):
            await pbx.connect(link.port)
            await pbx.send(row(number + 1))
            await until(lambda: len(ctx.details) > number)  # noqa: B023
            await pbx.drop()

    run(ctx, LinkSettings("listen", "127.0.0.1", 0, LOCAL, grace_s=5), act)
    assert not any(alarm for _, alarm in ctx.alarm_history)


def test_strangers_are_turned_away(tmp_path: Path) -> None:
    ctx = SourceContext(tmp_path)

    async def act(link: SmdrLink, pbx: SmdrPbx) -> None:
        await until(lambda: link.port)
        reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
        assert await reader.read() == b""
        writer.close()

    run(ctx, LinkSettings("listen", "127.0.0.1", 0, parse_peers(["10.0.0.1"])), act)
    assert not ctx.details
    assert "smdr.peer_refused" in ctx.log.events


def test_the_hub_connects_to_a_pbx_that_listens_and_comes_back_after_it_was_away(tmp_path: Path) -> None:
    ctx = SourceContext(tmp_path)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    async def act(link: SmdrLink, pbx: SmdrPbx) -> None:
        await until(lambda: "cannot be reached" in ctx.lamp.summary)
        await until(lambda: ctx.alarms)
        await pbx.send(row(1))
        await pbx.start(port)
        await until(lambda: ctx.details)
        assert not ctx.alarms
        await pbx.stop()
        await until(lambda: ctx.alarms)
        await pbx.start(port)
        await pbx.send(row(2))
        await until(lambda: len(ctx.details) == 2)

    run(ctx, LinkSettings("connect", "127.0.0.1", port, grace_s=0.3, backoff_s=0.1), act)


def test_a_port_in_use_is_waited_for(tmp_path: Path) -> None:
    ctx = SourceContext(tmp_path)
    blocker = socket.socket()
    blocker.bind(("127.0.0.1", 0))
    blocker.listen()

    async def act(link: SmdrLink, pbx: SmdrPbx) -> None:
        await until(lambda: ctx.health)
        assert "Free the port" in ctx.lamp.hint
        blocker.close()
        await until(lambda: link.port)
        await pbx.connect(link.port)

    port = blocker.getsockname()[1]
    run(ctx, LinkSettings("listen", "127.0.0.1", port, LOCAL, backoff_s=0.1), act)


def test_what_is_no_smdr_at_all_does_no_harm(tmp_path: Path) -> None:
    ctx = SourceContext(tmp_path)

    async def act(link: SmdrLink, pbx: SmdrPbx) -> None:
        await until(lambda: link.port)
        _, writer = await asyncio.open_connection("127.0.0.1", link.port)
        writer.write(b"\xff" * 300_000 + b"\n\0\0\0" + row(1).encode() + b"\r\n" + row(2).encode())
        await writer.drain()
        writer.close()
        await until(lambda: len(ctx.details) == 2)

    run(ctx, LinkSettings("listen", "127.0.0.1", 0, LOCAL), act)
