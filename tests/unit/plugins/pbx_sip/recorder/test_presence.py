"""Whether the telephone system is there: its lamp follows registration, calls and pings, and alarms keep the outages."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from hub.sdk import Alarm, Health, HealthState, Severity
from hub.testing import FakeContext
from plugins.pbx_sip.recorder.hooks import Presence, Sign
from plugins.pbx_sip.recorder.presence import Presences, ping
from plugins.pbx_sip.recorder.settings import RecorderSettings
from plugins.pbx_sip.sip.link import Peer

GOOD = Health(HealthState.OK, "0 calls are being recorded")
PBX = Peer("UDP", "192.0.2.7", 5060)


def presences(folder: Path, **settings: object) -> tuple[Presences, FakeContext]:
    ctx = FakeContext(folder)
    return Presences(RecorderSettings(allowed_peers=("192.0.2.7",), **settings), ctx), ctx


async def until(condition: Callable[[], object], within_s: float = 30.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - what is watched has its own pace
            await asyncio.sleep(0.02)


def test_the_lamp_is_green_and_names_the_telephone_system_once_it_was_heard(tmp_path: Path) -> None:
    watched, _ = presences(tmp_path)
    assert watched.judge(GOOD).summary.startswith("No telephone system was heard of yet.")
    watched.note(Presence(peer=PBX, sign=Sign.PING))
    assert watched.judge(GOOD).state is HealthState.OK
    assert watched.judge(GOOD).summary.startswith("192.0.2.7 is there.")


def test_a_pbx_with_a_serial_number_lights_its_lamp_by_registering(tmp_path: Path) -> None:
    watched, _ = presences(tmp_path, serial_number="F1816D8AE90366A15", secret="long enough")
    watched.note(Presence(peer=PBX, sign=Sign.PING))
    assert watched.judge(GOOD).state is HealthState.DEGRADED
    assert "F1816D8AE90366A15 is not registered" in watched.judge(GOOD).summary
    watched.note(Presence(peer=PBX, sign=Sign.REGISTERED, expires_s=60))
    assert watched.judge(GOOD).state is HealthState.OK
    watched.note(Presence(peer=PBX, sign=Sign.UNREGISTERED))
    assert watched.judge(GOOD).state is HealthState.DEGRADED


def test_silence_raises_an_alarm_that_ends_when_the_pbx_is_heard_again(tmp_path: Path) -> None:
    async def run() -> None:
        watched, ctx = presences(tmp_path, silence_s=0.5)
        watching = asyncio.create_task(watched.run())
        await until(lambda: "pbx.away" in ctx.alarms)
        assert ctx.alarms["pbx.away"].code == "PBX_SILENT"
        assert watched.judge(GOOD).state is HealthState.DEGRADED
        for _ in range(200):
            watched.note(Presence(peer=PBX, sign=Sign.CALL))
            await asyncio.sleep(0.05)
            if "pbx.away" not in ctx.alarms:
                break
        assert [alarm is not None for _, alarm in ctx.alarm_history][-2:] == [True, False]
        watching.cancel()

    asyncio.run(run())


@pytest.mark.parametrize("traffic", ["a message of a call", "media"])
def test_a_long_call_is_no_silence(tmp_path: Path, traffic: str) -> None:
    async def run() -> None:
        watched, ctx = presences(tmp_path, silence_s=1.5)
        watching = asyncio.create_task(watched.run())
        watched.note(Presence(peer=PBX, sign=Sign.CALL))
        packets = 0.0
        for _ in range(15):
            await asyncio.sleep(0.25)
            packets += 25 if traffic == "media" else 0
            watched.hear() if packets == 0 else watched.count(packets)
        assert ctx.alarms == {}
        await until(lambda: "pbx.away" in ctx.alarms)
        watched.count(packets)
        await asyncio.sleep(1.5)
        assert "pbx.away" in ctx.alarms
        watched.count(1.0)  # another worker counts anew
        watched.count(2.0)
        await until(lambda: ctx.alarms == {})
        watching.cancel()

    asyncio.run(run())


def test_alarms_of_a_process_before_this_one_end_when_the_pbx_is_heard(tmp_path: Path) -> None:
    async def run() -> None:
        ctx = FakeContext(tmp_path)
        for key in ("pbx.away", "pbx.ping"):
            ctx.raise_alarm(Alarm(key=key, code="PBX_SILENT", severity=Severity.MAJOR, text="Nothing was heard."))
        watched = Presences(RecorderSettings(allowed_peers=("192.0.2.7",), silence_s=600, ping_host="127.0.0.1"), ctx)
        watching = asyncio.create_task(watched.run())
        await until(lambda: "pbx.ping" not in ctx.alarms)
        await asyncio.sleep(1.5)
        assert "pbx.away" in ctx.alarms
        watched.note(Presence(peer=PBX, sign=Sign.PING))
        await until(lambda: ctx.alarms == {})
        watching.cancel()

    asyncio.run(run())


def test_what_is_not_watched_any_more_is_no_alarm(tmp_path: Path) -> None:
    async def run() -> None:
        watched, ctx = presences(tmp_path)
        for key in ("pbx.away", "pbx.ping"):
            ctx.raise_alarm(Alarm(key=key, code="PBX_SILENT", severity=Severity.MAJOR, text="Nothing was heard."))
        watching = asyncio.create_task(watched.run())
        await until(lambda: ctx.alarms == {})
        watching.cancel()

    asyncio.run(run())


def test_what_the_engine_cannot_do_goes_before_what_the_pbx_does(tmp_path: Path) -> None:
    watched, _ = presences(tmp_path)
    down = Health(HealthState.DOWN, "Nothing is captured")
    assert watched.judge(down) == down


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_host_that_is_there_answers_a_ping(host: str) -> None:
    assert ping(host, 5.0)
