"""Which media belongs to a call, by when its sides said where they want it."""

from struct import pack

import numpy as np
import pytest

from plugins.pbx_sip.calls.dialog import Side
from plugins.pbx_sip.calls.flows import Flows
from plugins.pbx_sip.calls.signalling import Signalling
from plugins.pbx_sip.calls.voices import Voice, find_voices
from plugins.pbx_sip.packets.datagrams import Datagrams, Endpoints
from tests.doubles.rtp_stream import BEGAN_NS, Sender
from tests.doubles.sip_text import request, response, sdp

ONE, OTHER = "192.0.2.11", "192.0.2.12"
SAID_NS = BEGAN_NS + 10_000_000_000


def find_voice(
    sent: list[tuple[int, bytes]], tag: str = "", earlier_call: str = "", offer: str = sdp(ONE, 4000)
) -> Voice:
    """What is found of packets of the caller, if an INVITE comes ten seconds after the first of them.

    tag: of the called one in it. earlier_call: that had the called one's endpoint before.
    """
    endpoints, flows = Endpoints(), Flows()
    signalling = Signalling(endpoints)
    source, target = (endpoints.key(bytes(map(int, host.split("."))), 4000) for host in (ONE, OTHER))
    length = np.array([len(packet) for _, packet in sent], np.int32)
    flows.add(
        Datagrams(
            buffer=np.frombuffer(b"".join(packet for _, packet in sent), np.uint8),
            time_ns=np.array([BEGAN_NS + at_ns for at_ns, _ in sent], np.int64),
            source=np.full(len(sent), source, np.uint64),
            target=np.full(len(sent), target, np.uint64),
            offset=np.cumsum(length, dtype=np.int64) - length,
            length=length,
        )
    )
    if earlier_call:
        signalling.claims.claim(target, earlier_call, BEGAN_NS)
    signalling.add(request("INVITE", tag=tag, body=offer), SAID_NS)
    dialog = signalling.add(response("200 OK", body=sdp(OTHER, 4000)), SAID_NS)
    assert dialog is not None
    [voice] = find_voices(dialog, flows, signalling.claims)
    assert voice.side is Side.CALLER
    return voice


def heard_s(tag: str, earlier_call: str = "") -> float:
    """How much of twenty seconds of the caller's media is found."""
    return len(find_voice(Sender().send([bytes(160)] * 1000).sent, tag, earlier_call).packets) * 0.02


def test_media_belongs_to_a_call_from_a_moment_before_it_was_begun() -> None:
    assert heard_s(tag="") == pytest.approx(12.0, abs=0.1)


def test_all_media_of_a_call_that_went_on_when_it_was_first_heard_of_is_its_own() -> None:
    assert heard_s(tag="b") == pytest.approx(20.0)


def test_what_another_call_had_before_is_not_its_own() -> None:
    assert heard_s(tag="b", earlier_call="c0") == pytest.approx(10.0, abs=0.1)


def test_what_was_offered_and_declined_is_known_by_the_offer_where_it_is_sent_all_the_same() -> None:
    red = pack(">I", 0x80000000 | 160 << 10 | 160) + bytes(321)
    offer = sdp(ONE, 4000).replace("RTP/AVP 0\r\n", "RTP/AVP 121 0\r\na=rtpmap:121 red/8000\r\na=fmtp:121 0/0\r\n")
    voice = find_voice(Sender(payload_type=121).send([red] * 1000).sent, "b", offer=offer)
    [(codec, packets)] = voice.by_codec()
    assert (codec.name, len(packets)) == ("PCMU", 1001)  # the first one repeats what was before it


def test_what_the_listener_calls_a_payload_type_goes_before_what_its_sender_calls_it() -> None:
    offer = sdp(ONE, 4000).replace("RTP/AVP 0\r\n", "RTP/AVP 0\r\na=rtpmap:0 G722/8000\r\n")
    [(codec, _)] = find_voice(Sender().send([bytes(160)] * 1000).sent, "b", offer=offer).by_codec()
    assert codec.name == "PCMU"
