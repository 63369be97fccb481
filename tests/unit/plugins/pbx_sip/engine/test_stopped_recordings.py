"""A recording that ends before its call says why, and where a rule insists on all of it, an alarm does too."""

import asyncio
import re

import pytest

from hub.alerts.codes import CODES
from hub.sdk import Absence, CallControl, EventKind, Verdict
from plugins.pbx_sip.calls.dialog import Dialog
from plugins.pbx_sip.calls.stopper import Stopper
from plugins.pbx_sip.engine.open_call import OpenCall
from tests.doubles.recording_client import RecordingClient
from tests.unit.plugins.pbx_sip.engine.live_devices import SIP, own_network, recorder, running, until

__all__ = ["own_network"]
MANDATORY = Verdict(rule="Board", is_mandatory=True)


def record(folder, verdict, act):
    """The context of a recorder after one call, in the middle of which something is done."""

    async def run():
        device, ctx = recorder(folder)
        ctx.rules = lambda _: verdict
        async with running(device, ctx):
            with RecordingClient(("127.0.0.1", SIP)) as client:
                await client.begin()
                await client.hum(1.0)
                await act(device, client)
                await client.hum(1.5)
                await client.end()
            await until(lambda: ctx.submitted or ctx.absences, "the recording")
        return ctx

    return asyncio.run(run())


async def stop_as_person(device, client):
    await device.control(client.call_id, CallControl.STOP)


async def stop_as_system(device, client):
    await client.ask("INFO", headers="X-Recording-Control: stop\r\n")


async def discard_as_system(device, client):
    await client.ask("INFO", headers="X-Recording-Control: discard\r\n")


async def wait(device, client):
    pass


@pytest.mark.usefixtures("own_network")
@pytest.mark.parametrize(
    ("verdict", "act", "text"),
    [
        (Verdict(), stop_as_person, "Somebody stopped the recording here"),
        (MANDATORY, stop_as_person, "Somebody stopped the recording here"),
        (MANDATORY, stop_as_system, "The telephone system stopped the recording here"),
        (
            Verdict(rule="Short", is_mandatory=True, longest_s=1.5),
            wait,
            "The recording ends after the longest length that the rule Short lets it have",
        ),
    ],
)
def test_a_recording_that_ends_before_its_call_says_why_at_its_end(tmp_path, verdict, act, text):
    ctx = record(tmp_path, verdict, act)
    [draft] = ctx.submitted.values()
    assert draft.duration_s < 2.3
    [note] = [event for event in draft.events if event.kind is EventKind.NOTE]
    assert (note.text, round(draft.duration_s - note.at_s, 3)) == (text, 0.001)
    alarms = [(alarm.code, alarm.text) for alarm in ctx.alarms.values()]
    if verdict is MANDATORY:
        [(code, told)] = alarms
        assert code == "MANDATORY_NOT_RECORDED"
        listed = re.sub(r"\d+ s\.", "{length_s} s.", told.replace("rule Board", "rule {rule}"))
        assert listed in {each.text for each in CODES if each.code == code}
    else:
        assert alarms == []


@pytest.mark.usefixtures("own_network")
def test_a_call_that_the_telephone_system_discards_says_so(tmp_path):
    ctx = record(tmp_path, MANDATORY, discard_as_system)
    [absence] = ctx.absences.values()
    assert (absence.why, absence.rule) == (Absence.DISCARDED, "Board")
    assert absence.text == "The telephone system discarded it while it lasted."


def test_who_stopped_a_recording_is_known_after_a_crash():
    call, again = OpenCall(dialog=Dialog(call_id="c")), OpenCall(dialog=Dialog(call_id="c"))
    call.obey(CallControl.STOP, 1, Stopper.SYSTEM)
    again.remember(call.memory())
    assert again.stopper is Stopper.SYSTEM
