"""What SIP on the wire says of calls."""

import pytest

from plugins.pbx_sip.calls.dialog import Side
from plugins.pbx_sip.calls.numbers import number_of
from plugins.pbx_sip.calls.signalling import Signalling
from plugins.pbx_sip.packets.datagrams import Endpoints
from tests.doubles.sip_text import request, response, sdp

S = 1_000_000_000


@pytest.fixture
def endpoints():
    return Endpoints()


@pytest.fixture
def wire(endpoints):
    return Signalling(endpoints)


def heard(wire, *messages):
    """The one call that these messages, a second apart, belong to."""
    for at_s, message in enumerate(messages, start=1):
        wire.add(message, at_s * S)
    [dialog] = wire.dialogs.values()
    return dialog


def places(dialog, endpoints):
    return [(each.side, endpoints.text(each.endpoint)) for each in dialog.listenings]


def test_a_call_is_followed_from_the_invite_to_the_bye(wire, endpoints):
    dialog = heard(
        wire,
        request("INVITE", body=sdp("192.0.2.1", 4000)),
        response("180 Ringing"),
        response("200 OK", body=sdp("192.0.2.2", 5000)),
        request("ACK", tag="b"),
        request("BYE", tag="b", by_called="yes"),
    )
    assert (number_of(dialog.caller), number_of(dialog.called)) == ("201", "305")
    assert places(dialog, endpoints) == [(Side.CALLER, "192.0.2.1:4000"), (Side.CALLED, "192.0.2.2:5000")]
    assert (dialog.answered_ns, dialog.ended_ns, dialog.ended_by) == (3 * S, 5 * S, Side.CALLED)


def test_an_offer_in_the_answer_and_an_answer_in_the_ack_are_understood(wire, endpoints):
    dialog = heard(
        wire,
        request("INVITE"),
        response("200 OK", body=sdp("192.0.2.2", 5000)),
        request("ACK", tag="b", body=sdp("192.0.2.1", 4000)),
    )
    assert places(dialog, endpoints) == [(Side.CALLED, "192.0.2.2:5000"), (Side.CALLER, "192.0.2.1:4000")]


def test_a_call_whose_invite_was_missed_is_a_call(wire, endpoints):
    dialog = heard(
        wire,
        response("200 OK", body=sdp("192.0.2.2", 5000)),
        request("INVITE", body=sdp("192.0.2.1", 4000)),
        request("BYE", tag="b"),
    )
    assert places(dialog, endpoints) == [(Side.CALLED, "192.0.2.2:5000"), (Side.CALLER, "192.0.2.1:4000")]
    assert dialog.ended_by is Side.CALLER


def test_media_that_moves_by_a_new_offer_of_either_side_is_followed(wire, endpoints):
    dialog = heard(
        wire,
        request("INVITE", body=sdp("192.0.2.1", 4000)),
        response("200 OK", body=sdp("192.0.2.2", 5000)),
        request("INVITE", tag="b", by_called="yes", body=sdp("192.0.2.3", 6000)),
        response("200 OK", by_called="yes", body=sdp("192.0.2.1", 4002)),
    )
    assert places(dialog, endpoints)[2:] == [(Side.CALLED, "192.0.2.3:6000"), (Side.CALLER, "192.0.2.1:4002")]
    assert (number_of(dialog.caller), number_of(dialog.called)) == ("201", "305")


def test_what_is_said_again_changes_nothing(wire):
    offer = request("INVITE", body=sdp("192.0.2.1", 4000))
    assert len(heard(wire, offer, offer, offer).listenings) == 1


def test_a_challenge_is_no_end_and_a_refusal_is(wire):
    assert not heard(wire, request("INVITE"), response("401 Unauthorized")).is_over
    assert heard(wire, request("INVITE"), response("486 Busy Here")).is_over
    assert not heard(wire, request("INVITE"), response("486 Busy Here"), request("INVITE")).is_over


def test_a_refused_change_does_not_end_an_answered_call(wire):
    answered = [request("INVITE"), response("200 OK")]
    assert not heard(wire, *answered, request("INVITE", tag="b"), response("488 Not Acceptable Here")).is_over


