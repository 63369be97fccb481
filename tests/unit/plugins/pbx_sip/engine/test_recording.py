"""Real calls over real sockets, seen by a mirror and sent to a recorder, in a network of the test's own."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from hub.sdk import Absence, CallControl, EventKind, HealthState, LiveState, NotFound, Recorded, Verdict
from hub.testing import FakeContext
from plugins.pbx_sip.mirror.plugin import SipMirror
from plugins.pbx_sip.mirror.settings import MirrorSettings
from plugins.pbx_sip.recorder.plugin import SipRecorder
from plugins.pbx_sip.recorder.settings import RecorderSettings
from tests.doubles.network import network_pair
from tests.doubles.recording_client import RecordingClient
from tests.doubles.talk import Phone, Talk

SIP = 5066
WITHIN_S = 60.0
pytestmark = pytest.mark.xdist_group("engine")


@pytest.fixture
def own_network() -> Iterator[None]:
    """A loopback that nobody else uses."""
    with network_pair() as pair, pair.at_lan():
        yield


async def until(condition: Any, what: str) -> Any:
    """The first true value of a condition."""
    with suppress(TimeoutError):
        async with asyncio.timeout(WITHIN_S):
            while not (value := condition()):  # noqa: ASYNC110 - the condition is of other processes
                await asyncio.sleep(0.02)
            return value
    raise AssertionError(f"{what}: not within {WITHIN_S} s")


@asynccontextmanager
async def running(device: SipMirror | SipRecorder, ctx: FakeContext) -> AsyncIterator[None]:
    """A device at work; its workers end with it."""
    ctx.health.clear()
    ctx.live.clear()
    task = asyncio.create_task(device.run())
    try:
        await until(lambda: task.done() or (ctx.health and ctx.health[-1].state is HealthState.OK), "the device")
        if task.done():
            task.result()
        yield
    finally:
        engine = device._at_work().engine
        engine.stop_workers()
        await asyncio.sleep(0.1)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def mirror(folder: Path) -> tuple[SipMirror, FakeContext]:
    ctx = FakeContext(folder)
    return SipMirror(MirrorSettings(interface="lo"), ctx), ctx


def recorder(folder: Path, **more: Any) -> tuple[SipRecorder, FakeContext]:
    ctx = FakeContext(folder)
    settings = {"address": "127.0.0.1", "ports": (str(SIP),), "allowed_peers": ("127.0.0.0/8",), "rtp_first": 20_000}
    return SipRecorder(RecorderSettings(**settings | {"rtp_last": 20_400} | more), ctx), ctx


def sound(ctx: FakeContext, folder: Path) -> np.ndarray:
    """The samples of the only recording, shape (length, channels)."""
    [(content,)] = ctx.media.values()
    path = folder / "heard.wav"
    path.write_bytes(content)
    with av.open(str(path)) as opened:
        frames = [frame.to_ndarray() for frame in opened.decode(audio=0)]
    return np.concatenate([frame.reshape(-1, 2) if frame.shape[0] == 1 else frame.T for frame in frames])


def tones(samples: np.ndarray) -> list[int]:
    return [round(np.abs(np.fft.rfft(channel)).argmax() * 8000 / len(channel)) for channel in samples.T.astype(float)]


@pytest.mark.usefixtures("own_network")
def test_a_mirrored_call_has_each_party_in_its_channel_and_nothing_of_a_pause(tmp_path: Path) -> None:
    async def run() -> None:
        device, ctx = mirror(tmp_path)
        async with running(device, ctx):
            with Talk(Phone("127.0.0.2", "201"), Phone("127.0.0.3", "305")) as talk:
                talk.begin()
                live = (await until(lambda: list(ctx.live.values()), "the live call"))[0]
                assert ([party.number for party in live.parties], live.state) == (["201", "305"], LiveState.RECORDING)
                await talk.hum(1.0)
                assert (await device.control(talk.call_id, CallControl.PAUSE)).done
                await talk.hum(1.0, 1000.0, 1000.0)
                assert ctx.live[live.id].state is LiveState.PAUSED
                await device.control(talk.call_id, CallControl.RESUME)
                await talk.hum(1.0)
                talk.end()
            await until(lambda: ctx.submitted, "the recording")
        samples = sound(ctx, tmp_path)
        assert tones(samples) == [440, 620]
        assert abs(len(samples) / 8000 - 3.0) < 0.3
        spectrum = np.abs(np.fft.rfft(samples[:, 0].astype(float)))
        at_hz = round(1000 * len(samples) / 8000)
        assert spectrum[at_hz - 3 : at_hz + 4].max() < spectrum.max() / 50
        [draft] = ctx.submitted.values()
        [pause] = [event for event in draft.events if event.kind is EventKind.PAUSE]
        assert abs(pause.until_s - pause.at_s - 1.0) < 0.3
        assert ctx.live == {}

    asyncio.run(run())


@pytest.mark.usefixtures("own_network")
@pytest.mark.parametrize("interface", ["", "lo"])
def test_a_session_is_recorded_over_ordinary_sockets_and_over_a_ring(tmp_path: Path, interface: str) -> None:
    async def run() -> None:
        device, ctx = recorder(tmp_path, media_interface=interface)
        async with running(device, ctx):
            with RecordingClient(("127.0.0.1", SIP)) as client:
                assert (await client.begin()).startswith("SIP/2.0 200")
                await client.hum(2.0, 440.0, 620.0)
                await client.end()
            await until(lambda: ctx.submitted, "the recording")
        samples = sound(ctx, tmp_path)
        assert tones(samples) == [440, 620]
        assert abs(len(samples) / 8000 - 2.0) < 0.02
        [draft] = ctx.submitted.values()
        assert {party.number: party.channel for party in draft.parties} == {"201": 0, "4930123456": 1}

    asyncio.run(run())


@pytest.mark.usefixtures("own_network")
def test_a_live_call_can_be_heard_each_stream_on_its_side(tmp_path: Path) -> None:
    async def run() -> None:
        device, ctx = recorder(tmp_path)
        async with running(device, ctx):
            with RecordingClient(("127.0.0.1", SIP)) as client:
                await client.begin()
                await until(lambda: client.call_id in ctx.live, "the live call")
                humming = asyncio.create_task(client.hum(4.0, 440.0, 620.0))
                heard = b""
                async for block in device.listen(client.call_id):
                    heard += block
                    if len(heard) >= 2 * 4 * 8000:
                        break
                await humming
                await client.end()
            await until(lambda: ctx.submitted, "the recording")
            with pytest.raises(NotFound):
                await anext(device.listen(client.call_id))
        samples = np.frombuffer(heard, "<i2").reshape(-1, 2)[8000:]
        assert tones(samples) == [440, 620]

    asyncio.run(run())


@pytest.mark.usefixtures("own_network")
def test_nothing_is_kept_of_a_call_that_a_rule_leaves_out_but_that_it_was(tmp_path: Path) -> None:
    async def run() -> None:
        device, ctx = recorder(tmp_path)
        ctx.rules = lambda call: Verdict(recorded=Recorded.NO, rule="Works council")
        async with running(device, ctx):
            with RecordingClient(("127.0.0.1", SIP)) as client:
                await client.begin()
                await until(lambda: client.call_id in ctx.live, "the live call")
                assert ctx.live[client.call_id].state is LiveState.LEFT_OUT
                await client.hum(1.5)
                await client.end()
            [absence] = (await until(lambda: ctx.absences, "the account of it")).values()
            kept = await until(lambda: ctx.health[-1].numbers.get("packets_received", 0) >= 100, "the count") and 0
            assert ctx.health[-1].numbers["packets_kept"] == kept
        assert (absence.why, absence.rule, ctx.submitted) == (Absence.LEFT_OUT, "Works council", {})

    asyncio.run(run())


@pytest.mark.usefixtures("own_network")
def test_a_call_without_media_is_accounted_for_as_missing(tmp_path: Path) -> None:
    async def run() -> None:
        device, ctx = recorder(tmp_path)
        async with running(device, ctx):
            with RecordingClient(("127.0.0.1", SIP)) as client:
                await client.begin()
                await client.end()
            [absence] = (await until(lambda: ctx.absences, "the account of it")).values()
        assert (absence.why, absence.is_missing) == (Absence.NO_MEDIA, True)
        assert [party.number for party in absence.parties] == ["201", "4930123456"]

    asyncio.run(run())


@pytest.mark.usefixtures("own_network")
def test_an_unknown_client_is_refused_and_raises_an_alarm(tmp_path: Path) -> None:
    async def run() -> None:
        device, ctx = recorder(tmp_path, allowed_peers=("192.0.2.0/24",))
        async with running(device, ctx):
            with RecordingClient(("127.0.0.1", SIP)) as client:
                assert (await client.begin()).startswith("SIP/2.0 403")
            alarm = await until(lambda: ctx.alarms.get("client.127.0.0.1"), "the alarm")
        assert alarm.code == "CLIENT_REFUSED"

    asyncio.run(run())


@pytest.mark.usefixtures("own_network")
def test_a_call_goes_on_when_the_worker_dies_and_when_the_control_does(tmp_path: Path) -> None:
    async def run() -> None:
        device, ctx = recorder(tmp_path)
        with RecordingClient(("127.0.0.1", SIP)) as client:
            async with running(device, ctx):
                await client.begin()
                await until(lambda: ctx.health[-1].numbers["spare_workers"], "the spare worker")
                await client.hum(2.0)
                [worker] = workers(tmp_path)
                os.kill(worker, signal.SIGKILL)
                await client.hum(3.0)
                await until(device._at_work().engine.foremen[0].ready.is_set, "the worker")
            # The control ends; its workers were told to end too, as on a machine that stops.
            again = SipRecorder(device.settings, ctx)
            async with running(again, ctx):
                await until(lambda: client.call_id in ctx.live, "the call of before")
                await client.hum(2.0)
                assert (await client.end()).startswith("SIP/2.0 200")
                await until(lambda: ctx.submitted, "the recording")
        samples = sound(ctx, tmp_path)
        assert tones(samples) == [440, 620]
        assert np.count_nonzero(samples[:, 0]) / 8000 > 4.0

    asyncio.run(run())


def workers(folder: Path) -> list[int]:
    """The workers of a device, without the spares that wait for their death."""
    listed = subprocess.run(["ps", "-ww", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    words = [line.split(maxsplit=2) for line in listed.splitlines()]
    named = {int(row[0]): int(row[1]) for row in words if "engine.worker" in row[2] and str(folder) in row[2]}
    return [pid for pid in named if pid in named.values()]


@pytest.mark.usefixtures("own_network")
def test_a_mirror_hears_on_when_its_worker_has_died(tmp_path: Path) -> None:
    async def run() -> None:
        device, ctx = mirror(tmp_path)
        async with running(device, ctx):
            for number in ("305", "306"):
                with Talk(Phone("127.0.0.2", "201"), Phone("127.0.0.3", number)) as talk:
                    talk.begin()
                    await until(lambda talk=talk: talk.call_id in ctx.live, "the live call")
                    await talk.hum(1.0)
                    talk.end()
                await until(lambda number=number: number in {draft.target for draft in ctx.submitted.values()}, "it")
                foreman = device._at_work().engine.foremen[0]
                [worker] = workers(tmp_path)
                os.kill(worker, signal.SIGKILL)
                await until(lambda foreman=foreman: not foreman.ready.is_set(), "the death")
                await until(foreman.ready.is_set, "the next worker")

    asyncio.run(run())
