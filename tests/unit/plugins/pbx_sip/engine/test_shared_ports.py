"""Calls whose media goes through the same ports, as a gateway or a bridge with one socket for all has it."""

import asyncio
from contextlib import ExitStack
from pathlib import Path

import pytest

from hub.sdk import Absence, CallControl, Recorded, Verdict
from tests.doubles.recording_client import RecordingClient
from tests.unit.plugins.pbx_sip.engine.live_devices import (
    SIP,
    own_network,
    recorder,
    running,
    samples_of,
    tones,
    until,
)

__all__ = ["own_network"]


@pytest.mark.usefixtures("own_network")
def test_calls_that_are_sent_from_the_same_ports_are_each_recorded_paused_and_left_out_by_themselves(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        device, ctx = recorder(tmp_path)
        ctx.rules = lambda call: Verdict(recorded=Recorded.NO if "200" in call.numbers else Recorded.YES)
        async with running(device, ctx):
            with RecordingClient(("127.0.0.1", SIP), one="200") as first, ExitStack() as more:
                others = [
                    RecordingClient(("127.0.0.1", SIP), one=f"{number}", beside=first) for number in range(201, 208)
                ]
                clients = [first, *map(more.enter_context, others)]
                for client in clients:
                    await client.begin()
                    await client.hum(0.2, 300.0, 1500.0)
                await device.control(others[0].call_id, CallControl.PAUSE)
                await asyncio.gather(
                    *(each.hum(2.0, 400.0 + 50 * place, 1600.0) for place, each in enumerate(others, start=1))
                )
                for client in clients:
                    await client.end()
            await until(lambda: len(ctx.submitted) == len(others) and ctx.absences, "all recordings")
        heard = {
            draft.parties[0].number: samples_of(*ctx.media[draft.origin_id], tmp_path)
            for draft in ctx.submitted.values()
        }
        assert {number: tones(samples[-12_000:])[0] for number, samples in heard.items() if number != "201"} == {
            str(200 + place): 400 + 50 * place for place in range(2, 8)
        }
        assert all(len(samples) > 2.1 * 8000 for samples in heard.values())
        assert not heard["201"][-12_000:].any()
        [absence] = ctx.absences.values()
        assert (absence.why, absence.parties[0].number) == (Absence.LEFT_OUT, "200")

    asyncio.run(run())