def test_keys_in_info_are_kept_with_their_time(wire):
    relay = {"content_type": "application/dtmf-relay", "tag": "b"}
    dialog = heard(
        wire,
        request("INVITE"),
        request("INFO", body="Signal=5\r\nDuration=160\r\n", **relay, number="2"),
        request("INFO", body="Signal= 10\r\n", **relay, number="3"),
        request("INFO", body="#", tag="b", content_type="application/dtmf", number="4"),
        request("INFO", body="Signal=hello", **relay),
        request("INFO", body="<media_control/>", tag="b", content_type="application/media_control+xml"),
    )
    assert [(key.at_ns, key.side, key.key) for key in dialog.keys] == [
        (2 * S, Side.CALLER, "5"),
        (3 * S, Side.CALLER, "*"),
        (4 * S, Side.CALLER, "#"),
    ]


def test_a_key_is_of_whoever_sent_it_and_counts_once_however_often_it_was_seen(wire):
    relay = {"content_type": "application/dtmf-relay", "tag": "b"}
    once, again = (request("INFO", body="Signal=5\r\n", **relay, number=number) for number in ("2", "3"))
    from_called = request("INFO", body="Signal=5\r\n", **relay, number="2", by_called="yes")
    dialog = heard(wire, request("INVITE"), once, once, again, from_called, from_called)
    assert [(key.at_ns // S, key.side) for key in dialog.keys] == [
        (2, Side.CALLER),
        (4, Side.CALLER),
        (5, Side.CALLED),
    ]


def test_how_a_side_wants_its_media_is_noted_when_it_changes(wire):
    offer, held = sdp("192.0.2.1", 4000), sdp("192.0.2.1", 4000, direction="inactive")
    fax = "v=0\r\nc=IN IP4 192.0.2.1\r\nm=image 4000 udptl t38\r\n"
    dialog = heard(wire, *(request("INVITE", body=body) for body in (offer, offer, held, held, offer, fax)))
    assert [(stance.at_ns, stance.media.kind, stance.media.is_held) for stance in dialog.stances] == [
        (1 * S, "audio", False),
        (3 * S, "audio", True),
        (5 * S, "audio", False),
        (6 * S, "image", False),
    ]


def test_what_the_network_asserts_and_fields_of_the_vendor_are_kept(wire):
    headers = 'P-Asserted-Identity: "Bob" <tel:+49301>\r\nX-Agent: 7\r\nUser-to-User: 00\r\nMax-Forwards: 70'
    dialog = heard(wire, request("INVITE", headers=headers), response("200 OK", headers="X-Agent: 8"))
    assert number_of(dialog.identities[Side.CALLER]) == "+49301"
    assert dialog.headers["X-Agent"] == "7"
    assert dialog.headers["X-Agent (called)"] == "8"
    assert "User-to-User" in dialog.headers
    assert "Max-Forwards" not in dialog.headers


def test_a_transfer_is_noted_on_both_calls(wire):
    dialog = heard(wire, request("INVITE"), request("REFER", tag="b", headers="Refer-To: <sip:400@pbx>"))
    assert dialog.referred_to == "sip:400@pbx"
    other = wire.add(request("INVITE", "c2", headers="Replaces: c1;to-tag=b;from-tag=a"), S)
    assert other.replaces == "c1"


@pytest.mark.parametrize(
    "body",
    ["v=0\r\nm=audio 0 RTP/AVP 0\r\n", sdp("0.0.0.0", 4000), sdp("phone.example", 4000), "junk", "m=image 9 udptl t38"],
)
def test_a_description_that_leads_nowhere_is_no_place_of_media(wire, body):
    assert heard(wire, request("INVITE", body=body)).listenings == []


@pytest.mark.parametrize(
    "message", [request("OPTIONS"), request("REGISTER"), request("CANCEL"), response("404 Not Found")]
)
def test_what_is_about_no_call_that_was_seen_is_passed_over(wire, message):
    assert wire.add(message, S) is None
    assert wire.dialogs == {}


def test_calls_are_taken_when_they_are_over_or_nothing_was_heard_for_long(wire):
    heard(wire, request("INVITE"), request("BYE", tag="b"))
    wire.add(request("INVITE", "c2"), 3 * S)
    assert [dialog.call_id for dialog in wire.take(10 * S, 0)] == ["c1"]
    assert wire.take(10 * S, 2 * S) == []
    assert [dialog.call_id for dialog in wire.take(10 * S, 4 * S)] == ["c2"]
