"""A mirror that sees traffic and understands none of it says so, and why."""

import asyncio
import socket
from pathlib import Path

import pytest

from hub.sdk import HealthState
from tests.unit.plugins.pbx_sip.engine.live_devices import mirror, own_network, running, until
from tests.unit.plugins.pbx_sip.packets import frames as f

__all__ = ["own_network"]
pytestmark = pytest.mark.usefixtures("own_network")


def test_a_mirror_of_traffic_in_headers_that_nobody_knows_says_so(tmp_path: Path) -> None:
    async def run() -> None:
        device, ctx = mirror(tmp_path)
        async with running(device, ctx):
            with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
                wire.bind(("lo", 0))
                for _ in range(600):
                    wire.send(f.ethernet(b"\0" * 40, 0x894F))
            await until(lambda: ctx.health[-1].state is HealthState.DEGRADED, "the trouble")
            assert "0x894f (NSH)" in ctx.health[-1].summary

    asyncio.run(run())
