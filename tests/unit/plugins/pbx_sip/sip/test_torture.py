import pytest

from plugins.pbx_sip.sip.errors import BadMessage, BadRequest
from plugins.pbx_sip.sip.message import Request, Response, read_message, write_message
from plugins.pbx_sip.sip.responses import build_response
from plugins.pbx_sip.sip.validity import check_request, check_response
from tests.unit.plugins.pbx_sip.sip import torture


def request(data: bytes) -> Request:
    message = read_message(data)
    assert isinstance(message, Request)
    return message


@pytest.mark.parametrize("data", [*torture.VALID.values(), *torture.FORGIVEN.values(), *torture.IPV6_VALID.values()])
def test_a_valid_request_is_served_and_can_be_answered(data: bytes) -> None:
    message = request(data)
    check_request(message)
    answer = read_message(write_message(build_response(message, 200, tag="t")))
    assert answer.cseq == message.cseq
    assert answer.headers.items("Via") == message.headers.items("Via")
    assert answer.to.tag == (message.to.tag or "t")
    again = read_message(write_message(message))
    assert again.headers.without("Content-Length") == message.headers.without("Content-Length")
    assert again.body == message.body


@pytest.mark.parametrize("name", torture.INVALID)
def test_an_invalid_request_gets_the_right_refusal(name: str) -> None:
    status, data = torture.INVALID[name]
    with pytest.raises(BadRequest) as refused:
        check_request(request(data), frozenset())
    assert refused.value.status == status
    answer = read_message(write_message(build_response(refused.value.request, status, refused.value.reason)))
    assert isinstance(answer, Response)
    assert answer.status == status
    assert answer.via.host


@pytest.mark.parametrize("data", torture.DROPPED.values())
def test_a_response_that_nobody_can_use_is_dropped(data: bytes) -> None:
    with pytest.raises(BadMessage):
        check_response(_response(data))


def _response(data: bytes) -> Response:
    response = read_message(data)
    assert isinstance(response, Response)
    return response


def test_a_reason_may_be_empty_or_in_any_script() -> None:
    check_response(_response(torture.NOREASON))
    assert _response(torture.NOREASON).reason == ""
    assert _response(torture.UNREASON).reason.endswith("простое")
    assert write_message(_response(torture.UNREASON)).startswith(torture.UNREASON.partition(b"\r\n")[0])


def test_white_space_and_escapes_do_not_hide_what_is_meant() -> None:
    invite = request(torture.WSINV)
    assert invite.to.tag == "1918181833n"
    assert (invite.sender.display, invite.sender.tag) == ('J Rosenberg \\"', "98asjd8")
    assert [invite.number("Max-Forwards"), str(invite.cseq)] == [68, "9 INVITE"]
    assert len(invite.headers.items("Via")) == 3
    assert (invite.via.host, invite.via.branch) == ("192.0.2.2", "390skdjuw")
    assert invite.contact is not None
    assert invite.contact.params == (("newparam", "newvalue"), ("secondparam", ""), ("q", "0.33"))
    assert invite.headers.get("NewFangledHeader") == "newfangled value continued newfangled value"
    assert invite.addresses("Route")[0].uri.param("unknownwith") == "value"


def test_odd_characters_are_allowed_where_the_grammar_allows_them() -> None:
    odd = request(torture.INTMETH)
    assert odd.method == "!interesting-Method0123456789_*+`.%indeed'~"
    assert odd.target.user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
    assert odd.target.password == "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
    assert odd.to.display == "BEL:\a NUL:\0 DEL:\x7f"
    assert odd.sender.tag == "_token~1'+`*%!-."
    assert odd.headers.get("EXTENSIONheader-!.%*+_`'~") == "大停電"


def test_escapes_are_undone_in_uris_and_nowhere_else() -> None:
    invite = request(torture.ESC01)
    assert (invite.target.user, invite.to.uri.user, invite.sender.uri.user) == (
        "sips:user@example.com",
        "user",
        "I have spaces",
    )
    assert invite.contact is not None
    assert (invite.contact.uri.user, invite.contact.uri.params) == ("caller", (("lr", ""), ("name", "value%41")))
    assert [address.uri.user for address in request(torture.ESCNULL).addresses("Contact")] == ["\0", "\0\0"]
    literal = request(torture.ESC02)
    assert literal.method == "RE%47IST%45R"
    assert literal.to.display == "%Z%45"
    assert [address.uri.user for address in literal.addresses("Contact")] == ["alias1", "alias3"]


def test_long_values_are_kept_whole() -> None:
    long = request(torture.LONGREQ)
    assert len(long.headers.items("Via")) == 11
    assert "extreme" * 10 in long.to.display
    assert long.sender.tag.endswith("424")


def test_what_follows_the_body_in_a_datagram_is_left_out() -> None:
    assert (request(torture.DBLREQ).method, request(torture.DBLREQ).body) == ("REGISTER", b"")


def test_parameters_belong_to_the_field_or_to_the_uri_by_the_brackets() -> None:
    outside, inside = (request(data).contact for data in (torture.CPARAM01, torture.CPARAM02))
    assert outside is not None
    assert inside is not None
    assert (outside.params, outside.uri.params) == ((("unknownparam", ""),), ())
    assert (inside.params, inside.uri.params) == ((), (("unknownparam", ""),))
    escaped = request(torture.REGESCRT).contact
    assert escaped is not None
    assert escaped.uri.headers == (("Route", "<sip:sip.example.com>"),)


def test_a_body_of_several_parts_is_kept_byte_by_byte() -> None:
    message = request(torture.MPART01)
    assert message.content_type is not None
    assert message.content_type.boundary == "7a9cbec02ceef655"
    assert message.body.endswith(b"\0\r\n\r\n\xff\x80\r\n--7a9cbec02ceef655--")


def test_ipv6_addresses_need_brackets_and_a_port_stands_behind_them() -> None:
    with pytest.raises(BadRequest, match="400"):
        check_request(request(torture.IPV6_INVALID))
    inside, behind = (request(torture.IPV6_VALID[name]).target for name in ("4.3", "4.4"))
    assert (inside.host, inside.port) == ("2001:db8::10:5070", None)
    assert (behind.host, behind.port) == ("2001:db8::10", 5070)
    mapped = request(torture.IPV6_VALID["4.10"]).contact
    assert mapped is not None
    assert (mapped.uri.host, mapped.uri.port) == ("::ffff:192.0.2.10", 19823)
