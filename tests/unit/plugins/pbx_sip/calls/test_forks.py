"""Calls that are forked and that more than one phone answers: RFC 3261 section 13.2.2.4."""

from dataclasses import replace

import pytest

from plugins.pbx_sip.calls.dialog import Side
from plugins.pbx_sip.calls.signalling import Signalling
from plugins.pbx_sip.packets.datagrams import Endpoints
from tests.doubles.capture_file import WireCall, frames_of, pcap_with
from tests.doubles.sip_text import request, response, sdp
from tests.unit.plugins.pbx_sip.calls.test_observer import voices, watch

S = 1_000_000_000
CALL = WireCall(call_id="a", said=bytes(range(160)) * 200, heard=b"\x21" * 32_000)


@pytest.mark.parametrize("shift_ns", [-20_000_000, 20_000_000])
def test_a_call_goes_on_with_the_phone_that_is_kept_when_the_other_one_is_hung_up(shift_ns):
    too_many = replace(CALL, called_host="192.0.2.13", tags=("a", "x"), said=b"", heard=b"")
    answered, *acknowledged_and_hung_up = frames_of(too_many)[2:]
    frames = [*frames_of(CALL), (answered[0] + shift_ns, answered[1]), *acknowledged_and_hung_up]
    [call] = watch(pcap_with(sorted(frames))).take()
    assert voices(call) == {Side.CALLER: CALL.said, Side.CALLED: CALL.heard}
    assert call.dialog.ended_ns == frames_of(CALL)[-2][0]


def hang_up(tag, number, **more):
    return request("BYE", tag=tag, number=number, via=f"192.0.2.9;branch=z9hG4bK{number}", **more)


@pytest.mark.parametrize("by_called", ["", "yes"])
def test_it_is_over_when_the_last_phone_that_answered_is_hung_up_however_often_that_is_seen(by_called):
    signalling = Signalling(Endpoints())
    for at_s, message in enumerate(
        (
            request("INVITE", body=sdp("192.0.2.1", 4000)),
            response("200 OK", body=sdp("192.0.2.2", 5000), tag="b"),
            response("200 OK", body=sdp("192.0.2.3", 5000), tag="x"),
            hang_up("b", "2", by_called=by_called),
            hang_up("b", "2", by_called=by_called),
            response("200 OK", body=sdp("192.0.2.2", 5000), tag="b"),
        )
    ):
        dialog = signalling.add(message, at_s * S)
    assert not dialog.is_over
    signalling.add(hang_up("x", "3", by_called=by_called), 60 * S)
    assert (dialog.ended_ns, dialog.ended_by) == (60 * S, Side.CALLED if by_called else Side.CALLER)


def test_a_hang_up_of_a_phone_whose_answer_was_missed_ends_the_call():
    signalling = Signalling(Endpoints())
    signalling.add(request("INVITE", body=sdp("192.0.2.1", 4000)), S)
    signalling.add(response("200 OK", body=sdp("192.0.2.2", 5000), tag="b"), 2 * S)
    assert signalling.add(hang_up("other", "2"), 9 * S).is_over
