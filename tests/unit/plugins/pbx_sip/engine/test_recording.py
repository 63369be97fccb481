"""Real calls over real sockets, seen by a mirror and sent to a recorder, in a network of the test's own."""

import asyncio
import os
import resource
import signal
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from hub.sdk import Absence, CallControl, EventKind, HealthState, LiveState, NotFound, Recorded, Verdict
from plugins.pbx_sip.engine.engine import Engine
from plugins.pbx_sip.recorder.plugin import SipRecorder
from tests.doubles.recording_client import RecordingClient
from tests.doubles.talk import Phone, Talk
from tests.unit.plugins.pbx_sip.engine.live_devices import (
    SIP,
    mirror,
    own_network,
    recorder,
    running,
    samples_of,
    sound,
    tones,
    until,
    workers,
)

__all__ = ["own_network"]


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
                await client.hum(1.0, 440.0, 620.0)
                client.report(0, 0.25)
                await client.hum(1.0, 440.0, 620.0)
                await client.end()
            await until(lambda: ctx.submitted, "the recording")
        samples = sound(ctx, tmp_path)
        assert tones(samples) == [440, 620]
        assert abs(len(samples) / 8000 - 2.0) < 0.02
        [draft] = ctx.submitted.values()
        assert draft.fields["stream 1_far_end_loss_percent"] == "25.00"
        assert {party.number: party.channel for party in draft.parties} == {"201": 0, "4930123456": 1}

    asyncio.run(run())


@pytest.mark.usefixtures("own_network")
@pytest.mark.parametrize("encrypts", [False, True], ids=["plain", "encrypted"])
def test_a_live_call_can_be_heard_each_stream_on_its_side(tmp_path: Path, *, encrypts: bool) -> None:
    async def run() -> None:
        device, ctx = recorder(tmp_path)
        async with running(device, ctx):
            with RecordingClient(("127.0.0.1", SIP), encrypts=encrypts) as client:
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
def test_two_sessions_with_one_call_id_are_two_recordings_of_which_nothing_is_lost(tmp_path: Path) -> None:
    async def run() -> None:
        device, ctx = recorder(tmp_path)
        async with running(device, ctx):
            with RecordingClient(("127.0.0.1", SIP)) as one, RecordingClient(("127.0.0.1", SIP), one="202") as other:
                other.call_id, other.tag = one.call_id, "other"
                await one.begin()
                await one.hum(1.0, 400.0, 900.0)
                await other.begin()
                assert len(await until(lambda: len(ctx.live) == 2 and ctx.live, "both live")) == 2
                await asyncio.gather(one.hum(1.0, 400.0, 900.0), other.hum(1.0, 500.0, 1100.0))
                await one.end()
                await other.hum(1.0, 500.0, 1100.0)
                await other.end()
            await until(lambda: len(ctx.submitted) == 2, "both recordings")
        heard = {
            draft.parties[0].number: tones(samples_of(*ctx.media[draft.origin_id], tmp_path))
            for draft in ctx.submitted.values()
        }
        assert heard == {"201": [400, 900], "202": [500, 1100]}
        assert len({draft.call_id for draft in ctx.submitted.values()}) == 2

    asyncio.run(run())


@pytest.mark.usefixtures("own_network")
def test_many_mirrored_calls_of_one_port_are_each_heard_whole_whenever_the_others_end(tmp_path: Path) -> None:
    async def run() -> None:
        device, ctx = mirror(tmp_path)
        relay = Phone("127.0.0.2", "100")
        async with running(device, ctx):
            with ExitStack() as open_calls:
                called = [Phone(f"127.0.1.{1 + place}", f"{300 + place}") for place in range(70)]
                callers = [Phone("127.0.0.2", f"{500 + place}", relay.media) for place in range(70)]
                open_calls.callback(relay.close)
                talks = [open_calls.enter_context(Talk(*ends)) for ends in zip(callers, called, strict=True)]
                for talk in talks:
                    talk.begin()
                await until(lambda: len(ctx.live) == len(talks), "the live calls")
                speaking = [talks[0], talks[1], talks[-1]]
                for place, talk in enumerate(speaking):
                    await talk.hum(1.0, 440.0, 620.0 + 60 * place)
                for talk in talks[3:]:
                    talk.end()
                await until(lambda: len(ctx.submitted) == 1, "the first recording")
                for place, talk in enumerate(speaking[:2]):
                    await talk.hum(1.0, 440.0, 620.0 + 60 * place)
                for talk in talks[:3]:
                    talk.end()
                await until(lambda: len(ctx.submitted) + len(ctx.absences) == len(talks), "all calls")
        heard = {
            draft.parties[1].number: samples_of(*ctx.media[draft.origin_id], tmp_path)
            for draft in ctx.submitted.values()
        }
        assert {number: tones(samples) for number, samples in heard.items()} == {
            "300": [440, 620], "301": [440, 680], "369": [440, 740],
        }  # fmt: skip
        loud_s = {number: round(float((np.abs(samples[:, 1]) > 500).sum()) / 8000) for number, samples in heard.items()}
        assert loud_s == {"300": 2, "301": 2, "369": 1}

    asyncio.run(run())


