"""A device that is switched off: its clients are told, its recordings made, and nothing is captured afterwards."""

import asyncio
import time
from contextlib import suppress
from pathlib import Path

import pytest

from hub.sdk import CallControl, NotFound
from tests.doubles.talk import Phone, Talk
from tests.unit.plugins.pbx_sip.engine.live_devices import (
    mirror,
    own_network,
    recorder,
    sound,
    tones,
    until,
    workers,
)
from tests.unit.plugins.pbx_sip.engine.test_silences import AnsweringClient, answering

__all__ = ["own_network"]
pytestmark = pytest.mark.usefixtures("own_network")
STOP_S = 10.0


def test_a_recorder_that_is_switched_off_says_bye_and_hands_its_calls_over(tmp_path: Path) -> None:
    async def act() -> None:
        device, ctx = recorder(tmp_path)
        task = asyncio.create_task(device.run())
        await until(lambda: ctx.health and ctx.health[-1].state == "ok", "the device")
        with AnsweringClient(200) as client, AnsweringClient(200) as late:
            await client.begin()
            await client.hum(2.0)
            async with answering(client):
                humming = asyncio.create_task(client.hum(20.0, 1000.0, 1200.0))
                began_s = time.monotonic()
                winding = asyncio.create_task(device.wind_up())
                await until(lambda: "BYE" in client.asked, "the BYE")
                assert (await late.begin()).startswith("SIP/2.0 503")
                await winding
                assert time.monotonic() - began_s < STOP_S
                await until(lambda: not workers(tmp_path), "the end of the workers")
                humming.cancel()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert ctx.live == {}
        samples = sound(ctx, tmp_path)
        assert tones(samples) == [440, 620]
        assert abs(len(samples) / 8000 - 2.0) < 0.5

    asyncio.run(act())


def test_a_mirror_that_is_switched_off_hands_over_what_it_has_and_reads_no_more(tmp_path: Path) -> None:
    async def act() -> None:
        device, ctx = mirror(tmp_path)
        task = asyncio.create_task(device.run())
        await until(lambda: ctx.health and ctx.health[-1].state == "ok", "the device")
        with Talk(Phone("127.0.0.2", "201"), Phone("127.0.0.3", "305")) as talk:
            talk.begin()
            await until(lambda: talk.call_id in ctx.live, "the live call")
            await talk.hum(2.0)
            winding = asyncio.create_task(device.wind_up())
            await talk.hum(2.0, 1000.0, 1200.0)
            await winding
            await until(lambda: not workers(tmp_path), "the end of the workers")
            with pytest.raises(NotFound):
                await device.control(talk.call_id, CallControl.PAUSE)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        samples = sound(ctx, tmp_path)
        assert tones(samples) == [440, 620]
        assert abs(len(samples) / 8000 - 2.0) < 0.5

    asyncio.run(act())
