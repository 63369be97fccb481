"""A call as the recording rules look at it."""

import pytest

from hub.sdk import Direction, OwnerKind
from plugins.pbx_sip.calls.countries import COUNTRIES
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.calls.outline import describe_outline
from plugins.pbx_sip.calls.signalling import Signalling
from plugins.pbx_sip.packets.datagrams import Endpoints
from tests.doubles.shared_data import shared
from tests.doubles.sip_text import request, response

S = 1_000_000_000
PLAN = NumberPlan()


@pytest.fixture
def outline_of():
    def describe(*messages, plan=PLAN):
        wire = Signalling(Endpoints())
        for at_s, message in zip(range(1, 100, 2), messages, strict=False):
            wire.add(message, at_s * S)
        [dialog] = wire.dialogs.values()
        return describe_outline(dialog, plan)

    return describe


def test_header_fields_of_a_vendor_tell_agent_skill_group_line_and_account_code(outline_of):
    headers = (
        "X-Avaya-Agent-ID: 7001\r\nX-Skill: billing\r\nX-Hunt-Group: Sales\r\nX-Avaya-VDN: 5500\r\nX-Account-Code: 77\r\n"
        "User-Agent: Avaya CM"
    )
    outline = outline_of(request("INVITE", caller="+4930123456", headers=headers), response("200 OK"))
    assert (outline.agent, outline.skill, outline.groups) == ("7001", "billing", ("Sales",))
    assert (outline.route, outline.account_code) == ("5500", "77")
    assert outline.users == ("305",)
    assert outline.owner is not None
    assert (outline.owner.kind, outline.owner.id) == (OwnerKind.GROUP, "Sales")


@pytest.mark.parametrize(
    "headers",
    [
        "Diversion: <sip:300@pbx>;reason=no-answer, <sip:+49305550@pbx>;reason=unconditional",
        "History-Info: <sip:+49305550@pbx>;index=1\r\nHistory-Info: <sip:305@pbx>;index=1.1",
    ],
)
def test_the_line_of_a_call_that_was_diverted_is_the_number_that_was_called_first(outline_of, headers):
    outline = outline_of(request("INVITE", caller="+4930123456", headers=headers))
    assert (outline.direction, outline.called, outline.route) == (Direction.INCOMING, "305", "+49305550")


def test_the_number_that_the_network_asserts_is_the_one_that_rules_see(outline_of):
    asserted = "P-Asserted-Identity: <tel:+4930123456>"
    outline = outline_of(request("INVITE", caller="anonymous", headers=asserted))
    assert (outline.caller, outline.direction, outline.route) == ("+4930123456", Direction.INCOMING, "305")


def test_of_several_addresses_that_the_network_asserts_the_number_is_seen_and_no_name_is_lost(outline_of):
    asserted = 'P-Asserted-Identity: "Ana Berger" <sip:ana@pbx>, <tel:201>'
    outline = outline_of(request("INVITE", caller="anonymous", headers=asserted))
    assert (outline.caller, outline.users) == ("201", ("201", "Ana Berger", "305"))


def test_rules_know_a_party_by_all_the_numbers_that_metadata_gives_it(outline_of):
    people = (
        '<participant participant_id="p1"><nameID aor="sip:2001@x"/></participant><participant participant_id="p2">'
        '<nameID aor="sip:77@x"/><nameID aor="tel:+4366477777"/><nameID aor="sip:ana@x"/></participant>'
    )
    body = f"--b\r\nContent-Type: application/rs-metadata+xml\r\n\r\n<recording>{people}</recording>\r\n--b--\r\n"
    outline = outline_of(request("INVITE", body=body, content_type="multipart/mixed;boundary=b"))
    assert outline.numbers == ("2001", "77")
    assert outline.spellings == {"77": ("+4366477777", "ana")}


def test_one_of_us_is_a_user_by_number_and_by_name(outline_of):
    asserted = 'P-Asserted-Identity: "Ana Berger" <sip:201@pbx>'
    assert outline_of(request("INVITE", headers=asserted)).users == ("201", "Ana Berger", "305")


def test_what_metadata_says_goes_before_the_header_fields_beside_it(outline_of):
    text = shared("siprec/broadworks_acd__0.msg").read_text()
    body = text.partition("\n\n")[2].replace("\n", "\r\n")
    invite = request(
        "INVITE",
        caller="+12134174466",
        body=body,
        content_type="multipart/mixed;boundary=UniqueBroadWorksBoundary",
        headers="X-Agent: 9",
    )
    outline = outline_of(invite)
    assert (outline.direction, outline.caller, outline.called) == (Direction.INCOMING, "+19015783200", "8638254725")
    assert (outline.agent, outline.skill) == ("9", "Aralez")
    assert outline.groups == ("Aralez", "8638254220", "+18638254220", "434279-1")
    assert outline.users == ("8638254725",)


def test_who_takes_the_place_of_a_party_takes_part_too(outline_of):
    named = request("UPDATE", tag="b", by_called="yes", headers="P-Asserted-Identity: <sip:306@pbx>", number="2")
    outline = outline_of(request("INVITE"), response("200 OK"), named)
    assert (outline.caller, outline.called, outline.numbers) == ("201", "305", ("306",))
    assert outline.users == ("201", "305", "306")


def test_rules_are_told_how_else_the_numbers_of_a_call_are_written(outline_of):
    plan = NumberPlan(country=COUNTRIES["DE"], area_code="30")
    outline = outline_of(request("INVITE", caller="0171123456"), plan=plan)
    assert outline.spellings == {"0171123456": ("+49171123456", "0049171123456")}
    assert outline_of(request("INVITE", caller="0171123456")).spellings == {}
