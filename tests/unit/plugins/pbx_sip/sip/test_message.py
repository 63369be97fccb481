import contextlib
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.sip.errors import BadMessage, BadRequest, BadValue
from plugins.pbx_sip.sip.headers import Headers
from plugins.pbx_sip.sip.message import Message, Request, Response, read_message, write_message
from plugins.pbx_sip.sip.responses import build_response
from plugins.pbx_sip.sip.validity import check_request, check_response
from tests.doubles.shared_data import shared

INVITE = (
    b"INVITE sip:srs@192.0.2.9:5566 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK1\r\n"
    b'From: "Caf\xc3\xa9" <sip:src@192.0.2.1>;tag=a1\r\n'
    b"To: <sip:srs@192.0.2.9>\r\n"
    b"Call-ID: c1@192.0.2.1\r\n"
    b"CSeq: 1 INVITE\r\n"
    b"Contact: <sip:src@192.0.2.1:5060>;+sip.src\r\n"
    b"Require: siprec\r\n"
    b"X-Vendor: 7\r\n"
    b"Content-Length: 4\r\n"
    b"\r\n"
    b"v=0\n"
)


def request(data: bytes) -> Request:
    message = read_message(data)
    assert isinstance(message, Request)
    return message


def test_a_request_is_read_and_its_fields_are_understood_when_asked_for() -> None:
    invite = request(INVITE)
    assert (invite.method, invite.target.host, invite.target.port) == ("INVITE", "192.0.2.9", 5566)
    assert (invite.sender.display, invite.sender.tag, invite.to.tag) == ("Café", "a1", "")
    assert (invite.cseq.number, invite.call_id, invite.via.branch) == (1, "c1@192.0.2.1", "z9hG4bK1")
    assert invite.contact is not None
    assert invite.contact.param("+sip.src") == ""
    assert invite.tokens("Require") == ("siprec",)
    assert invite.headers.extensions() == [("X-Vendor", "7")]
    assert invite.number("Min-SE") is None
    assert invite.content_type is None
    assert invite.body == b"v=0\n"


def test_what_was_read_is_written_with_the_same_bytes() -> None:
    assert write_message(read_message(INVITE)) == INVITE
    latin = INVITE.replace(b"\xc3\xa9", b"\xe9\xff")
    assert write_message(read_message(latin)) == latin


def test_a_response_may_have_no_reason() -> None:
    for line in (b"SIP/2.0 200\r\n", b"SIP/2.0 200 \r\n", b"sip/2.0 200  \n"):
        response = read_message(line + b"Call-ID: x\r\n\r\n")
        assert isinstance(response, Response)
        assert (response.status, response.reason) == (200, "")


def test_a_folded_header_is_one_header() -> None:
    folded = request(INVITE.replace(b"CSeq: 1 INVITE", b"CSeq:\r\n 1\r\n\t  INVITE"))
    assert str(folded.cseq) == "1 INVITE"
    assert write_message(folded).count(b"\r\n ") == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace(b"\r\n", b"\n"),
        lambda data: b"\r\n\r\n \r\n\0" + data,
        lambda data: data.replace(b": ", b" \t:\t "),
        lambda data: data.replace(b"Call-ID", b"i").replace(b"From", b"F").replace(b"Via", b"v"),
        lambda data: data.replace(b"Call-ID", b"CALL-id").replace(b"CSeq", b"cseq"),
        lambda data: data.replace(b"X-Vendor", b"a line that is no header field\r\n: nor this\r\nX-Vendor"),
        lambda data: data.replace(b"INVITE sip:srs@192.0.2.9:5566 SIP", b"INVITE  sip:srs@192.0.2.9:5566  sip"),
    ],
)
def test_what_vendors_get_wrong_is_forgiven(change: object) -> None:
    assert callable(change)
    invite = request(change(INVITE))
    check_request(invite)
    assert (invite.call_id, invite.sender.tag, invite.uri) == ("c1@192.0.2.1", "a1", "sip:srs@192.0.2.9:5566")
    assert invite.body == b"v=0\n"


@pytest.mark.parametrize("length", [b"99", b"-4", b"", b"bad", b"4\r\nContent-Length: 4", b"9" * 5000])
def test_a_body_is_kept_whatever_its_length_is_said_to_be(length: bytes) -> None:
    assert request(INVITE.replace(b"Content-Length: 4", b"Content-Length: " + length)).body == b"v=0\n"


def test_a_body_without_a_length_ends_with_the_datagram_and_what_follows_a_length_is_cut() -> None:
    assert request(INVITE.replace(b"Content-Length: 4\r\n", b"")).body == b"v=0\n"
    assert request(INVITE + b"more").body == b"v=0\n"


