import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.sdp.description import Description, Direction, Media, is_unspecified
from plugins.pbx_sip.sdp.errors import BadDescription
from plugins.pbx_sip.sdp.reader import TEXT_BYTES_MAX, parse_description
from plugins.pbx_sip.sdp.writer import render_description

HEAD = "v=0\r\no=- 20076 595552 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"


def _read(text: str) -> Description:
    return parse_description(text.encode())


def _media(text: str) -> Media:
    (media,) = _read(HEAD + text).media
    return media


def test_session_and_media_are_read():
    found = _read(
        HEAD + "a=tool:x\r\nm=audio 20106 RTP/AVP 0 97\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:97 telephone-event/8000\r\n"
        "a=fmtp:97 0-16\r\na=label:16777227\r\na=sendonly\r\na=ptime:20\r\na=maxptime:150\r\nm=audio 20110 RTP/AVP 8\r\n"
    )
    assert (found.origin.session_id, found.origin.version, found.origin.address) == (20076, 595552, "192.0.2.1")
    assert found.attributes == (("tool", "x"),)
    first, second = found.media
    assert [(codec.payload_type, codec.name, codec.clock_rate_hz, codec.parameters) for codec in first.codecs] == [
        (0, "PCMU", 8000, ""),
        (97, "TELEPHONE-EVENT", 8000, "0-16"),
    ]
    assert (first.label, first.direction, first.ptime_ms, first.maxptime_ms) == (
        "16777227",
        Direction.SENDONLY,
        20,
        150,
    )
    assert (second.label, second.direction, second.address) == ("", Direction.SENDRECV, "192.0.2.1")
    assert found.problems == ()


@pytest.mark.parametrize(
    ("payload_type", "name", "clock_rate_hz"),
    [(0, "PCMU", 8000), (8, "PCMA", 8000), (9, "G722", 8000), (18, "G729", 8000), (3, "GSM", 8000), (13, "CN", 8000)],
)
def test_a_static_type_needs_no_rtpmap(payload_type, name, clock_rate_hz):
    (codec,) = _media(f"m=audio 4000 RTP/AVP {payload_type}\r\n").codecs
    assert (codec.name, codec.clock_rate_hz) == (name, clock_rate_hz)


def test_a_dynamic_type_without_rtpmap_is_kept_without_a_name():
    (codec,) = _media("m=audio 4000 RTP/AVP 98\r\n").codecs
    assert (codec.payload_type, codec.name) == (98, "")


@pytest.mark.parametrize("line", ["a=label:1", "a= label:1", "a=label: 1", "A=LABEL:1", " a=label:1 "])
def test_a_label_may_have_spaces_around_it(line):
    assert _media(f"m=audio 4000 RTP/AVP 0\r\n{line}\r\n").label == "1"


def test_lines_may_end_anyhow_and_the_last_one_not_at_all():
    text = HEAD + "m=audio 10292 RTP/AVP 0\r\na=sendonly\r\na=label:1"
    for ending in ("\r\n", "\n", "\r"):
        media = _read("\n" + text.replace("\r\n", ending)).media[0]
        assert (media.label, media.direction) == ("1", Direction.SENDONLY)


def test_the_address_comes_from_the_media_or_the_session_or_is_unknown():
    bare = "v=0\r\no=- 1 0 IN IP4 0.0.0.0\r\ns=-\r\nm=audio 4000 RTP/AVP 0\r\n"
    assert _read(bare).media[0].address == ""
    assert _read(bare + "c=IN IP4 192.0.2.9\r\n").media[0].address == "192.0.2.9"
    assert _media("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 224.2.1.1/127/3\r\n").address == "224.2.1.1"
    assert _media("m=audio 4000 RTP/AVP 0\r\nc=IN IP6 2001:db8::1\r\n").address == "2001:db8::1"


@pytest.mark.parametrize(
    ("lines", "held", "sending"),
    [
        ("a=sendrecv\r\n", False, True),
        ("", False, True),
        ("a=sendonly\r\n", True, True),
        ("a=recvonly\r\n", False, False),
        ("a=inactive\r\n", True, False),
        ("c=IN IP4 0.0.0.0\r\na=sendrecv\r\n", True, False),
        ("c=IN IP6 ::\r\na=sendrecv\r\n", True, False),
    ],
)
def test_hold_is_seen_in_direction_and_address(lines, held, sending):
    media = _media("m=audio 4000 RTP/AVP 0\r\n" + lines)
    assert (media.is_held, media.is_sending) == (held, sending)


def test_a_direction_of_the_session_holds_for_media_without_one():
    found = _read(HEAD + "a=inactive\r\nm=audio 4000 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 0\r\na=sendonly\r\n")
    assert [media.direction for media in found.media] == [Direction.INACTIVE, Direction.SENDONLY]


def test_ports_may_be_zero_or_many():
    assert _media("m=video 0 RTP/AVP 31\r\n").is_rejected
    media = _media("m=audio 49170/2 RTP/AVP 0\r\n")
    assert (media.port, media.port_count) == (49170, 2)


def test_fax_and_video_are_told_from_audio():
    found = _read(HEAD + "m=image 5004 udptl t38\r\na=T38FaxVersion:0\r\nm=video 5006 RTP/AVP 96\r\n")
    fax, video = found.media
    assert (fax.kind, fax.protocol, fax.formats, fax.codecs, fax.is_rtp) == ("image", "udptl", ("t38",), (), False)
    assert (video.kind, video.is_rtp) == ("video", True)


