import json
from dataclasses import asdict

import pytest

from plugins.pbx_sip.sip.dialog import (
    Dialog,
    DialogId,
    Origin,
    begin_dialog,
    choose_glare_wait_s,
    make_tag,
    read_dialog_id,
)
from plugins.pbx_sip.sip.errors import BadRequest, BadValue
from plugins.pbx_sip.sip.headers import Headers
from plugins.pbx_sip.sip.message import Request, Response, read_message, write_message
from plugins.pbx_sip.sip.responses import build_response
from plugins.pbx_sip.sip.validity import check_request
from tests.unit.plugins.pbx_sip.sip.sip_doubles import make_request

ORIGIN = Origin("UDP", "192.0.2.9", 5566, "<sip:srs@192.0.2.9:5566>;+sip.srs")
SDP = (("Content-Type", "application/sdp"),)


def dialog(*more: str) -> Dialog:
    return begin_dialog(make_request("INVITE", *more), "b2")


def test_a_dialog_is_told_by_its_call_and_the_tags_of_both_ends() -> None:
    own = dialog()
    assert own.id == DialogId("c1@192.0.2.1", "b2", "a1")
    assert read_dialog_id(make_request("BYE", to_tag="b2")) == own.id
    bye = own.make_request("BYE", ORIGIN)
    assert read_dialog_id(build_response(bye, 200)) == own.id
    assert read_dialog_id(make_request("BYE", to_tag="other")) != own.id
    assert make_tag() != make_tag()


def test_requests_of_ours_have_numbers_that_rise_and_say_who_sends_them() -> None:
    own = dialog()
    first, second = own.make_request("UPDATE", ORIGIN, SDP, b"v=0"), own.make_request("BYE", ORIGIN)
    for request in (first, second):
        check_request(request)
        assert (request.sender.tag, request.to.tag, request.call_id) == ("b2", "a1", "c1@192.0.2.1")
        assert (request.uri, request.number("Max-Forwards")) == ("sip:src@192.0.2.1:5060", 70)
        assert (request.via.host, request.via.port, request.via.param("rport")) == ("192.0.2.9", 5566, "")
    assert [str(first.cseq), str(second.cseq)] == ["1 UPDATE", "2 BYE"]
    assert first.via.branch != second.via.branch
    assert first.contact is not None
    assert first.contact.param("+sip.srs") == ""
    assert second.contact is None
    again = read_message(write_message(first))
    assert (again.headers.without("Content-Length"), again.body) == (first.headers, b"v=0")


def test_proxies_that_want_to_stay_are_passed_in_their_order() -> None:
    own = dialog("Record-Route: <sip:p1.example.com;lr>, <sip:p2.example.com;lr>", "Record-Route: <sip:p3;lr>")
    bye = own.make_request("BYE", ORIGIN)
    assert bye.uri == "sip:src@192.0.2.1:5060"
    assert [address.spec for address in bye.addresses("Route")] == [
        "sip:p1.example.com;lr",
        "sip:p2.example.com;lr",
        "sip:p3;lr",
    ]
    assert own.next_hop.host == "p1.example.com"
    assert dialog().next_hop.host == "192.0.2.1"


def test_a_proxy_of_the_old_kind_gets_its_own_uri() -> None:
    own = dialog("Record-Route: <sip:p1.example.com>, <sip:p2.example.com;lr>")
    bye = own.make_request("BYE", ORIGIN)
    assert bye.uri == "sip:p1.example.com"
    assert [address.spec for address in bye.addresses("Route")] == ["sip:p2.example.com;lr", "sip:src@192.0.2.1:5060"]


def test_the_other_end_may_move_with_an_invite_or_update_and_not_otherwise() -> None:
    own = dialog()
    moved = "Contact: <sip:src@192.0.2.50>"
    for method, number, target in (
        ("INFO", 2, "sip:src@192.0.2.1:5060"),
        ("UPDATE", 3, "sip:src@192.0.2.50"),
    ):
        request = make_request(method, to_tag="b2", number=number)
        own.receive(Request(method=method, uri=request.uri, headers=request.headers.replaced(*moved.split(": "))))
        assert own.target == target
    update = own.make_request("UPDATE", ORIGIN)
    own.receive_answer(update, build_response(update, 200, headers=[("Contact", "<sip:src@192.0.2.51>")]))
    assert own.target == "sip:src@192.0.2.51"


def test_a_request_that_comes_after_a_later_one_is_refused() -> None:
    own = dialog()
    own.receive(make_request("INFO", to_tag="b2", number=7))
    with pytest.raises(BadRequest) as refused:
        own.receive(make_request("INFO", to_tag="b2", number=6))
    assert refused.value.status == 500
    own.receive(make_request("ACK", to_tag="b2", number=1))
    own.receive(make_request("BYE", to_tag="b2", number=8))


def test_offers_that_cross_are_refused_until_ours_is_answered() -> None:
    own = dialog()
    invite = own.make_request("INVITE", ORIGIN, SDP, b"v=0")
    with pytest.raises(BadRequest, match="491"):
        own.receive(make_request("INVITE", to_tag="b2", number=2))
    own.receive(make_request("UPDATE", "Content-Type: application/rs-metadata+xml", to_tag="b2", number=3))
    with pytest.raises(BadRequest, match="491"):
        own.receive(make_request("UPDATE", "Content-Type: multipart/mixed;boundary=x", to_tag="b2", number=4))
    own.receive_answer(invite, build_response(invite, 100))
    assert own.has_offered
    own.receive_answer(invite, build_response(invite, 491))
    own.receive(make_request("INVITE", to_tag="b2", number=5))
    own.make_request("UPDATE", ORIGIN)
    assert not own.has_offered
    assert 0 <= choose_glare_wait_s() <= 2


def test_the_ack_of_our_invite_has_its_number_and_its_proof() -> None:
    own = dialog("Record-Route: <sip:p1;lr>")
    invite = own.make_request("INVITE", ORIGIN, [("Authorization", "Digest x=y"), *SDP], b"v=0")
    ack = own.make_ack(invite, ORIGIN)
    check_request(ack)
    assert (str(ack.cseq), ack.headers.get("Authorization")) == ("1 ACK", "Digest x=y")
    assert ack.via.branch != invite.via.branch
    assert len(ack.tokens("Route")) == 1
    assert str(own.make_request("BYE", ORIGIN).cseq) == "2 BYE"


def test_an_end_of_the_old_kind_without_tag_and_contact_has_a_dialog_too() -> None:
    invite = make_request()
    old = invite.headers.without("Contact").replaced("From", "<sip:src@192.0.2.1>")
    own = begin_dialog(Request(method="INVITE", uri=invite.uri, headers=old), "b2")
    assert (own.id.remote_tag, own.target) == ("", "sip:src@192.0.2.1")


def test_an_invite_that_makes_no_dialog_is_refused() -> None:
    with pytest.raises(BadValue):
        dialog("Record-Route: nothing")
    with pytest.raises(BadValue):
        begin_dialog(Request(method="INVITE", uri="sip:a@b", headers=Headers()), "b2")
    with pytest.raises(BadValue):
        read_dialog_id(Response(status=200, headers=Headers()))


def test_a_dialog_can_be_kept_over_a_crash() -> None:
    own = dialog("Record-Route: <sip:p1;lr>")
    own.make_request("INFO", ORIGIN)
    kept = json.loads(json.dumps(asdict(own)))
    again = Dialog(**(kept | {"id": DialogId(*kept["id"]), "routes": tuple(kept["routes"])}))
    assert again == own
    assert str(again.make_request("BYE", ORIGIN).cseq) == "2 BYE"