def test_a_message_that_ends_in_its_head_has_no_body() -> None:
    cut = request(INVITE[:200])
    assert cut.body == b""
    assert cut.sender.tag == "a1"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"hello",
        b"GET / HTTP/1.1\r\n\r\n",
        b"INVITE sip:a@b\r\n\r\n",
        b"IN@VITE sip:a@b SIP/2.0\r\n\r\n",
        b"SIP/2.0 4294967301 better not break the receiver\r\n\r\n",
        b"SIP/2.0 999 too large\r\n\r\n",
        b"SIP/2.0 099 too small\r\n\r\n",
        b"SIP/2.0 OK\r\n\r\n",
        b"\x80\xc8\x00\x06" + bytes(24),
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(BadMessage):
        read_message(data)


def test_nothing_can_be_smuggled_into_a_written_message() -> None:
    for fields in ([("X", "a\r\nEvil: 1")], [("X\nEvil", "1")], [("X", "a\rb")]):
        with pytest.raises(ValueError, match="line end"):
            write_message(Response(status=200, reason="OK", headers=Headers(fields)))
    with pytest.raises(ValueError, match="line end"):
        write_message(Request(method="BYE", uri="sip:a@b\r\nEvil: 1", headers=Headers()))


def test_the_length_that_is_written_is_that_of_the_body() -> None:
    written = write_message(Response(status=200, reason="OK", headers=Headers([("l", "99")]), body=b"abc"))
    assert written == b"SIP/2.0 200 OK\r\nContent-Length: 3\r\n\r\nabc"


def test_headers_change_by_making_new_ones() -> None:
    headers = Headers([("v", "1"), ("To", "x"), ("Via", "2")])
    assert headers.all("VIA") == ["1", "2"]
    assert list(headers.replaced("Via", "3")) == [("Via", "3"), ("To", "x")]
    assert list(headers.replaced("From", "y"))[-1] == ("From", "y")
    assert list(headers.without("via").added(("X-a", "1"))) == [("To", "x"), ("X-a", "1")]
    assert "t" in headers
    assert "From" not in headers
    assert headers == Headers([("v", "1"), ("To", "x"), ("Via", "2")])
    assert len({headers, Headers(headers)}) == 1


def test_an_answer_copies_what_it_has_to_and_tags_the_callee() -> None:
    invite = request(INVITE.replace(b"Call-ID", b"Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\ni"))
    answer = build_response(invite, 200, tag="b2", headers=[("Contact", "<sip:srs@192.0.2.9>")], body=b"v=0")
    assert (answer.status, answer.reason, answer.to.tag) == (200, "OK", "b2")
    assert answer.headers.items("Record-Route") == ["<sip:p1;lr>", "<sip:p2;lr>"]
    assert (answer.via, answer.call_id, answer.cseq, answer.sender) == (
        invite.via,
        invite.call_id,
        invite.cseq,
        invite.sender,
    )
    refusal = build_response(invite, 603, tag="b2")
    assert "Record-Route" not in refusal.headers
    assert build_response(request(INVITE.replace(b"9>\r\n", b"9>;tag=x\r\n")), 200, tag="y").to.tag == "x"


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        (b"Call-ID: c1@192.0.2.1\r\n", b"", 400),
        (b"CSeq: 1 INVITE", b"CSeq: 1 OPTIONS", 400),
        (b"CSeq: 1 INVITE", b"CSeq: 1 INVITE\r\nCSeq: 2 INVITE", 400),
        (b"Content-Length: 4", b"Content-Length: 5", 400),
        (b"X-Vendor: 7", b"Max-Forwards: 256", 400),
        (b"<sip:src@192.0.2.1:5060>", b"<sip:src@192.0.2.1:5060> x", 400),
        (b"sip:srs@192.0.2.9:5566", b"sip:srs@2001:db8::1", 400),
        (b"sip:srs@192.0.2.9:5566", b"urn:service:sos", 416),
        (b"siprec", b"siprec, 100rel", 420),
        (b"SIP/2.0\r\nVia", b"SIP/3.0\r\nVia", 505),
    ],
)
def test_a_request_that_cannot_be_served_gets_the_right_refusal(before: bytes, after: bytes, status: int) -> None:
    with pytest.raises(BadRequest) as refused:
        check_request(request(INVITE.replace(before, after)), {"siprec", "timer"})
    assert refused.value.status == status
    error = refused.value
    answer = build_response(error.request, error.status, error.reason, headers=error.headers)
    assert b"z9hG4bK1" in write_message(answer)
    assert answer.headers.get("Unsupported") == ("100rel" if status == 420 else None)


