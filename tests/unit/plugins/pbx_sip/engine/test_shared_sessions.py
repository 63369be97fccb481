"""Several calls in one recording session, which the rules may want to treat differently."""

import asyncio
import json
import re

import pytest

from hub.sdk import Absence, CallControl, LiveState, Recorded, Verdict
from plugins.pbx_sip.calls.names import PART
from plugins.pbx_sip.sip.message import write_message
from tests.doubles.recording_client import RecordingClient
from tests.doubles.sip_text import request, response, sdp
from tests.unit.plugins.pbx_sip.engine.live_devices import SIP, own_network, recorder, running, until
from tests.unit.plugins.pbx_sip.engine.test_call_table import AT, Owner, S
from tests.unit.plugins.pbx_sip.siprec.test_parts import FIRST, SECOND, told

__all__ = ["own_network"]
NEVER = Verdict(recorded=Recorded.NO, rule="Never")
ALWAYS = Verdict(rule="Always", is_mandatory=True)
SELDOM = Verdict(recorded=Recorded.ON_DEMAND, rule="Seldom")
LABELS = {place: f"m=audio {4000 + place} RTP/AVP 0\r\na=sendonly\r\na=label:{place}\r\n" for place in range(1, 5)}


class Rules(Owner):
    """An owner whose rules go by a number of theirs that takes part; `verdicts`: by number, the first one first."""

    def __init__(self, **verdicts):
        super().__init__()
        self.verdicts = {number.removeprefix("n"): verdict for number, verdict in verdicts.items()}

    def decide(self, outline):
        self.asked.append(outline)
        numbers = {outline.caller, outline.called, *outline.numbers}
        return next((verdict for number, verdict in self.verdicts.items() if number in numbers), Verdict())


def messages():
    """An INVITE with four lines and two calls, and its answer."""
    offer = sdp("192.0.2.1") + "".join(LABELS.values())
    parts = [("application/sdp", offer), ("application/rs-metadata+xml", told())]
    body = "".join(f"--part\r\nContent-Type: {kind}\r\n\r\n{text}\r\n" for kind, text in parts) + "--part--\r\n"
    answer = sdp("192.0.2.2", 5001, 5002, 5003, 5004, direction="recvonly")
    more = {"content_type": "multipart/mixed;boundary=part", "headers": "Contact: <sip:sbc@192.0.2.1>;+sip.src"}
    return request("INVITE", body=body, **more), response("200 OK", body=answer)


def ports(owner):
    return sorted(owner.table.endpoints.port(end) for end in owner.covered)


def begin(owner):
    for message in messages():
        call = owner.take(message)
    return call


@pytest.mark.parametrize("first", [ALWAYS, Verdict()])
def test_nothing_of_the_one_that_is_forbidden_is_kept_and_the_other_is_recorded(first):
    owner = Rules(n2001=first, n2002=NEVER)
    call = begin(owner)
    assert (call.state, call.is_wanted, call.verdict) == (LiveState.RECORDING, True, first)
    assert call.forbidden == {f"c1{PART}{SECOND}": "Never"}
    assert {5003, 5004} <= set(ports(owner))
    assert not {5001, 5002} & set(ports(owner))


def test_the_one_that_is_forbidden_is_not_kept_either_after_a_pause_of_the_other():
    owner = Rules(n2001=NEVER)
    call = begin(owner)
    owner.table.control(call, CallControl.PAUSE, AT + S)
    assert {5001, 5002, 5003, 5004} <= set(ports(owner))
    owner.table.control(call, CallControl.RESUME, AT + 2 * S)
    assert call.state is LiveState.RECORDING
    assert {5001, 5002} <= set(ports(owner))
    assert not {5003, 5004} & set(ports(owner))


def test_both_are_left_out_where_both_are_forbidden():
    call = begin(owner := Rules(n2001=NEVER, n2002=NEVER))
    assert (call.state, call.is_wanted) == (LiveState.LEFT_OUT, False)
    assert {5001, 5002, 5003, 5004} <= set(ports(owner))


def test_both_wait_for_somebody_to_ask_where_one_does():
    assert begin(Rules(n2001=ALWAYS, n2002=SELDOM)).state is LiveState.WAITING


def test_what_was_forbidden_is_so_after_a_crash():
    owner, again = Rules(n2001=NEVER), Rules()
    begin(owner)
    for message in messages():
        again.table.replay(message, write_message(message), AT, json.loads(json.dumps(owner.remembered[-1])))
    assert {5001, 5002} <= set(ports(again))
    assert again.table.calls["c1"].forbidden == {f"c1{PART}{FIRST}": "Never"}


class TwoCalls(RecordingClient):
    """A client whose lines are of a call each."""

    def _body(self):
        metadata = told({"a": "2001", "c": "2002"})
        return re.sub("<[?]xml.*</recording>", metadata, super()._body(), flags=re.DOTALL)


@pytest.mark.usefixtures("own_network")
def test_the_one_that_is_forbidden_is_accounted_for_by_its_rule_and_the_other_is_a_recording(tmp_path):
    async def run():
        device, ctx = recorder(tmp_path)
        ctx.rules = lambda call: NEVER if "2002" in {call.caller, call.called, *call.numbers} else ALWAYS
        async with running(device, ctx):
            with TwoCalls(("127.0.0.1", SIP)) as client:
                await client.begin()
                await until(lambda: client.call_id in ctx.live, "the live call")
                await client.hum(1.5)
                await client.end()
            await until(lambda: ctx.submitted and ctx.absences, "the recording and the account")
        [draft], [absence] = ctx.submitted.values(), ctx.absences.values()
        assert [party.number for party in draft.parties] == ["2001"]
        assert (absence.why, absence.rule, [party.number for party in absence.parties]) == (
            Absence.LEFT_OUT, "Never", ["2002"],
        )  # fmt: skip

    asyncio.run(run())
