"""Who is at work in the place of a worker, and who is started where nobody is."""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from plugins.pbx_sip.engine.manning import ORDER_NAME, is_manned, start_missing, take_place
from plugins.pbx_sip.recorder.plugin import SipRecorder
from plugins.pbx_sip.recorder.recorder import Recorder
from tests.doubles.recording_client import RecordingClient
from tests.unit.plugins.pbx_sip.engine.live_devices import (
    SIP,
    own_network,
    recorder,
    running,
    sound,
    tones,
    until,
    workers,
)

__all__ = ["own_network"]


class Away(Exception):
    """A control has not all that it needs yet."""


class SlowRecorder(SipRecorder):
    """A device whose process never gets as far as to its work."""

    def _begin(self) -> Recorder:
        raise Away


def test_a_place_is_taken_by_one_alone(tmp_path: Path) -> None:
    order = tmp_path / ORDER_NAME
    assert not is_manned(order)
    assert take_place(order, 0.0)
    assert is_manned(order)
    assert not take_place(order, 0.0)


def test_a_worker_that_ended_in_peace_is_not_started_by_what_it_was_told(tmp_path: Path) -> None:
    (tmp_path / "worker-0").mkdir()
    order = tmp_path / "worker-0" / ORDER_NAME
    order.write_text("{}")
    start_missing(tmp_path)
    assert not order.with_suffix(".log").exists()


@pytest.mark.usefixtures("own_network")
def test_media_is_kept_before_the_control_is_at_work_again_when_all_were_killed_with_it(tmp_path: Path) -> None:
    async def run() -> None:
        device, ctx = recorder(tmp_path)
        with RecordingClient(("127.0.0.1", SIP)) as client:
            task = asyncio.create_task(device.run())
            await until(lambda: ctx.health and ctx.health[-1].numbers.get("spare_workers"), "the spare worker")
            await client.begin()
            await client.hum(1.5)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            kill_all(tmp_path)
            with pytest.raises(Away):
                await SlowRecorder(device.settings, ctx).run()
            await until(lambda: workers(tmp_path), "a worker with a spare one, which it has when it works")
            await client.hum(2.0)
            again = SipRecorder(device.settings, ctx)
            async with running(again, ctx):
                await until(lambda: client.call_id in ctx.live, "the call of before")
                assert (await client.end()).startswith("SIP/2.0 200")
                await until(lambda: ctx.submitted, "the recording")
                assert ctx.health[-1].numbers["worker_restarts"] == 0
        samples = sound(ctx, tmp_path)
        assert tones(samples) == [440, 620]
        assert np.count_nonzero(samples[:, 0]) / 8000 > 1.5 - 0.8 + 2.0 - 0.2  # of the first, what was not written yet

    asyncio.run(run())


def kill_all(folder: Path) -> None:
    """The worker of a device and its spare one, at the same moment."""
    order = next(folder.rglob(ORDER_NAME))
    pids = [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit() and is_about(each, order)]
    assert len(pids) == 2
    for number in (signal.SIGSTOP, signal.SIGKILL):  # the spare one must not see the death of the other
        for pid in pids:
            os.kill(pid, number)
    for pid in pids:
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)


def is_about(process: Path, order: Path) -> bool:
    """Whether the path of an order is among the words that a process was started with."""
    try:
        return str(order).encode() in (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
