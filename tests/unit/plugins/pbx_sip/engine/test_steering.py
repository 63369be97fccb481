"""What people and the telephone system ask of a call, beside what the rules say and when the call is over."""

import asyncio

import pytest

from hub.sdk import Absence, CallControl, LiveState, Recorded, Verdict
from plugins.pbx_sip.calls.dialog import Dialog
from plugins.pbx_sip.engine.open_call import OpenCall
from tests.doubles.recording_client import RecordingClient
from tests.doubles.sip_text import request
from tests.unit.plugins.pbx_sip.engine.live_devices import SIP, own_network, recorder, running, until
from tests.unit.plugins.pbx_sip.engine.test_call_table import AT, Owner, S
from tests.unit.plugins.pbx_sip.recorder.recorder_doubles import TWO, calling, described

__all__ = ["own_network"]
NAME = "X-Recording-Control"


@pytest.mark.parametrize("is_paused_first", [True, False])
def test_a_call_that_was_forbidden_is_not_recorded_again_whoever_pauses_and_resumes(is_paused_first):
    owner = Owner(pause_s=60.0)
    call = owner.take_session("201", "202", verdict=Verdict(rule="Sales"))
    never = Verdict(recorded=Recorded.NO, rule="Never")
    if is_paused_first:
        owner.table.control(call, CallControl.PAUSE, AT + S)
    owner.take_session("201", "202", "203", at_ns=AT + 2 * S, verdict=never)
    owner.table.control(call, CallControl.PAUSE, AT + 3 * S)
    assert owner.table.control(call, CallControl.RESUME, AT + 4 * S)
    owner.table.turn(AT + 100 * S)
    since_ns = AT + S if is_paused_first else AT + 2 * S
    assert (call.state, call.pauses, call.is_wanted) == (LiveState.LEFT_OUT, [(since_ns, 0)], True)
    assert owner.covered


@pytest.mark.parametrize(
    ("word", "verdict", "is_wanted"),
    [
        ("discard", Verdict(), False),
        ("keep", Verdict(recorded=Recorded.ON_DEMAND), True),
        ("stop", Verdict(), True),
        ("pause", Verdict(), True),
    ],
)
def test_a_word_in_the_bye_is_obeyed_where_it_means_something_to_a_call_that_is_over(word, verdict, is_wanted):
    owner = Owner(control_header=NAME)
    owner.verdict = verdict
    call = owner.begin()
    owner.take(request("BYE", tag="b", headers=f"{NAME}: {word}"), AT + 4 * S)
    assert call.is_wanted is is_wanted
    assert (owner.covered, call.unheeded) == ({}, [])
    assert call.state is not LiveState.PAUSED


@pytest.mark.parametrize("method", ["INFO", "BYE"])
def test_a_word_that_nobody_knows_is_noted_once(method):
    owner = Owner(control_header=NAME)
    call = owner.begin()
    for number in "34":
        headers = f"{NAME}: resum"
        owner.take(request(method, tag="b", number=number, headers=headers), AT + 4 * S)
    assert call.unheeded == [(AT + 4 * S, "X-Recording-Control: resum")]
    again = OpenCall(dialog=Dialog(call_id="c"))
    again.remember(owner.remembered[-1])
    assert again.unheeded == call.unheeded


def talk(folder, words):
    """The context of a recorder after one call in which the client says each word in a request of its method."""

    async def run():
        device, ctx = recorder(folder)
        async with running(device, ctx):
            with RecordingClient(("127.0.0.1", SIP)) as client:
                await client.begin()
                await client.hum(0.5)
                for method, word in words.items():
                    await client.ask(method, headers=f"{NAME}: {word}\r\n")
                if "BYE" not in words:
                    await client.end()
            await until(lambda: ctx.submitted or ctx.absences, "the recording")
        return ctx

    return asyncio.run(run())


@pytest.mark.usefixtures("own_network")
def test_the_recording_says_which_word_was_not_understood_and_which_would_be(tmp_path):
    ctx = talk(tmp_path, {"INFO": "halt", "BYE": "drop"})
    [draft] = ctx.submitted.values()
    assert [event.text for event in draft.events if event.text] == [
        f"The telephone system asked for what does not exist ({NAME}: {word}); "
        "what there is: pause, resume, stop, keep, discard"
        for word in ("halt", "drop")
    ]


@pytest.mark.usefixtures("own_network")
def test_a_call_that_is_discarded_by_its_bye_is_not_kept(tmp_path):
    ctx = talk(tmp_path, {"BYE": "discard"})
    assert not ctx.submitted
    assert [absence.why for absence in ctx.absences.values()] == [Absence.DISCARDED]


@pytest.mark.usefixtures("own_network")
def test_a_client_that_obeys_a_pause_is_asked_to_send_again_however_the_pause_ends(tmp_path):
    async def run():
        device, ctx = recorder(tmp_path)
        async with running(device, ctx):
            port = device._at_work().server.ports[0]
            async with calling(port) as caller:
                await caller.invite(TWO)
                await until(lambda: caller.call_id in ctx.live, "the call")
                assert (await device.control(caller.call_id, CallControl.PAUSE, resume_after_s=0.5)).done
                await until(lambda: len(offers(caller)) == 2, "both offers")
                return offers(caller)

    assert asyncio.run(run()) == ["inactive", "recvonly"]


def offers(caller):
    """The direction of the first line in each offer of the recorder."""
    asked = [each for each in caller.requests if each.method == "INVITE"]
    return [str(described(each).media[0].direction) for each in asked]
