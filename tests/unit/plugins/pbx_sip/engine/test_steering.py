"""What people and the telephone system ask of a call, beside what the rules say and when the call is over."""

import asyncio
import json

import pytest

from hub.sdk import Absence, CallControl, LiveState, Recorded, Verdict
from plugins.pbx_sip.calls.dialog import Dialog
from plugins.pbx_sip.engine.open_call import OpenCall
from plugins.pbx_sip.sip.message import write_message
from tests.doubles.recording_client import RecordingClient
from tests.doubles.sip_text import request, response, sdp
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


def ring(owner, word, way):
    """A call that is set up, with a word in the INVITE or in an answer on the way; its media is to be sent early."""
    said = {"headers": f"{NAME}: {word}"}
    owner.take(request("INVITE", body=sdp("192.0.2.1", 4000), **(said if way == "INVITE" else {})), AT)
    if way != "INVITE":
        owner.take(response(way, body=sdp("192.0.2.2", 5000), **said), AT + S)


@pytest.mark.parametrize("way", ["INVITE", "180 Ringing", "183 Session Progress", "200 OK"])
@pytest.mark.parametrize(
    ("word", "state", "is_wanted"),
    [
        ("pause", LiveState.PAUSED, True),
        ("stop", LiveState.STOPPED, True),
        ("discard", LiveState.STOPPED, False),
    ],
)
def test_a_word_on_the_way_to_the_answer_holds_from_the_beginning(way, word, state, is_wanted):
    owner = Owner(control_header=NAME)
    ring(owner, word, way)
    assert len(owner.covered) == (1 if way == "INVITE" else 2)
    call = owner.take(response("200 OK", body=sdp("192.0.2.2", 5000)), AT + (1 if way == "200 OK" else 9) * S)
    assert (call.state, call.pauses, call.is_wanted) == (state, [(call.began_ns, 0)], is_wanted)
    assert len(owner.covered) == 2
    assert owner.shown[-1] == (call.id, state)


def test_a_call_that_is_to_be_kept_from_the_beginning_is_recorded_on_demand():
    owner = Owner(control_header=NAME)
    owner.verdict = Verdict(recorded=Recorded.ON_DEMAND)
    ring(owner, "keep", "183 Session Progress")
    call = owner.take(response("200 OK", body=sdp("192.0.2.2", 5000)), AT + 9 * S)
    assert (call.state, call.is_wanted, owner.covered) == (LiveState.RECORDING, True, {})


def test_a_word_before_the_answer_does_not_bring_back_what_a_rule_forbids():
    owner = Owner(control_header=NAME, pause_s=60.0)
    owner.verdict = Verdict(recorded=Recorded.NO, rule="Never")
    ring(owner, "pause", "INVITE")
    call = owner.take(response("200 OK", body=sdp("192.0.2.2", 5000)), AT + 9 * S)
    owner.table.turn(AT + 100 * S)
    assert (call.state, call.is_wanted) == (LiveState.LEFT_OUT, False)


def test_a_pause_that_is_taken_back_before_the_answer_is_none():
    owner = Owner(control_header=NAME)
    ring(owner, "pause", "INVITE")
    owner.take(response("183 Session Progress", body=sdp("192.0.2.2", 5000), headers=f"{NAME}: resume"), AT + S)
    call = owner.take(response("200 OK", body=sdp("192.0.2.2", 5000)), AT + 9 * S)
    assert (call.state, owner.covered) == (LiveState.RECORDING, {})


def test_what_was_said_before_the_answer_is_known_after_a_crash():
    owner, again = Owner(control_header=NAME), Owner(control_header=NAME)
    ring(owner, "pause", "183 Session Progress")
    for message in (
        request("INVITE", body=sdp("192.0.2.1", 4000)),
        response("183 Session Progress", body=sdp("192.0.2.2", 5000), headers=f"{NAME}: pause"),
    ):
        again.table.replay(message, write_message(message), AT, json.loads(json.dumps(owner.remembered[-1])))
    assert len(again.covered) == 2
    call = again.take(response("200 OK", body=sdp("192.0.2.2", 5000)), AT + 9 * S)
    assert (call.state, call.pauses) == (LiveState.PAUSED, [(AT + 9 * S, 0)])


def test_the_media_of_a_call_that_was_never_answered_is_let_in_again():
    owner = Owner(control_header=NAME)
    ring(owner, "pause", "INVITE")
    owner.take(response("486 Busy Here"), AT + 9 * S)
    assert owner.covered == {}


def test_an_answer_that_repeats_a_word_does_not_pause_again():
    owner = Owner(control_header=NAME)
    call = owner.begin()
    owner.take(request("INFO", tag="b", number="2", headers=f"{NAME}: pause"), AT + 4 * S)
    owner.table.control(call, CallControl.RESUME, AT + 5 * S)
    owner.take(response("200 OK", method="INFO", number="2", headers=f"{NAME}: pause"), AT + 6 * S)
    assert call.state is LiveState.RECORDING


def test_a_word_on_a_hop_is_seen_in_the_row_of_the_call_and_counts_for_all_of_it():
    owner = Owner(control_header=NAME, joins_hops=True)
    call = owner.begin()
    hop = owner.begin(call_id="c2", at_ns=AT + 1, host="192.0.2.1", other="192.0.2.4")
    assert hop.leader == call.id
    owner.take(request("INFO", call_id="c2", tag="b", number="2", headers=f"{NAME}: pause"), AT + 4 * S)
    assert (call.state, hop.state, owner.shown[-2]) == (LiveState.PAUSED, LiveState.PAUSED, (call.id, call.state))


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