def test_a_response_that_is_not_for_us_is_not_believed() -> None:
    response = build_response(request(INVITE), 200, tag="b")
    check_response(response)
    for bad in (
        response.headers.added(("Via", "SIP/2.0/UDP 255.255.255.255")),
        response.headers.replaced("CSeq", "9292394834772304023312 OPTIONS"),
        response.headers.without("Call-ID"),
        response.headers.without("Via"),
    ):
        with pytest.raises(BadMessage):
            check_response(Response(status=200, headers=bad))


def test_what_is_missing_is_said_when_it_is_asked_for() -> None:
    empty: Message = Response(status=200, headers=Headers())
    for name in ("call_id", "sender", "to", "cseq", "via"):
        with pytest.raises(BadValue):
            getattr(empty, name)
    assert empty.contact is None


def test_every_vendor_message_is_read() -> None:
    messages = sorted(Path(shared("siprec")).glob("*.msg"))
    assert messages
    for path in messages:
        message = request(_filled(path.read_bytes()))
        check_request(message)
        assert message.method in {"INVITE", "UPDATE"}, path
        assert message.target.host == "192.0.2.1", path
        assert message.content_type is not None
        assert message.contact is not None
        for name in ("Record-Route", "P-Asserted-Identity", "Remote-Party-ID", "Diversion"):
            assert all(address.spec for address in message.addresses(name)), path


def test_odd_messages_from_captures_are_read() -> None:
    only = shared("pcaps/sip_compact_headers.pcap").read_bytes()
    compact = request(only[only.index(b"INVITE ") :])
    assert (compact.cseq.method, bool(compact.via.host), bool(compact.sender.spec)) == ("INVITE", True, True)
    both = shared("pcaps/sip_invalid_content_length.pcap").read_bytes()
    answer = read_message(both[both.index(b"SIP/2.0 200") :])
    assert isinstance(answer, Response)
    assert (answer.status, answer.to.tag, answer.headers.get("l")) == (200, "abc123", "xyz")
    with pytest.raises(BadRequest, match="400"):
        check_request(request(both[both.index(b"INVITE") : both.index(b"SIP/2.0 200")]))


def _filled(data: bytes) -> bytes:
    """A message of a scenario with its blanks filled in, as SIPp does before it sends it."""
    special = {b"transport": b"UDP", b"peer_tag_param": b";tag=1"}
    for name in set(re.findall(rb"\[(\w+)[^\]]*\]", data.partition(b"\n\n")[0])):
        usual = b"192.0.2.1" if name.endswith(b"_ip") else b"5060" if name.endswith(b"port") else b"1"
        data = re.sub(rb"\[" + name + rb"[^\]]*\]", special.get(name, usual), data)
    head, _, body = data.partition(b"\n\n")
    return re.sub(rb"(?i)content-length:.*", f"Content-Length: {len(body)}".encode(), head) + b"\n\n" + body


@pytest.mark.parametrize("junk", ['"', "\\", '\\"', "<", "<>", ";a=b", ",", '"a\\', " ", "%", "@", "\r\n\t", "X:y\r\n"])
def test_what_repeats_without_end_costs_no_more_than_its_length(junk: str) -> None:
    began = time.process_time()
    for name in (b"Via: ", b"From: ", b"Contact: ", b"X-Vendor: ", b"INVITE "):
        data = INVITE.replace(name, name + (junk * (30_000 // len(junk))).encode())
        with contextlib.suppress(BadMessage, BadRequest):
            check_request(request(data), {"siprec"})
    assert time.process_time() - began < 5


def test_a_field_that_comes_a_hundred_thousand_times_is_found_at_once() -> None:
    began = time.process_time()
    invite = request(INVITE.replace(b"X-Vendor: 7\r\n", b"a:1\n" * 100_000))
    assert len(invite.headers.all("Accept-Contact")) == 100_000
    assert time.process_time() - began < 5


@settings(max_examples=300)
@given(st.binary(max_size=200), st.integers(0, len(INVITE)), st.integers(0, 40))
def test_whatever_bytes_come_they_are_a_message_or_are_refused(junk: bytes, place: int, cut: int) -> None:
    for data in (junk, INVITE[:place] + junk + INVITE[place + cut :], INVITE[:place]):
        try:
            message = read_message(data)
            again = read_message(write_message(message))
            assert again.headers.without("Content-Length") == message.headers.without("Content-Length")
            assert again.body == message.body
            if isinstance(message, Request):
                check_request(message)
            else:
                check_response(message)
        except (BadMessage, BadRequest):
            continue
