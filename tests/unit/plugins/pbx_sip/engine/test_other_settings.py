"""A device that is given other settings while calls go on captures them all the same."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hub.sdk import HealthState
from hub.testing import FakeContext
from plugins.pbx_sip.mirror.plugin import SipMirror
from plugins.pbx_sip.mirror.settings import MirrorSettings
from plugins.pbx_sip.recorder.plugin import SipRecorder
from tests.doubles.recording_client import RecordingClient
from tests.doubles.talk import Phone, Talk
from tests.unit.plugins.pbx_sip.engine.live_devices import (
    SIP,
    mirror,
    own_network,
    recorder,
    running,
    sound,
    tones,
    until,
    workers,
)

__all__ = ["own_network"]
pytestmark = pytest.mark.usefixtures("own_network")
LOSS_S = 1.0
OTHER_PORTS = {"rtp_first": 26_000, "rtp_last": 26_200}
ALL = {"address": "0.0.0.0"}
ELSEWHERE = {"address": "127.0.0.9"}
RING = {"media_interface": "lo"}


@asynccontextmanager
async def followed(device: SipMirror | SipRecorder, ctx: FakeContext) -> AsyncIterator[None]:
    """A device at work whose process ends as when other settings are saved: its workers go on."""
    task = asyncio.create_task(device.run())
    try:
        spares = device.settings.workers
        await until(lambda: ctx.health and ctx.health[-1].numbers.get("spare_workers") == spares, "the spare workers")
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def add_interface(name: str) -> None:
    subprocess.run(["ip", "link", "add", name, "type", "veth", "peer", "name", f"{name}p"], check=True)
    subprocess.run(["ip", "link", "set", name, "up"], check=True)


def samples_heard(ctx: FakeContext, folder: Path) -> float:
    samples = sound(ctx, folder)
    assert tones(samples) == [440, 620]
    return float(np.count_nonzero(samples, axis=0).min() / 8000)


@pytest.mark.parametrize(
    ("before", "after", "loss_s"),
    [
        ({}, OTHER_PORTS, 0.1),
        ({}, ALL, LOSS_S),
        ({}, ELSEWHERE, LOSS_S),
        ({}, ELSEWHERE | OTHER_PORTS, LOSS_S),
        ({}, RING, LOSS_S),
        (RING, {}, LOSS_S),
        (RING, RING | OTHER_PORTS, LOSS_S),
        (RING | {"workers": 2}, RING | OTHER_PORTS, LOSS_S),
        (RING, RING | {"workers": 2}, LOSS_S),
    ],
)
def test_a_session_is_captured_while_its_recorder_is_given_other_settings(
    tmp_path: Path, before: dict[str, Any], after: dict[str, Any], loss_s: float
) -> None:
    async def run() -> float:
        device, ctx = recorder(tmp_path, **before)
        again, _ = recorder(tmp_path, **after)
        again.ctx = ctx
        with RecordingClient(("127.0.0.1", SIP)) as client:
            async with followed(device, ctx):
                await client.begin()
                humming = asyncio.create_task(client.hum(9.0))
                await asyncio.sleep(2.0)
            async with running(again, ctx):
                await until(lambda: client.call_id in ctx.live, "the call of before")
                await humming
                assert (await client.end()).startswith("SIP/2.0 200")
                await until(lambda: ctx.submitted, "the recording")
        assert "port.taken" not in ctx.alarms
        return samples_heard(ctx, tmp_path)

    assert asyncio.run(run()) > 9.0 * 0.97 - loss_s


def test_a_mirrored_call_is_captured_while_its_mirror_looks_for_other_packets(tmp_path: Path) -> None:
    async def run() -> float:
        device, ctx = mirror(tmp_path)
        again = SipMirror(MirrorSettings(interface="lo", expression="udp"), ctx)
        with Talk(Phone("127.0.0.2", "201"), Phone("127.0.0.3", "305")) as talk:
            async with followed(device, ctx):
                talk.begin()
                await until(lambda: talk.call_id in ctx.live, "the live call")
                humming = asyncio.create_task(talk.hum(8.0))
                await asyncio.sleep(2.0)
            async with running(again, ctx):
                await until(lambda: talk.call_id in ctx.live, "the call of before")
                await humming
                talk.end()
                await until(lambda: ctx.submitted, "the recording")
        return samples_heard(ctx, tmp_path)

    assert asyncio.run(run()) > 8.0 * 0.97 - LOSS_S


def test_what_a_worker_leaves_that_there_is_no_use_for_any_more_is_removed(tmp_path: Path) -> None:
    async def run() -> None:
        device, ctx = recorder(tmp_path, **RING, workers=2)
        async with running(device, ctx):
            await until(lambda: ctx.health[-1].numbers.get("spare_workers") == 2, "the spare workers")
        await until(lambda: not [*ctx.scratch.glob("engine/worker-*/worker.sock")], "the end of the workers")
        again, ctx = recorder(tmp_path, **RING)
        async with running(again, ctx):
            assert [each.name for each in ctx.scratch.glob("engine/worker-*")] == ["worker-0"]

    asyncio.run(run())


def test_a_worker_too_many_ends_when_the_calls_are_over_of_which_it_has_media(tmp_path: Path) -> None:
    async def run() -> None:
        device, ctx = recorder(tmp_path, **RING, workers=2)
        again, _ = recorder(tmp_path, **RING)
        again.ctx = ctx
        with RecordingClient(("127.0.0.1", SIP)) as client, RecordingClient(("127.0.0.1", SIP)) as late:
            async with followed(device, ctx):
                await client.begin()
                humming = asyncio.create_task(client.hum(4.0))
                await asyncio.sleep(2.0)
            async with running(again, ctx):
                await until(lambda: client.call_id in ctx.live, "the call of before")
                await humming
                assert len(workers(tmp_path)) == 2
                assert (await client.end()).startswith("SIP/2.0 200")
                await until(lambda: ctx.submitted, "the recording")
                await until(lambda: len(workers(tmp_path)) == 1, "the end of the other worker")
                await until(lambda: ctx.health[-1].numbers["spare_workers"] == 1, "the end of its spare")
                assert ctx.health[-1].state is HealthState.OK
                assert not ctx.alarms
                assert (await late.begin()).startswith("SIP/2.0 200")
                await late.hum(1.0)
                await late.end()
                await until(lambda: len(ctx.submitted) == 2, "the recording of the next call")

    asyncio.run(run())


@pytest.mark.parametrize("workers_wanted", [1, 2])
def test_sessions_come_through_sockets_while_the_interface_for_media_is_not_there(
    tmp_path: Path, workers_wanted: int
) -> None:
    async def run() -> None:
        device, ctx = recorder(tmp_path, media_interface="eth9", workers=workers_wanted)
        task = asyncio.create_task(device.run())
        await until(lambda: ctx.health and ctx.health[-1].state is HealthState.DEGRADED, "the device")
        assert "there is no interface 'eth9'" in ctx.health[-1].summary
        assert "Ordinary sockets serve" in ctx.health[-1].summary
        with RecordingClient(("127.0.0.1", SIP)) as client:
            assert (await client.begin()).startswith("SIP/2.0 200")
            await client.hum(2.0)
            await client.end()
        await until(lambda: ctx.submitted, "the recording")
        assert samples_heard(ctx, tmp_path) > 1.8
        assert "port.taken" not in ctx.alarms
        add_interface("eth9")
        await until(lambda: ctx.health[-1].state is HealthState.OK, "the interface")
        assert "ring on eth9" in ctx.health[-1].summary
        device._at_work().engine.stop_workers()
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(run())


def test_why_a_worker_cannot_begin_is_told_in_its_own_words(tmp_path: Path) -> None:
    async def run() -> None:
        _, ctx = mirror(tmp_path)
        unchecked = MirrorSettings(interface="lo").model_copy(update={"expression": "udp or vlan"})
        task = asyncio.create_task(SipMirror(unchecked, ctx).run())
        try:
            await until(lambda: ctx.health and "VLAN tags" in ctx.health[-1].summary, "the reason")
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    asyncio.run(run())
