"""Media that is encrypted: opened where signalling tells the keys, and never taken for sound where it does not."""

import base64

import numpy as np
import pytest
from pylibsrtp import Policy, Session

from plugins.pbx_sip.calls.dialog import Side
from plugins.pbx_sip.calls.flows import Flows
from plugins.pbx_sip.calls.hops import Joined
from plugins.pbx_sip.calls.recorded import RecordedCall, record
from plugins.pbx_sip.calls.signalling import Signalling
from plugins.pbx_sip.calls.voices import find_voices
from plugins.pbx_sip.packets.datagrams import Datagrams, Endpoints
from tests.doubles.rtp_stream import BEGAN_NS, Sender, cut
from tests.doubles.sip_text import request, response
from tests.doubles.talk import tone

ONE, OTHER = "192.0.2.11", "192.0.2.12"
KEYS = {Side.CALLER: bytes(range(30)), Side.CALLED: bytes(range(30, 60))}
SAID = {Side.CALLER: tone(440, 4), Side.CALLED: tone(1000, 4)}
TURN_NS = 2_000_000_000
FINGERPRINT = "a=fingerprint:sha-256 AA:BB\r\n"


def crypto(side: Side, tag: str = "a=crypto:1") -> str:
    return f"{tag} AES_CM_128_HMAC_SHA1_80 inline:{base64.b64encode(KEYS[side]).decode()}\r\n"


def description(host: str, protocol: str, *lines: str) -> str:
    start = f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio 4000 {protocol} 0\r\n"
    return start + "".join(lines)


def recorded(
    offer: str,
    answer: str,
    *,
    is_encrypted: bool,
    keys: dict[Side, bytes] = KEYS,
    later: tuple[str, str] | None = None,
) -> RecordedCall:
    """A call of four seconds with these descriptions.

    later: what is offered and answered after two seconds, from when on it is encrypted if it was not, or the other way.
    """
    endpoints, flows = Endpoints(), Flows()
    signalling = Signalling(endpoints)
    signalling.add(request("INVITE", body=offer), BEGAN_NS)
    dialog = signalling.add(response("200 OK", body=answer), BEGAN_NS)
    assert dialog is not None
    if later:
        signalling.add(request("INVITE", tag="b", number="2", body=later[0]), BEGAN_NS + TURN_NS)
        signalling.add(response("200 OK", number="2", body=later[1]), BEGAN_NS + TURN_NS + 50_000_000)
    one, other = (endpoints.key(bytes(map(int, host.split("."))), 4000) for host in (ONE, OTHER))
    for side, source, target in ((Side.CALLER, one, other), (Side.CALLED, other, one)):
        sent = Sender(ssrc=source & 0xFFFF).send(cut(SAID[side])).sent
        session = Session(Policy(key=keys[side], ssrc_type=Policy.SSRC_ANY_OUTBOUND))
        sent = [
            (at_ns, session.protect(packet) if is_encrypted is not bool(later and at_ns >= TURN_NS) else packet)
            for at_ns, packet in sent
        ]
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
    voices = tuple(find_voices(dialog, flows, signalling.claims))
    assert all(flow.is_known for flow in flows.all())
    return record(Joined(dialog=dialog, hops=(dialog,), voices=voices))


def is_understood(call: RecordedCall) -> bool:
    return {lane.side: lane.sound.tobytes() for lane in call.lanes} == SAID


def test_keys_that_both_sides_give_open_what_is_called_plain() -> None:
    offer, answer = (description(host, "RTP/AVP", crypto(side)) for host, side in zip((ONE, OTHER), Side, strict=True))
    assert is_understood(recorded(offer, answer, is_encrypted=True))


def test_what_is_plain_stays_so_whatever_keys_were_given() -> None:
    offer, answer = (description(host, "RTP/AVP", crypto(side)) for host, side in zip((ONE, OTHER), Side, strict=True))
    assert is_understood(recorded(offer, answer, is_encrypted=False))
    assert is_understood(recorded(offer, description(OTHER, "RTP/AVP"), is_encrypted=False))


def test_a_key_that_was_offered_as_a_capability_opens_what_the_answer_made_secure() -> None:
    capability = ("a=tcap:1 RTP/SAVP\r\n", crypto(Side.CALLER, "a=acap:1 crypto:1"), "a=pcfg:1 t=1 a=1\r\n")
    offer = description(ONE, "RTP/AVP", *capability)
    answer = description(OTHER, "RTP/SAVP", crypto(Side.CALLED), "a=acfg:1 t=1 a=1\r\n")
    assert is_understood(recorded(offer, answer, is_encrypted=True))


@pytest.mark.parametrize("is_encrypted", [True, False], ids=["then plain", "first plain"])
def test_a_call_that_goes_over_between_plain_and_encrypted_sound_is_heard_as_a_whole(is_encrypted: bool) -> None:
    secure = [description(host, "RTP/SAVP", crypto(side)) for host, side in zip((ONE, OTHER), Side, strict=True)]
    plain = [description(host, "RTP/AVP") for host in (ONE, OTHER)]
    first, later = (secure, plain) if is_encrypted else (plain, secure)
    assert is_understood(recorded(*first, is_encrypted=is_encrypted, later=(later[0], later[1])))


@pytest.mark.parametrize("protocol", ["UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF", "RTP/SAVPF", "RTP/AVP"])
def test_what_is_encrypted_by_dtls_has_no_sound_and_says_so(protocol: str) -> None:
    offer, answer = (description(host, protocol, FINGERPRINT) for host in (ONE, OTHER))
    call = recorded(offer, answer, is_encrypted=True)
    assert not call.is_heard
    assert "DTLS" in call.why_unheard
    assert call.length_s == pytest.approx(4.0, abs=0.1)
    assert [lane.undecoded for lane in call.lanes] == [("DTLS-SRTP",)] * 2


def test_plain_sound_of_sides_that_could_have_encrypted_it_is_heard() -> None:
    offer, answer = (description(host, "RTP/AVP", FINGERPRINT) for host in (ONE, OTHER))
    assert is_understood(recorded(offer, answer, is_encrypted=False))


def test_what_only_looks_encrypted_is_kept_and_marked() -> None:
    call = recorded(description(ONE, "RTP/AVP"), description(OTHER, "RTP/AVP"), is_encrypted=True)
    assert [lane.is_scrambled for lane in call.lanes] == [True, True]
    assert call.is_heard
    plain = recorded(description(ONE, "RTP/AVP"), description(OTHER, "RTP/AVP"), is_encrypted=False)
    assert not any(lane.is_scrambled for lane in plain.lanes)
