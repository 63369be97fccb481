import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.sdp.answer import (
    Place,
    agree,
    answer_offer,
    can_record,
    is_unknown_sound,
    make_offer,
    make_reoffer,
)
from plugins.pbx_sip.sdp.description import Description, Direction, Origin
from plugins.pbx_sip.sdp.errors import BadDescription
from plugins.pbx_sip.sdp.reader import parse_description
from plugins.pbx_sip.sdp.writer import render_description

HEAD = "v=0\r\no=- 20076 595552 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
ORIGIN = Origin(session_id=9, version=1, address="198.51.100.7")
MATERIAL = bytes(range(46))
PLACES = {index: Place(address="198.51.100.7", port=20000 + 2 * index, material=MATERIAL) for index in range(4)}
KEY = base64.b64encode(bytes(30)).decode()
LONG_KEY = base64.b64encode(bytes(44)).decode()


def _answer(text: str, previous: Description | None = None, places: dict[int, Place] | None = None) -> Description:
    offer = parse_description((HEAD + text).encode())
    answer = answer_offer(offer, PLACES if places is None else places, origin=ORIGIN, previous=previous)
    again = parse_description(render_description(answer)).media
    assert [media.port for media in again] == [media.port for media in answer.media]
    assert all(read == written for read, written in zip(again, answer.media, strict=True) if written.port)
    return answer


def test_lines_keep_their_number_order_and_labels():
    answer = _answer(
        "m=audio 4000 RTP/AVP 0\r\na=label:2\r\na=sendonly\r\nm=video 4002 RTP/AVP 31\r\na=label:v\r\n"
        "m=audio 4004 RTP/AVP 8\r\na=label:1\r\na=sendonly\r\nm=image 4006 udptl t38\r\n"
    )
    assert [(media.kind, media.port, media.label) for media in answer.media] == [
        ("audio", 20000, "2"),
        ("video", 0, "v"),
        ("audio", 20004, "1"),
        ("image", 0, ""),
    ]
    assert (answer.media[3].protocol, answer.media[3].formats) == ("udptl", ("t38",))


@pytest.mark.parametrize(
    ("offered", "answered"),
    [("sendonly", "recvonly"), ("sendrecv", "recvonly"), ("inactive", "inactive"), ("recvonly", "inactive")],
)
def test_a_recorder_only_receives(offered, answered):
    (media,) = _answer(f"m=audio 4000 RTP/AVP 0\r\na={offered}\r\n").media
    assert media.direction == Direction(answered)
    assert media.port == 20000


def test_codecs_that_can_be_decoded_come_first_then_key_presses_and_comfort_noise():
    (media,) = _answer(
        "m=audio 4000 RTP/AVP 98 8 101 19 0 18\r\na=rtpmap:98 EVS/16000\r\na=rtpmap:101 telephone-event/8000\r\n"
        "a=fmtp:101 0-15\r\na=rtpmap:19 CN/8000\r\na=fmtp:18 annexb=no\r\na=ptime:30\r\na=maxptime:60\r\n"
    ).media
    assert media.formats == ("8", "0", "18", "101", "19")
    assert [codec.parameters for codec in media.codecs] == ["", "", "annexb=no", "0-15", ""]
    assert (media.ptime_ms, media.maxptime_ms) == (30, 60)


def test_without_a_codec_that_can_be_decoded_the_line_is_refused():
    answer = _answer("m=audio 4000 RTP/AVP 98 101\r\na=rtpmap:98 EVS/16000\r\na=rtpmap:101 telephone-event/8000\r\n")
    assert [(media.port, media.formats) for media in answer.media] == [(0, ("98", "101"))]
    assert _answer("m=audio 0 RTP/AVP 0\r\n").media[0].port == 0
    assert _answer("m=audio 4000 RTP/AVP 0\r\n", places={}).media[0].port == 0


def test_rtcp_is_answered_as_offered():
    plain, told, shared_port = _answer(
        "m=audio 4000 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 0\r\na=rtcp:4003\r\n"
        "m=audio 4004 RTP/AVP 0\r\na=rtcp:4004\r\na=rtcp-mux\r\n"
    ).media
    assert (plain.rtcp_port, plain.rtcp_mux) == (None, False)
    assert (told.rtcp_port, told.rtcp_mux) == (20003, False)
    assert (shared_port.rtcp_port, shared_port.rtcp_mux) == (20004, True)
    places = {0: Place(address="198.51.100.7", port=30000, rtcp_port=30100)}
    assert _answer("m=audio 4000 RTP/AVP 0\r\n", places=places).media[0].rtcp_port == 30100


def test_the_best_suite_is_answered_under_its_tag_with_our_own_key():
    text = (
        f"m=audio 4000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:{KEY}\r\n"
        f"a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^31|1:1\r\na=crypto:3 AEAD_AES_256_GCM inline:{LONG_KEY}\r\n"
    )
    answer = _answer(text)
    (crypto,) = answer.media[0].crypto
    assert (crypto.tag, crypto.suite.name, crypto.keys[0].material) == (3, "AEAD_AES_256_GCM", MATERIAL[:44])
    (agreement,) = agree(answer, parse_description((HEAD + text).encode()))
    assert agreement.peer_crypto
    assert (agreement.own_crypto, agreement.peer_crypto.keys[0].material) == (crypto, bytes(44))


