"""Devices at work on a loopback of the test's own, and what is heard in their recordings."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from hub.sdk import HealthState
from hub.testing import FakeContext
from plugins.pbx_sip.mirror.plugin import SipMirror
from plugins.pbx_sip.mirror.settings import MirrorSettings
from plugins.pbx_sip.recorder.plugin import SipRecorder
from plugins.pbx_sip.recorder.settings import RecorderSettings
from tests.doubles.network import network_pair

SIP = 5066
WITHIN_S = 60.0


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
    return samples_of(content, folder)


def samples_of(content: bytes, folder: Path) -> np.ndarray:
    """The samples of a file, shape (length, channels)."""
    path = folder / "heard.wav"
    path.write_bytes(content)
    with av.open(str(path)) as opened:
        frames = [frame.to_ndarray() for frame in opened.decode(audio=0)]
    return np.concatenate([frame.reshape(-1, 2) if frame.shape[0] == 1 else frame.T for frame in frames])


def tones(samples: np.ndarray) -> list[int]:
    return [round(np.abs(np.fft.rfft(channel)).argmax() * 8000 / len(channel)) for channel in samples.T.astype(float)]


def workers(folder: Path) -> list[int]:
    """The workers of a device, without the spares that wait for their death."""
    listed = subprocess.run(["ps", "-ww", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    words = [line.split(maxsplit=2) for line in listed.splitlines()]
    named = {int(row[0]): int(row[1]) for row in words if "engine.worker" in row[2] and str(folder) in row[2]}
    return [pid for pid in named if pid in named.values()]
