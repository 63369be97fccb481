import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.sdp.codecs import STATIC_CODECS, Codec
from plugins.pbx_sip.sdp.description import Description, Direction, Media, Origin
from plugins.pbx_sip.sdp.errors import BadDescription
from plugins.pbx_sip.sdp.keys import SUITES, make_crypto
from plugins.pbx_sip.sdp.reader import parse_description
from plugins.pbx_sip.sdp.writer import render_description

ORIGIN = Origin(session_id=1, version=2, address="192.0.2.1")
PCMU = STATIC_CODECS[0]


def _audio(**changes) -> Media:
    return Media(
        **{"kind": "audio", "port": 4000, "protocol": "RTP/AVP", "formats": ("0",), "codecs": (PCMU,)} | changes
    )


def test_lines_stand_in_the_order_of_the_standard():
    media = _audio(label="1", direction=Direction.RECVONLY, ptime_ms=20, rtcp_mux=True)
    text = render_description(Description(origin=ORIGIN, media=(media,), address="192.0.2.1"))
    assert text.decode().split("\r\n") == [
        "v=0",
        "o=- 1 2 IN IP4 192.0.2.1",
        "s=-",
        "c=IN IP4 192.0.2.1",
        "t=0 0",
        "m=audio 4000 RTP/AVP 0",
        "a=rtpmap:0 PCMU/8000",
        "a=ptime:20",
        "a=label:1",
        "a=rtcp-mux",
        "a=recvonly",
        "",
    ]


def test_media_has_its_own_address_where_it_differs():
    media = (_audio(address="192.0.2.1"), _audio(address="2001:db8::1"))
    text = render_description(Description(origin=ORIGIN, media=media, address="192.0.2.1")).decode()
    assert text.count("c=") == 2
    assert "c=IN IP6 2001:db8::1\r\n" in text


@pytest.mark.parametrize(
    "media",
    [
        _audio(formats=()),
        _audio(formats=("0\r\na=x",)),
        _audio(label="1 2"),
        _audio(label="1\r\na=x:y"),
        _audio(port=70000),
        _audio(kind="au dio"),
        _audio(address="192.0.2.1\r\na=x"),
        _audio(attributes=(("x", "a\nb"),)),
        _audio(attributes=(("x y", ""),)),
        _audio(codecs=(Codec(payload_type=0, encoding="a b"),)),
    ],
)
def test_what_would_break_a_line_is_not_written(media):
    with pytest.raises(BadDescription):
        render_description(Description(origin=ORIGIN, media=(media,), address="192.0.2.1"))


def test_media_in_use_needs_an_address():
    with pytest.raises(BadDescription):
        render_description(Description(origin=ORIGIN, media=(_audio(),)))
    with pytest.raises(BadDescription):
        render_description(Description(origin=Origin()))
    render_description(Description(origin=ORIGIN, media=(_audio(port=0),)))


WORDS = st.text(alphabet="abcXYZ019-_.", min_size=1, max_size=8)
CODECS = st.lists(
    st.builds(
        Codec,
        payload_type=st.integers(0, 127),
        encoding=WORDS,
        clock_rate_hz=st.integers(1, 96000),
        channels=st.integers(1, 2),
        parameters=st.just("") | WORDS,
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda codec: codec.payload_type,
)


@st.composite
def _medias(draw) -> Media:
    codecs = tuple(draw(CODECS))
    suite = draw(st.sampled_from(SUITES))
    return Media(
        kind=draw(st.sampled_from(["audio", "video"])),
        port=draw(st.integers(1, 65535)),
        protocol=draw(st.sampled_from(["RTP/AVP", "RTP/SAVP"])),
        formats=tuple(str(codec.payload_type) for codec in codecs),
        port_count=draw(st.integers(1, 3)),
        codecs=codecs,
        address=draw(st.sampled_from(["192.0.2.1", "2001:db8::1"])),
        direction=draw(st.sampled_from(Direction)),
        label=draw(st.just("") | WORDS),
        ptime_ms=draw(st.none() | st.integers(1, 200)),
        rtcp_port=draw(st.none() | st.integers(1, 65535)),
        rtcp_mux=draw(st.booleans()),
        crypto=tuple(draw(st.lists(st.just(make_crypto(1, suite, bytes(range(46)))), max_size=2))),
        attributes=tuple(draw(st.lists(st.tuples(st.sampled_from(["mid", "x-odd"]), st.just("") | WORDS), max_size=2))),
    )


@settings(max_examples=50, deadline=None)
@given(st.lists(_medias(), max_size=4), st.sampled_from(["192.0.2.1", "2001:db8::1"]))
def test_what_is_written_is_read_back(media, address):
    description = Description(origin=ORIGIN, media=tuple(media), address=address)
    assert parse_description(render_description(description)) == description
