"""Agent, skill and direction where vendors name them in words of their own."""

from datetime import UTC, datetime

from hub.sdk import Direction, Role
from plugins.pbx_sip.siprec.facts import CallFacts
from plugins.pbx_sip.siprec.session import RecordingSession


def describe(extension: str) -> CallFacts:
    text = f"""<recording xmlns="urn:ietf:params:xml:ns:recording"><datamode>complete</datamode><session id="S"/>
    <participant id="A" session="S"><nameID aor="2010"/><send>S1</send></participant>
    <participant id="B" session="S"><nameID aor="+436601"/><send>S1</send></participant>
    <stream id="S1" session="S"><label>1</label></stream><extensiondata>{extension}</extensiondata></recording>"""
    session = RecordingSession()
    session.update(text.encode(), received_at=datetime.now(UTC), lines={0: "1"})
    return session.describe()


def test_the_agent_and_the_queue_of_a_broadworks_call_centre_are_found() -> None:
    facts = describe(
        "<broadWorksRecordingMetadata xmlns='b'><userID>2010@bw.at</userID><callType><termCall>"
        "<callingPartyNumber>sip:+436601@bw.at</callingPartyNumber></termCall></callType><acd>"
        "<acdUserId>acd77@bw.at</acdUserId><acdName>Störungsdienst</acdName></acd></broadWorksRecordingMetadata>"
    )
    assert (facts.belonging.agent, facts.belonging.skill) == ("2010", "Störungsdienst")
    assert facts.direction is Direction.INCOMING


def test_the_direction_and_the_recorded_party_of_metaswitch_are_found() -> None:
    facts = describe(
        "<metaswitchRecordingMetadata xmlns='m'><callType>incoming</callType><recordedParty>2010</recordedParty>"
        "</metaswitchRecordingMetadata>"
    )
    assert (facts.direction, facts.recorded) == (Direction.INCOMING, "2010")
    assert {party.number: party.role for party in facts.parties}["2010"] is Role.CALLED
