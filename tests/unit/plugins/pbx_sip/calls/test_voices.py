"""Which media belongs to a call, by when its sides said where they want it."""

import numpy as np
import pytest

from plugins.pbx_sip.calls.dialog import Side
from plugins.pbx_sip.calls.flows import Flows
from plugins.pbx_sip.calls.signalling import Signalling
from plugins.pbx_sip.calls.voices import find_voices
from plugins.pbx_sip.packets.datagrams import Datagrams, Endpoints
from tests.doubles.rtp_stream import BEGAN_NS, Sender
from tests.doubles.sip_text import request, response, sdp

ONE, OTHER = "192.0.2.11", "192.0.2.12"
SAID_NS = BEGAN_NS + 10_000_000_000


def heard_s(tag: str, earlier_call: str = "") -> float:
    """How much of twenty seconds of the caller's media is found, if an INVITE comes in their middle.

    tag: of the called one in it. earlier_call: that had the called one's endpoint before.
    """
    endpoints, flows = Endpoints(), Flows()
    signalling = Signalling(endpoints)
    source, target = (endpoints.key(bytes(map(int, host.split("."))), 4000) for host in (ONE, OTHER))
    sent = Sender().send([bytes(160)] * 1000).sent
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
    signalling.add(request("INVITE", tag=tag, body=sdp(ONE, 4000)), SAID_NS)
    dialog = signalling.add(response("200 OK", body=sdp(OTHER, 4000)), SAID_NS)
    assert dialog is not None
    [voice] = find_voices(dialog, flows, signalling.claims)
    assert voice.side is Side.CALLER
    return len(voice.packets) * 0.02


def test_media_belongs_to_a_call_from_a_moment_before_it_was_begun() -> None:
    assert heard_s(tag="") == pytest.approx(12.0, abs=0.1)


def test_all_media_of_a_call_that_went_on_when_it_was_first_heard_of_is_its_own() -> None:
    assert heard_s(tag="b") == pytest.approx(20.0)


def test_what_another_call_had_before_is_not_its_own() -> None:
    assert heard_s(tag="b", earlier_call="c0") == pytest.approx(10.0, abs=0.1)
