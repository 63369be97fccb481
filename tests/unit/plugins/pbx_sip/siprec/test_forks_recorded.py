"""Forked calls sent to a recorder at work: over real sockets, in a network of the test's own."""

import asyncio
import os
import signal
from contextlib import ExitStack

import numpy as np
import pytest

from hub.sdk import CallControl, LiveState, Verdict
from plugins.pbx_sip.recorder.plugin import SipRecorder
from tests.doubles.network import network_pair
from tests.doubles.recording_client import RecordingClient
from tests.unit.plugins.pbx_sip.engine.live_devices import SIP, recorder, running, sound, tones, until, workers

BRIDGE = "x-refci=27298698;x-nearenddevice=SEP1;x-farendrefci=27298699;x-farenddevice=Trk1;x-farendaddr=+436641112223"
NBR = (
    'X-Cisco-Recording-Participant: sip:708090@10.42.30.5;media-index="0"\r\n'
    'X-Cisco-Recording-Participant: sip:100@10.42.30.32;media-index="1"\r\n'
)


class ForkingClient(RecordingClient):
    """A telephone system that forks without metadata; lines: how many; offers_late: in the ACK."""

    def __init__(self, sender, *, headers="", lines=2, offers_late=False):
        super().__init__(("127.0.0.1", SIP))
        self.sender, self.feature, self.content_type = sender, "isFocus", "application/sdp"
        self._headers, self._offers_late = headers, offers_late
        for unused in self.media[lines:]:
            unused.close()
        del self.media[lines:], self._senders[lines:]

    def send(self, method, body="", headers="", number=0):
        if self._offers_late and method in {"INVITE", "ACK"}:
            body = self._body() if method == "ACK" else ""
        super().send(method, body, headers or (self._headers if method == "INVITE" else ""), number)

    def _body(self):
        lines = "".join(f"m=audio {each.getsockname()[1]} RTP/AVP 0\r\na=sendonly\r\n" for each in self.media)
        return f"v=0\r\no=CiscoSystemsCCM-SIP 7 1 IN IP4 {self.host}\r\ns=-\r\nc=IN IP4 {self.host}\r\nt=0 0\r\n{lines}"


def bridge(end):
    return ForkingClient(f'"Agent" <sip:2000@ucm1;x-{end}end;{BRIDGE}>', lines=1, offers_late=True)


@pytest.fixture
def own_network():
    """A loopback that nobody else uses."""
    with network_pair() as pair, pair.at_lan():
        yield


@pytest.mark.usefixtures("own_network")
def test_network_recording_is_heard_participant_by_participant(tmp_path):
    async def run():
        device, ctx = recorder(tmp_path)
        async with running(device, ctx):
            with ForkingClient("<sip:9.42.30.10>", headers=NBR) as client:
                assert (await client.begin()).startswith("SIP/2.0 200")
                live = await until(lambda: ctx.live.get(client.call_id), "the live call")
                assert [party.number for party in live.parties] == ["708090", "100"]
                await client.hum(1.5, 440.0, 620.0)
                await client.end()
            await until(lambda: ctx.submitted, "the recording")
        [draft] = ctx.submitted.values()
        assert {party.number: party.channel for party in draft.parties} == {"708090": 1, "100": 0}
        assert tones(sound(ctx, tmp_path)) == [620, 440]

    asyncio.run(run())


@pytest.mark.usefixtures("own_network")
def test_both_dialogs_of_a_bridge_are_one_call_to_whoever_watches_pauses_and_hears_it(tmp_path):
    async def run():
        device, ctx = recorder(tmp_path)
        asked = []
        ctx.rules = lambda call: asked.append(call) or Verdict()
        async with running(device, ctx):
            with ExitStack() as stack:
                near, far = (stack.enter_context(bridge(end)) for end in ("near", "far"))
                await near.begin()
                live = await until(lambda: ctx.live.get(near.call_id), "the live call")
                assert [party.number for party in live.parties] == ["2000", "+436641112223"]
                await far.begin()
                await asyncio.gather(near.hum(1.5, 440.0), far.hum(1.5, 620.0))
                assert list(ctx.live) == [near.call_id]
                await device.control(near.call_id, CallControl.PAUSE)
                await asyncio.gather(near.hum(1.0, 1000.0), far.hum(1.0, 1000.0))
                await device.control(near.call_id, CallControl.RESUME)
                heard = asyncio.create_task(listen(device, near.call_id))
                await asyncio.gather(near.hum(2.5, 440.0), far.hum(2.5, 620.0))
                assert tones(await heard) == [440, 620]
                await near.end()
                assert list(ctx.live) == [near.call_id]
                await far.end()
            await until(lambda: ctx.submitted, "the recording")
            assert ctx.live == {}
        assert {(outline.numbers, outline.users) for outline in asked} == {
            (("2000", "+436641112223"), ("2000", "Agent"))
        }
        [draft] = ctx.submitted.values()
        assert {party.number: party.channel for party in draft.parties} == {"2000": 0, "+436641112223": 1}
        samples = sound(ctx, tmp_path)
        assert tones(samples) == [440, 620]
        assert abs(len(samples) / 8000 - 5.0) < 0.5
        spectrum = np.abs(np.fft.rfft(samples[:, 0].astype(float)))
        at = round(1000 * len(samples) / 8000)
        assert spectrum[at - 3 : at + 4].max() < spectrum.max() / 50

    asyncio.run(run())


async def listen(device, call_id):
    """A second of a live call, of shape (length, channels)."""
    heard = b""
    async for block in device.listen(call_id):
        heard += block
        if len(heard) >= 2 * 4 * 8000:
            break
    return np.frombuffer(heard, "<i2").reshape(-1, 2)[8000:]


@pytest.mark.usefixtures("own_network")
def test_a_bridge_is_one_recording_when_the_control_dies_between_its_ends(tmp_path):
    async def run():
        device, ctx = recorder(tmp_path)
        with ExitStack() as stack:
            near, far = (stack.enter_context(bridge(end)) for end in ("near", "far"))
            async with running(device, ctx):
                await far.begin(), await near.begin()
                await asyncio.gather(near.hum(1.5, 440.0), far.hum(1.5, 620.0))
                [worker] = workers(tmp_path)
                os.kill(worker, signal.SIGKILL)
            again = SipRecorder(device.settings, ctx)
            async with running(again, ctx):
                await until(lambda: far.call_id in ctx.live, "the call of before")
                assert (list(ctx.live), ctx.live[far.call_id].state) == ([far.call_id], LiveState.RECORDING)
                await far.end()
                await near.hum(1.0, 440.0)
                await near.end()
                await until(lambda: ctx.submitted, "the recording")
        [draft] = ctx.submitted.values()
        assert {party.number: party.channel for party in draft.parties} == {"2000": 0, "+436641112223": 1}
        assert tones(sound(ctx, tmp_path)) == [440, 620]

    asyncio.run(run())
