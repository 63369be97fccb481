"""Who looks after the network is told of calls that came in badly, by name, and of no others."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.sdk import Party, RecordingDraft
from hub.testing import FakeContext
from plugins.pbx_sip.engine.incidents import LASTS_S, Incidents
from plugins.pbx_sip.engine.reception import Reception
from plugins.pbx_sip.engine.tally import Tally
from plugins.pbx_sip.rtp.quality import Quality
from tests.doubles.recording_client import RecordingClient
from tests.unit.plugins.pbx_sip.engine.live_devices import SIP, own_network, recorder, running, until

__all__ = ["own_network"]

GOOD = Quality(
    received=1000, lost=0, late=0, duplicates=0, reordered=0, jitter_ms=1.0, jitter_max_ms=2.0, burst=0.0, mos=4.4
)
POOR = replace(GOOD, received=940, lost=60, late=3)


def draft(*numbers):
    return RecordingDraft(
        origin_id="c1",
        origin_name="recorder",
        started_at=datetime.now(UTC),
        duration_s=20.0,
        media=(),
        parties=tuple(Party(number=number) for number in numbers),
        call_id="c1@pbx",
    )


@pytest.fixture
def heard(tmp_path):
    """Alarms after calls, each with how well its parties came in; and what is counted."""
    ctx, tally, now = FakeContext(tmp_path), Tally(), [0.0]
    reception = Reception(Incidents(ctx), tally, clock=lambda: now[0])

    def hear(call, *qualities, after_s=0.0):
        now[0] += after_s
        reception.hear(call, qualities)
        return [alarm.text for alarm in ctx.alarms.values()], tally.late

    return hear


def test_a_call_of_which_much_is_lost_is_told_of_by_its_parties(heard):
    texts, late = heard(draft("201", "305"), GOOD, POOR)
    assert texts == ["A call came in badly (201, 305): of 1000 packets of a party 60 were lost and 3 late."]
    assert late == 3


def test_packets_that_come_too_late_are_as_bad_as_lost_ones(heard):
    texts, late = heard(draft(), replace(GOOD, late=50))
    assert texts == ["A call came in badly (c1@pbx): of 1000 packets of a party 0 were lost and 50 late."]
    assert late == 50


@pytest.mark.parametrize(
    "quality",
    [GOOD, replace(GOOD, lost=20, late=20), replace(POOR, received=100, lost=50)],
    ids=["good", "fair", "few"],
)
def test_what_hardly_anybody_hears_is_no_alarm(heard, quality):
    assert heard(draft("201"), quality)[0] == []


def test_calls_of_the_last_hour_are_counted(heard):
    heard(draft("201"), POOR)
    [both], _ = heard(draft("202"), POOR, after_s=60)
    assert both.startswith("2 calls came in badly, the last of them 202: ")
    [one], _ = heard(draft("203"), POOR, after_s=LASTS_S + 1)
    assert one.startswith("A call came in badly (203): ")


@pytest.mark.usefixtures("own_network")
def test_a_session_whose_packets_do_not_all_arrive_raises_the_alarm(tmp_path: Path) -> None:
    async def run() -> None:
        device, ctx = recorder(tmp_path)
        async with running(device, ctx):
            with RecordingClient(("127.0.0.1", SIP)) as client:
                await client.begin()
                for _ in range(12):
                    await client.hum(0.5, 440.0, 620.0)
                    client.lose(5)
                await client.end()
            await until(lambda: ctx.submitted, "the recording")
            await until(lambda: "reception.poor" in ctx.alarms, "the alarm")
        assert ctx.alarms["reception.poor"].code == "POOR_RECEPTION"
        assert "201" in ctx.alarms["reception.poor"].text

    asyncio.run(run())
