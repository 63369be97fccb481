from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.sip.errors import BadValue
from plugins.pbx_sip.sip.fields import (
    CSeq,
    SessionExpires,
    parse_content_type,
    parse_cseq,
    parse_number,
    parse_reason,
    parse_session_expires,
    parse_user_to_user,
)
from plugins.pbx_sip.sip.via import Via, parse_via


def test_white_space_in_a_via_does_not_count() -> None:
    via = parse_via("SIP  / 2.0  / tcp     spindle.example.com : 5070  ;  branch  =   z9hG4bK9ikj8")
    assert via == Via("TCP", "spindle.example.com", 5070, (("branch", "z9hG4bK9ikj8"),))
    assert str(via) == "SIP/2.0/TCP spindle.example.com:5070;branch=z9hG4bK9ikj8"


@pytest.mark.parametrize(
    ("text", "received"),
    [
        ("SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3-111", "[2001:db8::9:255]"),
        ("SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3", "2001:db8::9:255"),
    ],
)
def test_a_via_may_say_where_it_came_from_over_ipv6(text: str, received: str) -> None:
    via = parse_via(text)
    assert (via.host, via.param("received")) == ("2001:db8::9:1", received)
    assert parse_via(str(via)) == via


def test_the_address_a_request_came_from_is_noted_in_its_via() -> None:
    asked = parse_via("SIP/2.0/UDP pbx.example.com;rport;branch=z9hG4bK1")
    assert str(asked.received_from("192.0.2.7", 40000)) == (
        "SIP/2.0/UDP pbx.example.com;branch=z9hG4bK1;rport=40000;received=192.0.2.7"
    )
    plain = parse_via("SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1;received=6.6.6.6")
    assert plain.received_from("192.0.2.7", 40000).params == (("branch", "z9hG4bK1"),)


@pytest.mark.parametrize("text", ["", "SIP/2.0", "SIP/2.0/UDP", "HTTP/1.1/TCP host", "SIP/2.0/UDP a b:c", ";;"])
def test_what_is_no_via_is_refused(text: str) -> None:
    with pytest.raises(BadValue):
        parse_via(text)


def test_a_cseq_has_a_number_and_a_method() -> None:
    assert parse_cseq("0009   INVITE") == CSeq(9, "INVITE")
    assert str(parse_cseq("1 BYE")) == "1 BYE"


@pytest.mark.parametrize("text", ["", "INVITE", "1", "-1 BYE", "2147483648 BYE", "9" * 30 + " BYE", "1 BYE x", "1 B@E"])
def test_what_is_no_cseq_is_refused(text: str) -> None:
    with pytest.raises(BadValue):
        parse_cseq(text)


def test_numbers_are_read_to_their_limit_and_no_further() -> None:
    assert parse_number("0068") == 68
    assert parse_number("1800 ;refresher=uac") == 1800
    assert parse_number("0" * 5000 + "7") == 7
    for text in ("", "-999", "1e3", "4294967296", "٣", "9" * 6000):
        with pytest.raises(BadValue):
            parse_number(text)


def test_a_type_of_content_has_a_boundary_in_quotes_or_without() -> None:
    plain = parse_content_type("multipart/mixed;boundary=UniqueBroadWorksBoundary")
    assert (plain.type, plain.boundary) == ("multipart/mixed", "UniqueBroadWorksBoundary")
    quoted = parse_content_type('Multipart / Mixed ; Boundary="a;b=\\"c"')
    assert (quoted.type, quoted.boundary) == ("multipart/mixed", 'a;b="c')
    assert str(quoted) == 'multipart/mixed;boundary="a;b=\\"c"'
    assert not parse_content_type("application/sdp").boundary
    for text in ("", "sdp", "/sdp", "application/", "a/b/c"):
        with pytest.raises(BadValue):
            parse_content_type(text)


def test_a_session_timer_has_an_interval_and_a_refresher() -> None:
    assert parse_session_expires("1800;Refresher=UAC") == SessionExpires(1800, "uac")
    assert parse_session_expires("90 ; x=y") == SessionExpires(90)
    assert str(SessionExpires(1800, "uas")) == "1800;refresher=uas"
    assert str(SessionExpires(1800)) == "1800"


def test_a_reason_has_a_protocol_a_cause_and_a_text() -> None:
    reason = parse_reason('Q.850 ;cause=16;text="Terminated; normally"')
    assert (reason.protocol, reason.cause, reason.text) == ("Q.850", 16, "Terminated; normally")
    assert parse_reason("SIP;cause=soon").cause is None


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("00FA080001000256FFEE11;encoding=hex", bytes.fromhex("00FA080001000256FFEE11")),
        ("04c8", b"\x04\xc8"),
        ('"customer; 17";purpose=isdn-uui', b"customer; 17"),
        ("customer17;encoding=ascii", b"customer17"),
        ('"7375726e616d65";encoding=hex', b"surname"),
    ],
)
def test_what_one_user_tells_the_other_is_decoded(text: str, data: bytes) -> None:
    assert parse_user_to_user(text).data == data


@settings(max_examples=100)
@given(st.text(alphabet=st.sampled_from('SIP/2.0UDP [:];=,"\\%a1 \udce9'), max_size=40))
@pytest.mark.parametrize(
    "parse",
    [parse_via, parse_cseq, parse_content_type, parse_session_expires, parse_reason, parse_user_to_user, parse_number],
)
def test_any_text_is_a_value_or_is_refused(parse: Callable[[str], object], text: str) -> None:
    for candidate in (text, f"SIP/2.0/UDP {text}"):
        try:
            str(parse(candidate))
        except BadValue:
            continue
