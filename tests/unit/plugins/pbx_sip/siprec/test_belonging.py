"""Whose call it is beyond its parties, in the words of many vendors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.sdk import Owner, OwnerKind
from plugins.pbx_sip.siprec.belonging import Belonging, read_belonging
from plugins.pbx_sip.siprec.hints import read_hints
from plugins.pbx_sip.siprec.metadata import Metadata, Participant, Session

BROADWORKS = (
    ("serviceProviderID", "434279"),
    ("groupID", "434279-1"),
    ("userID", "8638254725@broadcore.example"),
    ("callID", "callhalf-1:0"),
    ("acdUserId", "8638254220@broadcore.example"),
    ("acdName", "Aralez"),
    ("acdNumber", "tel:+18638254220"),
    ("acdNumber@countryCode", "1"),
)


def test_who_is_recorded_in_a_call_of_a_queue_is_its_agent():
    found = read_belonging(BROADWORKS)
    assert (found.agent, found.skill) == ("8638254725", "Aralez")
    assert found.all_groups == ("Aralez", "8638254220", "+18638254220", "434279-1")
    assert found.owner == Owner(kind=OwnerKind.USER, id="8638254725")


@pytest.mark.parametrize(
    "name",
    [
        "X-Agent",
        "x-agent-id",
        "X-AGENTID",
        "X-Avaya-Agent-ID",
        "X-Genesys-Agent-ID",
        "agentId",
        "AmznConnectAgentUserId",
        "agent@id",
        "X-NICE-Agent-ID",
        "agent_login_id",
    ],
)
def test_an_agent_is_known_by_whatever_name_a_vendor_gives(name):
    assert read_belonging([(name, " 4711 ")]).agent == "4711"


@pytest.mark.parametrize(
    ("name", "aspect"),
    [
        ("X-Avaya-Skill-Group", "skills"),
        ("X-Avaya-Skill", "skills"),
        ("X-Genesys-Queue-Name", "queues"),
        ("AmznConnectQueueId", "queues"),
        ("businessGroup", "groups"),
        ("X-Avaya-Workgroup", "groups"),
        ("recordedParty", "users"),
        ("X-Avaya-Station-ID", "users"),
        ("X-Avaya-VDN", "routes"),
        ("X-Avaya-Trunk-Group", "routes"),
        ("origCalledNumber", "routes"),
        ("X-Account", "account_codes"),
        ("X-FS-Account-Code", "account_codes"),
        ("X-Asterisk-AccountCode", "account_codes"),
    ],
)
def test_what_a_name_ends_in_tells_what_it_is_about(name, aspect):
    assert read_belonging([(name, "x1")]) == Belonging(**{aspect: ("x1",)})


@pytest.mark.parametrize(
    "name", ["User-Agent", "X-User-Agent", "callID", "systemName", "X-Session-ID", "", "[2]", "id"]
)
def test_other_names_tell_nothing_of_it(name):
    assert read_belonging([(name, "x1")]) == Belonging()


def test_an_id_goes_before_a_name_of_an_agent_and_behind_that_of_a_group():
    found = read_belonging([("agentName", "Ana"), ("agentId", "7"), ("queueId", "q-1"), ("queueName", "Sales")])
    assert (found.agents, found.queues) == (("7", "Ana"), ("Sales", "q-1"))


def test_an_address_is_told_by_its_number_and_a_text_as_it_is():
    found = read_belonging([("agent", '"Ana" <sip:201@pbx>'), ("businessGroup", "MiaRec Inc. -\t00004803")])
    assert (found.agent, found.groups) == ("201", ("MiaRec Inc. - 00004803",))


def test_what_is_said_first_holds_and_what_is_said_later_is_kept_behind_it():
    both = Belonging(agents=("1",)).joined(Belonging(agents=("2", "1"), skills=("s",)))
    assert both == Belonging(agents=("1", "2"), skills=("s",))


def test_extensions_of_the_call_and_of_its_participants_are_both_read():
    hints = read_hints(
        Metadata(
            sessions=(Session(id="s", extensions={"nice.agentId": "AGENT-1"}),),
            participants=(Participant(id="p", number="201", extensions={"header X-Skill.value": "billing"}),),
        )
    )
    assert (hints.belonging.agent, hints.belonging.skill) == ("AGENT-1", "billing")


@given(st.lists(st.tuples(st.text(), st.text())))
def test_no_names_and_texts_are_an_error(texts):
    found = read_belonging(texts)
    assert found.joined(found) == found