@pytest.mark.usefixtures("own_network")
def test_a_call_that_finds_no_room_is_accounted_for_and_the_alarm_says_what_helps(tmp_path: Path) -> None:
    async def run() -> None:
        device, ctx = recorder(tmp_path, calls_max=1)
        async with running(device, ctx):
            with RecordingClient(("127.0.0.1", SIP)) as client, RecordingClient(("127.0.0.1", SIP)) as late:
                await client.begin()
                assert (await late.begin()).startswith("SIP/2.0 503")
                await client.end()
                await until(lambda: len(ctx.absences) == 2, "the account of both")
        [absence] = [each for each in ctx.absences.values() if each.why is Absence.REFUSED]
        assert (absence.call_id, absence.text) == (late.call_id, "The recorder refused it: 503 Too Many Calls.")
        assert [party.number for party in absence.parties] == ["201", "4930123456"]
        assert "Calls at the same time" in ctx.alarms["client.127.0.0.1"].hint

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


def limit_files(size_bytes: int) -> None:
    """No file that we and all processes of ours write becomes longer, as on a disk without room; -1: any length."""
    pids = [os.getpid()]
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            pids += map(int, (task / "children").read_text().split())
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size_bytes, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


@pytest.mark.usefixtures("own_network")
@pytest.mark.parametrize("way", ["recorder", "mirror"])
def test_a_call_is_whole_when_the_disk_was_full_while_it_lasted_and_ended(tmp_path: Path, way: str) -> None:
    async def run() -> None:
        device, ctx = recorder(tmp_path) if way == "recorder" else mirror(tmp_path)

        def make_call() -> RecordingClient | Talk:
            if way == "recorder":
                return RecordingClient(("127.0.0.1", SIP))
            return Talk(Phone("127.0.0.2", "201"), Phone("127.0.0.3", "305"))

        async with running(device, ctx):
            with make_call() as call:
                begun = call.begin()
                await begun if begun else None
                await until(lambda: call.call_id in ctx.live, "the live call")
                await call.hum(1.0)
                try:
                    limit_files(1)
                    await call.hum(2.0)
                    alarm = await until(lambda: ctx.alarms.get("disk.waits"), "the alarm")
                    assert (await device.control(call.call_id, CallControl.PAUSE)).done
                    assert (await device.control(call.call_id, CallControl.RESUME)).done
                    ended = call.end()
                    assert not ended or (await ended).startswith("SIP/2.0 200")
                    await until(lambda: call.call_id not in ctx.live, "its end")
                    await asyncio.sleep(4.0)  # longer than the engine takes to make a recording
                finally:
                    limit_files(-1)
                assert (alarm.code, "File too large" in alarm.text) == ("MEDIA_WAITS", True)
                assert ctx.submitted == {}
            await until(lambda: ctx.submitted, "the recording")
            await until(lambda: "disk.waits" not in ctx.alarms, "the end of the alarm")
            await until(lambda: ctx.health[-1].state is HealthState.OK, "health")
        samples = sound(ctx, tmp_path)
        assert abs(len(samples) / 8000 - 3.0) < 0.3
        assert tones(samples) == [440, 620]

    asyncio.run(run())
    assert list(tmp_path.rglob("call-*.wav")) == []


@pytest.mark.usefixtures("own_network")
def test_a_recorder_that_comes_back_answers_before_it_understands_the_calls_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        device, ctx = recorder(tmp_path)
        with RecordingClient(("127.0.0.1", SIP)) as old, RecordingClient(("127.0.0.1", SIP)) as new:
            async with running(device, ctx):
                await old.begin()
                await old.hum(1.0)
            may_catch_up, catch_up = asyncio.Event(), Engine._catch_up

            async def catch_up_late(self: Engine) -> None:
                await may_catch_up.wait()
                await catch_up(self)

            monkeypatch.setattr(Engine, "_catch_up", catch_up_late)
            again = SipRecorder(device.settings, ctx)
            async with running(again, ctx):
                for answer in (await old.ask("OPTIONS"), await old.end(), await new.begin()):
                    assert answer.startswith("SIP/2.0 200")
                await new.hum(1.0)
                await new.end()
                assert ctx.live == {}
                may_catch_up.set()
                await until(lambda: len(ctx.submitted) == 2, "both recordings")
        assert {draft.call_id for draft in ctx.submitted.values()} == {old.call_id, new.call_id}

    asyncio.run(run())
