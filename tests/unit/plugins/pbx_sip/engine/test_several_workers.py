"""Several workers share the packets of one interface: every packet is kept once, and one that dies is followed."""

import asyncio
import os
import signal
from contextlib import ExitStack
from pathlib import Path

import av
import numpy as np
import pytest

from hub.testing import FakeContext
from plugins.pbx_sip.mirror.plugin import SipMirror
from plugins.pbx_sip.mirror.settings import MirrorSettings
from plugins.pbx_sip.recorder.plugin import SipRecorder
from tests.doubles.recording_client import RecordingClient
from tests.doubles.talk import Phone, Talk
from tests.unit.plugins.pbx_sip.engine.live_devices import (
    SIP,
    own_network,
    recorder,
    running,
    tones,
    until,
    workers,
)

__all__ = ["own_network"]
CALLS, WORKERS = 8, 2
LOSS_S = 1.5
pytestmark = pytest.mark.usefixtures("own_network")


def mirror(folder: Path) -> tuple[SipMirror, FakeContext]:
    ctx = FakeContext(folder)
    return SipMirror(MirrorSettings(interface="lo", workers=WORKERS), ctx), ctx


def talks(opened: ExitStack) -> list[Talk]:
    """Calls between telephones of which each has an address of its own."""
    hosts = [(f"127.0.1.{2 * number + 1}", f"127.0.1.{2 * number + 2}") for number in range(CALLS)]
    return [
        opened.enter_context(Talk(Phone(one, str(200 + number)), Phone(other, str(300 + number))))
        for number, (one, other) in enumerate(hosts)
    ]


def sessions(opened: ExitStack) -> list[RecordingClient]:
    """Recording sessions from hosts of their own."""
    return [
        opened.enter_context(RecordingClient(("127.0.0.1", SIP), host=f"127.0.1.{number + 1}"))
        for number in range(CALLS)
    ]


def sounds(ctx: FakeContext, folder: Path) -> list[np.ndarray]:
    """The samples of each recording, shape (length, channels)."""
    heard = []
    for (content,) in ctx.media.values():
        path = folder / "heard.wav"
        path.write_bytes(content)
        with av.open(str(path)) as opened:
            frames = [frame.to_ndarray() for frame in opened.decode(audio=0)]
        heard.append(np.concatenate([each.reshape(-1, 2) if each.shape[0] == 1 else each.T for each in frames]))
    return heard


async def settle(device: SipMirror | SipRecorder, ctx: FakeContext) -> None:
    """Wait until each worker has its spare."""
    await until(lambda: ctx.health[-1].numbers.get("spare_workers") == WORKERS, "the spare workers")
    assert len(device._at_work().engine.foremen) == WORKERS


def shares(device: SipMirror | SipRecorder) -> list[float]:
    """How many packets each worker received."""
    return [counts["received"] for counts in device._at_work().engine.tally.workers.values()]


@pytest.mark.parametrize("way", ["mirror", "recorder over nftables", "recorder over sockets that hold its ports"])
def test_every_packet_is_kept_once(tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if "sockets" in way:
        refusing = tmp_path / "bin" / "nft"
        refusing.parent.mkdir()
        refusing.write_text("#!/bin/sh\necho not here >&2\nexit 1\n")
        refusing.chmod(0o700)
        monkeypatch.setenv("PATH", str(refusing.parent), prepend=os.pathsep)

    async def run() -> None:
        device, ctx = mirror(tmp_path) if way == "mirror" else recorder(tmp_path, media_interface="lo", workers=WORKERS)
        with ExitStack() as opened:
            calls = talks(opened) if way == "mirror" else sessions(opened)
            async with running(device, ctx):
                await settle(device, ctx)
                for call in calls:
                    begun = call.begin()
                    assert not begun or (await begun).startswith("SIP/2.0 200")
                await until(lambda: len(ctx.live) == CALLS, "the live calls")
                await asyncio.gather(*(call.hum(3.0) for call in calls))
                for call in calls:
                    await (call.end() or asyncio.sleep(0))
                await until(lambda: len(ctx.submitted) == CALLS, "the recordings")
                assert min(shares(device)) > 0, shares(device)
                assert "port.taken" not in ctx.alarms
                assert ("holds each open port" in ctx.health[-1].summary) == ("sockets" in way)
        heard = sounds(ctx, tmp_path)
        assert [tones(samples) for samples in heard] == [[440, 620]] * CALLS
        assert max(abs(len(samples) / 8000 - 3.0) for samples in heard) < 0.05

    asyncio.run(run())


@pytest.mark.parametrize("way", ["mirror", "recorder"])
def test_a_worker_that_dies_is_followed_by_its_spare(tmp_path: Path, way: str) -> None:
    async def run() -> None:
        device, ctx = mirror(tmp_path) if way == "mirror" else recorder(tmp_path, media_interface="lo", workers=WORKERS)
        with ExitStack() as opened:
            calls = talks(opened) if way == "mirror" else sessions(opened)
            async with running(device, ctx):
                await settle(device, ctx)
                for call in calls:
                    await (call.begin() or asyncio.sleep(0))
                await until(lambda: len(ctx.live) == CALLS, "the live calls")
                humming = asyncio.gather(*(call.hum(9.0) for call in calls))
                await asyncio.sleep(2.0)
                victim = workers(tmp_path)[0]
                os.kill(victim, signal.SIGKILL)
                await until(lambda: len(set(workers(tmp_path)) - {victim}) == WORKERS, "the spare at work")
                await humming
                for call in calls:
                    await (call.end() or asyncio.sleep(0))
                    await asyncio.sleep(
                        0.6
                    )  # what ends together and sounds alike, hole and all, is one call on two hops
                await until(lambda: len(ctx.submitted) == CALLS, "the recordings")
                assert len(shares(device)) == WORKERS
                assert min(shares(device)) > 0, shares(device)
        heard = [np.count_nonzero(samples, axis=0).min() / 8000 for samples in sounds(ctx, tmp_path)]
        assert min(heard) > 9.0 * 0.95 - LOSS_S, heard

    asyncio.run(run())
