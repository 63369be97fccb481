"""Real recording sessions that go to voicemail: what is kept of them."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from hub.sdk import Absence, CallOutline, EventKind, LiveState, Verdict
from tests.doubles.recording_client import RecordingClient
from tests.unit.plugins.pbx_sip.engine.live_devices import SIP, own_network, recorder, running, sound, tones, until

__all__ = ["own_network"]


def _stop_at_voicemail(_call: CallOutline) -> Verdict:
    return Verdict(rule="Hotline", stops_at_voicemail=True)


@pytest.mark.usefixtures("own_network")
def test_nothing_is_kept_of_what_is_said_to_voicemail_until_somebody_is_connected_again(tmp_path: Path) -> None:
    async def run() -> None:
        device, ctx = recorder(tmp_path, voicemail_numbers=("9000", "VoiceMail*"))
        ctx.rules = _stop_at_voicemail
        async with running(device, ctx):
            with RecordingClient(("127.0.0.1", SIP), one="305") as client:
                await client.begin()
                await client.hum(1.0, 440.0, 620.0)
                await client.tell("9000")
                await until(lambda: ctx.live[client.call_id].state is LiveState.LEFT_OUT, "the end of its recording")
                await client.hum(1.0, 1000.0, 1000.0)
                await client.tell("306")
                await until(lambda: ctx.live[client.call_id].state is LiveState.RECORDING, "its recording again")
                await client.hum(1.0, 440.0, 620.0)
                await client.tell("9000")
                await client.hum(1.0, 1000.0, 1000.0)
                await client.end()
            await until(lambda: ctx.submitted, "the recording")
        samples = sound(ctx, tmp_path)
        assert tones(samples) == [440, 620]
        assert abs(len(samples) / 8000 - 3.0) < 0.3
        spectrum = np.abs(np.fft.rfft(samples[:, 0].astype(float)))
        at_hz = round(1000 * len(samples) / 8000)
        assert spectrum[at_hz - 3 : at_hz + 4].max() < spectrum.max() / 50
        [draft] = ctx.submitted.values()
        notes = [event for event in draft.events if event.kind is EventKind.NOTE and "voicemail" in event.text]
        assert [round(event.at_s) for event in notes] == [1, 3]
        [pause] = [event for event in draft.events if event.kind is EventKind.PAUSE]
        assert abs(pause.until_s - pause.at_s - 1.0) < 0.3

    asyncio.run(run())


@pytest.mark.usefixtures("own_network")
def test_a_call_that_goes_to_voicemail_at_once_is_listed_as_left_out(tmp_path: Path) -> None:
    async def run() -> None:
        device, ctx = recorder(tmp_path, voicemail_numbers=("9000",))
        ctx.rules = _stop_at_voicemail
        async with running(device, ctx):
            with RecordingClient(("127.0.0.1", SIP), one="9000") as client:
                await client.begin()
                await client.hum(1.5)
                await client.end()
            [absence] = (await until(lambda: ctx.absences, "the account of it")).values()
        assert (absence.why, absence.rule, ctx.submitted) == (Absence.LEFT_OUT, "Hotline", {})
        assert absence.text == "It went to voicemail, where a recording rule ends the recording."

    asyncio.run(run())