def test_rtcp_has_its_own_port_and_address_or_shares_that_of_the_media():
    media = _media("m=audio 4000 RTP/AVP 0\r\na=rtcp:53020 IN IP6 2001:db8::2\r\na=rtcp-mux\r\n")
    assert (media.rtcp_port, media.rtcp_address, media.rtcp_mux) == (53020, "2001:db8::2", True)
    assert _media("m=audio 4000 RTP/AVP 0\r\na=rtcp:53020\r\n").rtcp_address == ""


def test_ice_is_left_out_and_other_attributes_are_kept():
    media = _media(
        "m=audio 4000 RTP/AVP 0\r\na=candidate:1 1 UDP 1 192.0.2.1 4000 typ host\r\na=ice-ufrag:x\r\na=mid:a\r\n"
    )
    assert media.attributes == (("mid", "a"),)


def test_an_origin_may_be_missing_short_or_have_a_name_with_spaces():
    assert _read("v=0\r\nm=audio 1 RTP/AVP 0\r\n").problems == ("the o= line is missing or incomplete",)
    assert _read("v=0\r\no=x 5\r\nm=audio 1 RTP/AVP 0\r\n").origin.session_id == 5
    origin = _read("v=0\r\no=SIP Gateway 1 7 9 IN IP4 192.0.2.1\r\n").origin
    assert (origin.username, origin.session_id, origin.version) == ("SIP Gateway 1", 7, 9)
    assert _read(f"v=0\r\no=- {'9' * 30} -1 IN IP4 192.0.2.1\r\n").origin.session_id == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        HEAD + "m=audio\r\n",
        HEAD + "m=audio many RTP/AVP 0\r\n",
        HEAD + "m=audio 70000 RTP/AVP 0\r\n",
        HEAD + "m=audio -1 RTP/AVP 0\r\n",
        HEAD + "m=audio 4000 RTP/AVP 0\r\n" * 65,
        "v=0\r\n" * 3000,
        "v=0\r\n" + "a" * TEXT_BYTES_MAX,
    ],
)
def test_what_is_no_description_or_too_long_is_refused(text):
    with pytest.raises(BadDescription):
        _read(text)


def test_odd_bytes_are_read_as_text():
    assert parse_description(HEAD.encode().replace(b"s=-", b"s=B\xfcro") + b"m=audio 1 RTP/AVP 0").name.startswith("B")


def test_only_addresses_of_all_zeros_are_unspecified():
    assert is_unspecified("0.0.0.0")
    assert not is_unspecified("X.X.X.X")
    assert not is_unspecified("")


def test_the_largest_hostile_description_is_read_in_a_moment():
    started = time.monotonic()
    for unit in (
        "a=rtpmap:0 PCMU/8000\n",
        "a=x\n",
        "m=audio 1 RTP/AVP " + "0 " * 400 + "\n",
        "c= \n",
        "o=" + " a" * 50,
    ):
        text = ("v=0\nm=audio 1 RTP/AVP 0\n" + unit * 2000)[:TEXT_BYTES_MAX]
        try:
            _read(text)
        except BadDescription:
            continue
    assert time.monotonic() - started < 2


LINES = st.sampled_from(
    [
        "v=0",
        "o=- 1 2 IN IP4 192.0.2.1",
        "s=x",
        "c=IN IP4 192.0.2.1",
        "c=",
        "m=audio 4000 RTP/AVP 0 8 101",
        "m=video 0 x 1",
        "m=audio 1/0 RTP/SAVP",
        "a=rtpmap:101 telephone-event/8000",
        "a=rtpmap:0 /",
        "a=fmtp:0 x",
        "a=ptime:20",
        "a=rtcp:1 IN IP4 x",
        "a=sendonly",
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA|2^31|1:4",
        "a=label:é",
        "a=",
        "=",
        "a:b",
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(LINES | st.text(max_size=20), max_size=30))
def test_any_lines_are_a_description_or_are_refused(lines):
    try:
        found = _read("\r\n".join(lines))
        render_description(found)
    except BadDescription:
        return


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_description_or_are_refused(data):
    try:
        parse_description(data)
    except BadDescription:
        return


def test_media_whose_keys_are_agreed_on_by_dtls_is_audio_with_its_codecs() -> None:
    text = b"v=0\r\na=fingerprint:sha-256 AA\r\nm=audio 4000 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n"
    [media] = parse_description(text).media
    assert (media.is_dtls, media.is_rtp, media.has_fingerprint) == (True, False, True)
    assert [codec.name for codec in media.codecs] == ["OPUS"]


def test_keys_that_are_offered_as_a_capability_are_known_apart_from_those_in_use() -> None:
    key = "inline:" + "A" * 40
    text = (
        "v=0\r\nm=audio 4000 RTP/AVP 0\r\na=tcap:1 RTP/SAVP\r\n"
        f"a=acap:1 crypto:1 AES_CM_128_HMAC_SHA1_80 {key}\r\na=acap:2 rtcp-fb:* nack\r\na=pcfg:1 t=1 a=1\r\n"
    )
    [media] = parse_description(text.encode()).media
    assert (media.crypto, [crypto.tag for crypto in media.possible_crypto]) == ((), [1])


def test_whether_a_line_is_recorded_and_wants_to_be_is_read_from_it_or_from_the_session() -> None:
    text = "v=0\r\na=record:on\r\na=recordpref:off\r\nm=audio 4000 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 0\r\na=record:PAUSED\r\n"
    media = parse_description(text.encode()).media
    assert [(each.recording, each.recording_wish) for each in media] == [("on", "off"), ("paused", "off")]
