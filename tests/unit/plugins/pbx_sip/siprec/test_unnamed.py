"""Who is heard on a stream where metadata leaves that to other words of it, or names nobody."""

from datetime import UTC, datetime, timedelta

from plugins.pbx_sip.siprec.facts import CallFacts, Rule
from plugins.pbx_sip.siprec.session import RecordingSession

NOW = datetime(2024, 1, 21, 16, 25, tzinfo=UTC)
STREAMS = '<stream stream_id="t1"><label>1</label></stream><stream stream_id="t2"><label>2</label></stream>'
PEOPLE = """<participant participant_id="p1"><nameID aor="sip:201@x"/></participant>
<participant participant_id="p2"><nameID aor="sip:202@x"/></participant>"""


def describe(*updates: str, headers: dict[str, list[str]] | None = None) -> CallFacts:
    """A session with two lines after updates a minute apart; headers come with the first."""
    session = RecordingSession()
    for place, text in enumerate(updates):
        session.update(
            f"<recording>{text}</recording>".encode(),
            received_at=NOW + place * timedelta(minutes=1),
            lines=None if place else {0: "1", 1: "2"},
            headers=None if place else headers,
        )
    return session.describe()


def sent(facts: CallFacts) -> list[tuple[str, tuple[str, ...], Rule]]:
    """Number, lines, and how those were found out, of each party."""
    return [(party.number, party.labels, party.label_rule) for party in facts.parties]


def link(participant: str, *streams: str) -> str:
    """What a participant sends."""
    sends = "".join(f"<send>{stream}</send>" for stream in streams)
    return f'<participantstreamassoc participant_id="{participant}">{sends}</participantstreamassoc>'


def test_who_has_left_does_not_share_the_stream_of_who_sends_on_it_now() -> None:
    joined = '<participantsessionassoc participant_id="p1" session_id="s"/>'
    left = joined.replace(
        "/>", "><disassociate-time>2024-01-21T16:25:30Z</disassociate-time></participantsessionassoc>"
    )
    first = PEOPLE + STREAMS + joined + link("p1", "t1") + link("p2", "t2")
    third = '<participant participant_id="p3"><nameID aor="sip:303@x"/></participant>' + link("p3", "t1")
    facts = describe(first, f"<datamode>partial</datamode>{left}{third}")
    assert (facts.mixed, facts.mixed_labels) == (False, ())
    assert sent(facts) == [
        (number, labels, Rule.ASSOCIATION) for number, labels in (("201", ("1",)), ("202", ("2",)), ("303", ("1",)))
    ]
    stayed = describe(first, f"<datamode>partial</datamode>{third}")
    assert stayed.mixed_labels == ("1",)


def test_metadata_that_names_nobody_leaves_the_word_to_the_header_fields_until_it_does() -> None:
    headers = {"from": ['"Anna" <sip:201@pbx>']}
    nobody = "<datamode>complete</datamode>"
    assert sent(describe(nobody, headers=headers))[0] == ("201", ("1",), Rule.ORDER)
    told = describe(nobody, PEOPLE + STREAMS + link("p1", "t2") + link("p2", "t1"), headers=headers)
    assert [party.number for party in told.parties] == ["201", "202"]
    assert "the metadata names no participant" not in told.problems


def test_a_client_with_a_name_of_its_own_may_assert_whose_call_it_is() -> None:
    headers = {"from": ["<sip:sbc@192.0.2.20>"], "p-asserted-identity": ["<sip:+4366412345@x>"]}
    facts = describe("<datamode>complete</datamode>", headers=headers | {"contact": ["<sip:sbc@192.0.2.20>;+sip.src"]})
    assert sent(facts)[0] == ("+4366412345", ("1",), Rule.ORDER)