def test_a_secure_line_without_a_usable_key_is_refused():
    for line in ("", "a=crypto:1 F8_128_HMAC_SHA1_80 inline:x\r\n", f"a=crypto:1 AEAD_AES_256_GCM inline:{KEY}\r\n"):
        assert _answer(f"m=audio 4000 RTP/SAVP 0\r\n{line}").media[0].port == 0
    assert _answer("m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\na=fingerprint:sha-256 00\r\n").media[0].port == 0


def test_keys_offered_for_plain_rtp_are_taken_where_we_have_some():
    text = f"m=audio 4000 RTP/AVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n"
    assert _answer(text).media[0].crypto
    assert not _answer(text, places={0: Place(address="198.51.100.7", port=20000)}).media[0].crypto


def test_too_little_material_for_a_key_is_an_error():
    text = f"m=audio 4000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n"
    with pytest.raises(BadDescription, match="needs 30 bytes"):
        _answer(text, places={0: Place(address="198.51.100.7", port=20000, material=b"short")})


def test_the_version_rises_with_every_change_and_stays_for_a_refresh():
    active = "m=audio 4000 RTP/AVP 0\r\na=sendonly\r\n"
    held = active.replace("sendonly", "inactive")
    first = _answer(active)
    second = _answer(held, previous=first)
    third = _answer(held, previous=second)
    assert [answer.origin.version for answer in (first, second, third)] == [1, 2, 2]
    assert second.origin.session_id == first.origin.session_id
    longer = _answer(held + "m=audio 4002 RTP/AVP 0\r\n", previous=third)
    assert (longer.origin.version, len(longer.media)) == (3, 2)


def test_our_own_offer_receives_on_every_place_and_is_settled_by_the_answer():
    offer = make_offer([PLACES[0], PLACES[1]], origin=ORIGIN)
    assert [media.direction for media in offer.media] == [Direction.RECVONLY] * 2
    assert parse_description(render_description(offer)) == offer
    reply = parse_description(
        (HEAD + "m=audio 5000 RTP/AVP 8 101\r\na=sendonly\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:30\r\n"
         "m=audio 0 RTP/AVP 0\r\n").encode()
    )  # fmt: skip
    (agreement,) = agree(offer, reply)
    assert (agreement.index, agreement.peer_port, agreement.place.port) == (0, 5000, 20000)
    assert [codec.name for codec in agreement.codecs] == ["PCMA", "TELEPHONE-EVENT"]
    assert agreement.ptime_ms == 30


def test_our_own_offer_may_ask_for_srtp():
    offer = make_offer([PLACES[0]], origin=ORIGIN, secure=True)
    assert (offer.media[0].protocol, offer.media[0].crypto[0].keys[0].material) == ("RTP/SAVP", MATERIAL[:30])


def test_a_pause_is_our_last_description_with_another_direction():
    answer = _answer("m=audio 4000 RTP/AVP 0\r\na=sendonly\r\nm=video 4002 RTP/AVP 31\r\n")
    pause = make_reoffer(answer, Direction.INACTIVE)
    assert [(media.port, media.direction) for media in pause.media] == [
        (20000, Direction.INACTIVE),
        (0, Direction.INACTIVE),
    ]
    assert pause.origin.version == answer.origin.version + 1


def test_ipv6_is_answered_with_ipv6():
    place = Place(address="2001:db8::7", port=20000)
    answer = _answer("m=audio 4000 RTP/AVP 0\r\nc=IN IP6 2001:db8::1\r\n", places={0: place})
    assert b"c=IN IP6 2001:db8::7\r\n" in render_description(answer)


LINES = st.sampled_from(
    f"""m=audio 4000 RTP/AVP 0 8 101
m=audio 4000 RTP/SAVP 0
m=video 4000 RTP/AVP 31
m=image 0 udptl t38
m=x 1 y
m=\x01 4000 a,b \x02
a=rtpmap:101 telephone-event/8000
a=rtpmap:8 EVS/16000
a=fmtp:0 \x07\0x
a=label:é
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}
a=sendonly
a=inactive
a=rtcp:1
a=rtcp-mux
c=IN IP4 x""".split("\n")
)


@settings(max_examples=200, deadline=None)
@given(st.lists(LINES, max_size=20))
def test_any_offer_has_a_valid_answer(lines):
    offer = parse_description((HEAD + "\r\n".join(lines)).encode())
    places = {index: PLACES[index % 4] for index in range(len(offer.media))}
    answer = answer_offer(offer, places, origin=ORIGIN)
    assert len(answer.media) == len(offer.media)
    again = parse_description(render_description(answer))
    assert [media.port for media in again.media] == [media.port for media in answer.media]
    for offered, answered in zip(offer.media, again.media, strict=True):
        assert bool(answered.port) == can_record(offered)
        assert set(answered.formats) <= {*offered.formats, "0"}
        assert answered.direction in {Direction.RECVONLY, Direction.INACTIVE} or not answered.port


def test_a_line_of_key_presses_alone_is_nobodys_voice_and_none_that_could_not_be_recorded():
    lines = "m=audio 4000 RTP/AVP 0\r\na=label:1\r\nm=audio 4002 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\na=label:2\r\n"
    offer = parse_description((HEAD + lines).encode())
    assert offer.audio_labels == {0: "1"}
    assert not is_unknown_sound(offer.media[1])
