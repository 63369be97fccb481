"""Changes that one side of a call asks for hold when the other agrees, and change nothing when it refuses."""

import io

import pytest

from plugins.pbx_sip.calls.dialog import Side
from plugins.pbx_sip.calls.observer import Observer
from plugins.pbx_sip.packets.files import CaptureFile
from tests.doubles.capture_file import PBX, WireCall, frames_of, pcap_with, request_in, sdp_of, udp
from tests.doubles.rtp_stream import Sender, cut
from tests.doubles.talk import tone

CALL = WireCall(call_id="a", said=tone(400, 6), heard=tone(1000, 6))
CALLER, CALLED = CALL.caller_host, CALL.called_host
HELD = sdp_of(CALLER, CALL.port) + "a=sendonly\r\n"


def answer_in(call, at_s, status, method, *, body="", by_called=True):
    """The answer of the called side to a change that the caller asked for, or the other way round."""
    at_ns, frame = request_in(call, at_s, method, body=body, by_called=not by_called)
    text = frame[42:].decode().split("\r\n", 1)[1]
    ends = (PBX, call.caller_host) if by_called else (call.caller_host, PBX)
    return at_ns, udp(ends[0], 5060, ends[1], 5060, f"SIP/2.0 {status}\r\n{text}".encode())


def listen(*frames):
    observer = Observer()
    wire = sorted([*frames_of(CALL), *frames], key=lambda frame: frame[0])
    for block in CaptureFile(io.BytesIO(pcap_with(wire))):
        observer.add(block)
    [call] = observer.take()
    return call


def lengths_s(call):
    """How long each side is heard."""
    return {lane.side: len(lane.sound[lane.sound != 0xFF]) / 8000 for lane in call.lanes}


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
@pytest.mark.parametrize("by_called", [False, True])
@pytest.mark.parametrize("status", ["488 Not Acceptable Here", "491 Request Pending", "500 No", ""])
def test_an_offer_that_is_refused_or_never_answered_silences_nobody(method, by_called, status):
    body = sdp_of("192.0.2.99", 4444)
    frames = [request_in(CALL, 2.0, method, body=body, by_called=by_called)]
    if status:
        frames.append(answer_in(CALL, 2.1, status, method, by_called=not by_called))
    heard_s = lengths_s(listen(*frames))
    assert heard_s == {side: pytest.approx(6.0, abs=0.1) for side in Side}


@pytest.mark.parametrize("held", [HELD, sdp_of("0.0.0.0", CALL.port)])
def test_a_hold_that_is_refused_is_none_and_one_that_is_agreed_to_is(held):
    offer = request_in(CALL, 2.0, "INVITE", body=held)
    refused = listen(offer, answer_in(CALL, 2.1, "488 Not Acceptable Here", "INVITE"))
    assert not any(stance.media.is_held for stance in refused.dialog.stances)
    agreed = listen(offer, answer_in(CALL, 2.1, "200 OK", "INVITE", body=sdp_of(CALLED, CALL.port)))
    assert [stance.side for stance in agreed.dialog.stances if stance.media.is_held] == [Side.CALLER]


def test_a_change_to_fax_that_is_refused_leaves_the_sound():
    fax = f"v=0\r\nc=IN IP4 {CALLER}\r\nm=image {CALL.port} udptl t38\r\n"
    call = listen(request_in(CALL, 2.0, "INVITE", body=fax), answer_in(CALL, 2.1, "488 No", "INVITE"))
    assert {stance.media.kind for stance in call.dialog.stances} == {"audio"}


def test_media_that_goes_on_elsewhere_is_heard_before_and_after_the_other_side_agrees():
    moved = Sender(ssrc=9, at_s=6.3).send(cut(tone(1000, 3)))
    frames = [(CALL.began_ns + at_ns, udp(CALLED, CALL.port, "192.0.2.99", 4444, each)) for at_ns, each in moved.sent]
    offer = request_in(CALL, 6.2, "INVITE", body=sdp_of("192.0.2.99", 4444))
    for status in ("200 OK", ""):
        answer = [answer_in(CALL, 7.0, status, "INVITE", body=sdp_of(CALLED, CALL.port))] if status else []
        unended = [each for each in frames_of(CALL) if b"BYE" not in each[1]]
        observer = Observer()
        wire = sorted([*unended, *frames, offer, *answer], key=lambda frame: frame[0])
        for block in CaptureFile(io.BytesIO(pcap_with(wire))):
            observer.add(block)
        [call] = observer.take()
        assert lengths_s(call)[Side.CALLED] == pytest.approx(9.0, abs=0.1)


def test_what_was_refused_once_can_be_agreed_to_later():
    offers = [request_in(CALL, at_s, "INVITE", number=number, body=HELD) for at_s, number in ((2.0, 3), (3.0, 4))]
    refused = answer_in(CALL, 2.1, "491 Request Pending", "INVITE")
    at_ns, frame = answer_in(CALL, 3.1, "200 OK", "INVITE", body=sdp_of(CALLED, CALL.port))
    call = listen(*offers, refused, (at_ns, frame.replace(b"CSeq: 3 ", b"CSeq: 4 ")))
    assert [(stance.at_ns - CALL.began_ns) / 1e9 for stance in call.dialog.stances if stance.media.is_held] == [3.0]
