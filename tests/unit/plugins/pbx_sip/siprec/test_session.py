from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.sdk import Direction, Role
from plugins.pbx_sip.siprec.facts import CallFacts, Rule
from plugins.pbx_sip.siprec.session import RecordingSession

NOW = datetime(2024, 1, 21, 16, 25, tzinfo=UTC)
STREAMS = '<stream stream_id="t1"><label>1</label></stream><stream stream_id="t2"><label>2</label></stream>'
PEOPLE = """<participant participant_id="p1"><nameID aor="sip:201@x"/></participant>
<participant participant_id="p2"><nameID aor="sip:202@x"/></participant>"""


def _session(
    *updates: str, labels: Sequence[str] | None = None, headers: dict[str, list[str]] | None = None
) -> RecordingSession:
    """A session after updates a minute apart; labels and headers come with the first."""
    session = RecordingSession()
    for index, text in enumerate(updates):
        session.update(
            f"<recording>{text}</recording>".encode(),
            received_at=NOW + index * timedelta(minutes=1),
            lines=dict(enumerate(labels)) if labels and index == 0 else None,
            headers=headers if index == 0 else None,
        )
    return session


def _describe(
    *updates: str, labels: Sequence[str] | None = None, headers: dict[str, list[str]] | None = None
) -> CallFacts:
    return _session(*updates, labels=labels, headers=headers).describe()


def _fork(labels: Sequence[str], **headers: list[str]) -> CallFacts:
    session = RecordingSession()
    session.update(
        None,
        received_at=NOW,
        lines=dict(enumerate(labels)),
        headers={name.replace("_", "-"): values for name, values in headers.items()},
    )
    return session.describe()


def _sent(facts: CallFacts) -> list[tuple[str, tuple[str, ...], Rule]]:
    return [(party.number, party.labels, party.label_rule) for party in facts.parties]


def _link(participant: str, *streams: str) -> str:
    sends = "".join(f"<send>{stream}</send>" for stream in streams)
    return f'<participantstreamassoc participant_id="{participant}">{sends}</participantstreamassoc>'


def test_the_association_decides_and_not_the_order():
    facts = _describe(PEOPLE + STREAMS + _link("p1", "t2") + _link("p2", "t1"), labels=["1", "2"])
    assert _sent(facts) == [("201", ("2",), Rule.ASSOCIATION), ("202", ("1",), Rule.ASSOCIATION)]
    assert not facts.mixed
    assert facts.problems == ()


def test_a_hold_keeps_the_label_that_was_known():
    snapshot = PEOPLE + STREAMS + _link("p1", "t2") + _link("p2", "t1")
    partial = "<datamode>partial</datamode>" + _link("p1") + _link("p2")
    whole = PEOPLE + STREAMS + _link("p1") + _link("p2")
    for hold in (partial, whole):
        assert [labels for _, labels, _ in _sent(_describe(snapshot, hold, labels=["1", "2"]))] == [("2",), ("1",)]


def test_a_call_that_begins_on_hold_gets_its_labels_later():
    held = PEOPLE + STREAMS + _link("p1") + _link("p2")
    assert [rule for _, _, rule in _sent(_describe(held, labels=["1", "2"]))] == [Rule.ORDER, Rule.ORDER]
    resumed = _describe(held, PEOPLE + STREAMS + _link("p1", "t2") + _link("p2", "t1"), labels=["1", "2"])
    assert _sent(resumed) == [("201", ("2",), Rule.ASSOCIATION), ("202", ("1",), Rule.ASSOCIATION)]
    assert resumed.problems == ()


def test_numeric_labels_are_ordered_as_numbers():
    assert _sent(_describe(PEOPLE, labels=["20", "3"])) == [("201", ("3",), Rule.ORDER), ("202", ("20",), Rule.ORDER)]


def test_lines_without_labels_are_called_by_their_number():
    linked = PEOPLE + STREAMS + _link("p1", "t2") + _link("p2", "t1")
    assert _sent(_describe(linked, labels=["", ""])) == [("201", ("#1",), Rule.ORDER), ("202", ("#0",), Rule.ORDER)]


def test_parties_on_one_line_are_mixed():
    one = '<stream id="t"><label>1</label></stream>'
    assert _describe(PEOPLE + one + _link("p1", "t") + _link("p2", "t"), labels=["1"]).mixed
    assert _describe(PEOPLE + one, labels=["1"]).mixed
    assert _describe(PEOPLE, labels=[""]).mixed_labels == ("#0",)


def test_parties_that_followed_one_another_on_a_line_are_not_mixed():
    first = '<participant id="p1"><nameID aor="sip:201@x"/></participant>'
    second = '<participant id="p2"><nameID aor="sip:202@x"/></participant>'
    facts = _describe(first, second, labels=["1"])
    assert [labels for _, labels, _ in _sent(facts)] == [("1",), ("1",)]
    assert not facts.mixed


def test_parties_that_swap_their_streams_are_not_mixed():
    straight = PEOPLE + STREAMS + _link("p1", "t1") + _link("p2", "t2")
    facts = _describe(straight, PEOPLE + STREAMS + _link("p1", "t2") + _link("p2", "t1"), labels=["1", "2"])
    assert [labels for _, labels, _ in _sent(facts)] == [("1", "2 (2)"), ("2", "1 (2)")]
    assert facts.mixed_labels == ()


def test_a_mixed_line_beside_separate_ones_is_nobodys():
    mixed = '<stream stream_id="t3"><label>30</label><mode>mixed</mode></stream>'
    facts = _describe(PEOPLE + STREAMS + mixed + _link("p1", "t1") + _link("p2", "t2"), labels=["1", "2", "30"])
    assert [labels for _, labels, _ in _sent(facts)] == [("1",), ("2",)]
    assert (facts.mixed, facts.mixed_labels) == (False, ("30",))


def test_a_line_that_nobody_is_named_for_has_a_party_without_a_name():
    facts = _describe('<participant id="p"><nameID aor="sip:201@x"/></participant>', labels=["1", "2"])
    assert _sent(facts) == [("201", ("1",), Rule.ORDER), ("", ("2",), Rule.NONE)]


def test_avayas_stand_in_gives_way_to_the_real_far_end():
    first = """<dataMode>complete</dataMode><session session_id="00FA0800705D4C5DCAAC41"/>
    <participant participant_id="near"><nameID aor="sip:201@x"/></participant>
    <participant participant_id="dummy"><nameID aor="sip:ASBCE@asbce.com"/></participant>
    <participantsessionassoc participant_id="near" session_id="00FA0800705D4C5DCAAC41">
    <associate-time>2019-11-12T15:57:37</associate-time></participantsessionassoc>
    <stream stream_id="n"><label>10</label></stream><stream stream_id=""><label>20</label></stream>"""
    links = _link("near", "n") + _link("dummy", "")
    facts = _describe(first + links, labels=["10", "20"])
    assert _sent(facts) == [("201", ("10",), Rule.ASSOCIATION), ("", ("20",), Rule.ORDER)]
    assert facts.parties[0].joined_at == NOW
    real = first.replace("dummy", "far").replace("sip:ASBCE@asbce.com", "sip:+15551234567@y").replace('""', '"f"')
    facts = _describe(first + links, real + _link("near", "n") + _link("far", "f"), labels=["10", "20"])
    assert _sent(facts) == [("201", ("10",), Rule.ASSOCIATION), ("+15551234567", ("20",), Rule.ASSOCIATION)]
    assert facts.ucid == "00112238841573563457"


def test_oracle_says_who_called_and_gives_the_ucid():
    facts = _describe(
        """<session id="s"><associate-time>2024-01-21T16:24:00</associate-time>
        <extensiondata xmlns:apkt="u"><apkt:ucid>00FA080001183F5093914D;encoding=hex</apkt:ucid>
        <apkt:realm>core</apkt:realm></extensiondata></session>
        <participant id="b" session="s"><nameID aor="sip:1002@x"/><send>t2</send>
        <extensiondata><apkt:callingParty>false</apkt:callingParty></extensiondata></participant>
        <participant id="a" session="s"><nameID aor="sip:9000@x"><name>9000</name></nameID><send>t1</send>
        <extensiondata><apkt:callingParty>true</apkt:callingParty><apkt:header label="P-X">v</apkt:header>
        </extensiondata></participant>"""
        + STREAMS.replace("stream_id", "id"),
        labels=["1", "2"],
    )
    assert [(one.number, one.name, one.role, one.role_rule, one.labels) for one in facts.parties] == [
        ("1002", "", Role.CALLED, Rule.VENDOR, ("2",)),
        ("9000", "", Role.CALLER, Rule.VENDOR, ("1",)),
    ]
    assert (facts.ucid, facts.provenance["ucid"]) == ("00001062071351848269", "vendor")
    assert facts.fields["realm"] == "core"
    assert facts.fields["participant.9000.header P-X"] == "v"


def test_sonus_gives_the_headers_of_the_call_and_a_clock_of_1970():
    session = RecordingSession()
    session.update(
        b"""<tns:recording xmlns:tns='u'><tns:datamode>complete</tns:datamode><tns:group group_id="g">
        <callData xmlns='v'><fromhdr>"Ann" &lt;sip:5083084809@x&gt;;tag=1</fromhdr>
        <tohdr>&lt;sip:2245096042@y&gt;;tag=2</tohdr><callid>0a5a5f62</callid><gcid>241467418</gcid></callData></tns:group>
        <tns:session session_id="s"><tns:group-ref>g</tns:group-ref>
        <tns:start-time>1970-05-15T00:41:05Z</tns:start-time></tns:session>
        <tns:participant participant_id="p1"><tns:nameID aor="5083084809@x"><tns:name>5083084809</tns:name></tns:nameID>
        </tns:participant><tns:participant participant_id="p2"><tns:nameID aor="2245096042@y"><tns:name> </tns:name>
        </tns:nameID></tns:participant>
        <tns:stream stream_id="t1"><tns:label>1</tns:label></tns:stream>
        <tns:stream stream_id="t2"><tns:label>2</tns:label></tns:stream>
        <tns:participantstreamassoc participant_id="p1"><tns:send>t2</tns:send></tns:participantstreamassoc>
        <tns:participantstreamassoc participant_id="p2"><tns:send>t1</tns:send></tns:participantstreamassoc>
        </tns:recording>""",
        received_at=NOW,
        lines={0: "1", 1: "2"},
    )
    facts = session.describe()
    assert [(one.number, one.role, one.labels, one.joined_at) for one in facts.parties] == [
        ("5083084809", Role.CALLER, ("2",), NOW),
        ("2245096042", Role.CALLED, ("1",), NOW),
    ]
    assert (facts.call_id, facts.vendor_ids["callData.gcid"], facts.group_ids) == ("0a5a5f62", "241467418", ("g",))


def test_opensips_without_associations_and_with_a_zone_without_a_colon():
    facts = _describe(
        f"""<session session_id="s"><sipSessionID>96ae7593</sipSessionID></session>{PEOPLE}{STREAMS}
        <sessionrecordingassoc session_id="s"><associate-time>2024-01-21T16:24:58+0000</associate-time>
        </sessionrecordingassoc>{_link("p1")}{_link("p2")}""",
        labels=["1", "2"],
    )
    assert _sent(facts) == [("201", ("1",), Rule.ORDER), ("202", ("2",), Rule.ORDER)]
    assert facts.parties[0].joined_at == datetime(2024, 1, 21, 16, 24, 58, tzinfo=UTC)
    assert facts.call_id == "96ae7593"


def test_audiocodes_legacy_metadata_has_its_links_inside_the_participants():
    facts = _describe(
        """<datamode>complete</datamode><group id="0000"><associate-time>2024-01-21T16:24:58Z</associate-time></group>
        <session id="5678"><group-ref>0000</group-ref></session>
        <participant id="1111" session="5678"><nameID aor="1111@x"><name xml:lang="it">Pippo</name></nameID>
        <send>aaa</send><recv>bbb</recv><extensiondata><ac:AvayaUCID> FA080001183F5093914D</ac:AvayaUCID></extensiondata>
        </participant><participant id="2222" session="5678"><nameID aor="2222@x"/><send>bbb</send></participant>
        <stream id="aaa" session="5678"><label>1</label></stream>
        <stream id="bbb" session="5678"><label>2</label></stream>""",
        labels=["1", "2"],
    )
    assert _sent(facts) == [("1111", ("1",), Rule.ASSOCIATION), ("2222", ("2",), Rule.ASSOCIATION)]
    assert (facts.parties[0].name, facts.ucid, facts.group_ids) == ("Pippo", "00001062071351848269", ("0000",))


def test_labels_of_sems_say_which_leg_they_are():
    people = "".join(
        f"""<participant id="{number}"><nameID aor="sip:{number}@x"/>
        <extensiondata><callingParty>{calling}</callingParty></extensiondata></participant>"""
        for number, calling in (("201", "false"), ("202", "true"))
    )
    facts = _describe(people + "<participantsessionassoc/>", labels=["a_leg", "b_leg"])
    assert _sent(facts) == [("201", ("b_leg",), Rule.VENDOR), ("202", ("a_leg",), Rule.VENDOR)]


def test_a_line_that_is_taken_back_keeps_its_party():
    session = _session(PEOPLE + STREAMS + _link("p1", "t1") + _link("p2", "t2"), labels=["1", "2"])
    session.update(None, received_at=NOW, lines={1: "2", 3: "7"})
    facts = session.describe()
    assert facts.labels == ("1", "2", "7")
    assert _sent(facts)[2] == ("", ("7",), Rule.NONE)


def test_streams_of_video_are_no_labels_of_a_party():
    video = '<stream stream_id="v1"><label>3</label></stream><stream stream_id="v2"><label>4</label></stream>'
    facts = _describe(PEOPLE + video + STREAMS + _link("p1", "v1", "t2") + _link("p2", "v2", "t1"), labels=["1", "2"])
    assert _sent(facts) == [("201", ("2",), Rule.ASSOCIATION), ("202", ("1",), Rule.ASSOCIATION)]
    assert facts.labels == ("1", "2")


def test_netsapiens_names_caller_and_called_by_their_ids():
    facts = _describe(
        PEOPLE
        + STREAMS
        + """<netsapiensExtension version="1.1"><groupSeq>1</groupSeq>
        <callingParty participant_id="p2"><number>8587641001</number></callingParty>
        <calledParty participant_id="p1"/><xferredGroupID>g0</xferredGroupID></netsapiensExtension>"""
    )
    assert [one.role for one in facts.parties] == [Role.CALLED, Role.CALLER]
    assert facts.vendor_ids["netsapiensExtension.xferredGroupID"] == "g0"
    assert facts.fields["netsapiensExtension.groupSeq"] == "1"


def test_twilio_says_nothing_but_its_labels():
    facts = _describe("<datamode>complete</datamode>", labels=["inbound", "outbound"])
    assert [(one.labels, one.role) for one in facts.parties] == [
        (("inbound",), Role.CALLER),
        (("outbound",), Role.CALLED),
    ]
    assert facts.problems == ("the metadata names no participant",)


def test_what_an_extension_said_first_is_kept_beside_what_it_says_now():
    facts = _describe("<skill>sales</skill>", "<skill>support</skill>", "<skill>sales</skill>", "<queue>7</queue>")
    assert facts.fields == {"skill": "sales", "skill[2]": "support", "queue": "7"}


def test_several_calls_in_one_session_keep_their_parties_apart():
    facts = _describe(
        """<session session_id="s1"/><session session_id="s2"/>
        <participant participant_id="p1"><nameID aor="sip:1@x"/></participant>
        <participant participant_id="p2"><nameID aor="sip:2@x"/></participant>
        <participantsessionassoc participant_id="p1" session_id="s1"/>
        <participantsessionassoc participant_id="p2" session_id="s2"/>"""
    )
    assert facts.session_ids == ("s1", "s2")
    assert [one.session_id for one in facts.parties] == ["s1", "s2"]


def test_who_leaves_and_comes_back_is_one_party():
    alone = '<participant participant_id="p1"><nameID aor="sip:201@x"/></participant>'
    left, back = _describe(PEOPLE, alone), _describe(PEOPLE, alone, PEOPLE)
    assert [one.left_at for one in left.parties] == [None, NOW + timedelta(minutes=1)]
    assert [one.left_at for one in back.parties] == [None, None]


def test_metadata_that_cannot_be_used_keeps_the_call_and_says_why():
    session = _session(PEOPLE, labels=["1", "2"])
    for data in (b"\xff\xff", b"<recording>", b"<html/>", b"<!DOCTYPE a><recording/>", b""):
        session.update(data, received_at=NOW)
    facts = session.describe()
    assert [one.number for one in facts.parties] == ["201", "202"]
    assert len(facts.problems) == 6
    assert session.needs_snapshot
    session.update(f"<recording>{PEOPLE}</recording>".encode(), received_at=NOW)
    assert not session.needs_snapshot


def test_a_partial_update_without_a_snapshot_asks_for_one():
    session = _session("<datamode>partial</datamode>" + PEOPLE)
    assert session.needs_snapshot
    assert "before any snapshot" in session.describe().problems[0]


def test_a_bare_fork_has_who_the_headers_name():
    facts = _fork(["1"], **{"from": ['"Ann" <sip:201@x>;tag=1']})
    assert [(one.number, one.name, one.labels) for one in facts.parties] == [("201", "Ann", ("1",))]
    assert facts.provenance == {"parties": "from"}
    assert _sent(_fork(["", ""])) == [("", ("#0",), Rule.NONE), ("", ("#1",), Rule.NONE)]


def test_the_name_of_a_recording_client_is_no_party():
    broken = RecordingSession()
    broken.update(b"<", received_at=NOW, lines={0: "1"}, headers={"from": ['"SIPREC-SRC" <sip:SIPREC-SRC@x>;tag=1']})
    assert _sent(broken.describe()) == [("", ("1",), Rule.NONE)]


def test_cisco_network_recording_names_the_party_of_each_line():
    facts = _fork(
        ["", ""],
        x_cisco_recording_participant=['sip:708090@192.0.2.5;media-index="1"', "<sip:+10000@192.0.2.3>;media-index=0"],
    )
    assert _sent(facts) == [("708090", ("#1",), Rule.VENDOR), ("+10000", ("#0",), Rule.VENDOR)]
    assert facts.provenance == {"parties": "cisco-nbr"}


@pytest.mark.parametrize(("end", "own"), [("x-nearend", "1001"), ("x-farend", "1000")])
def test_each_dialog_of_a_cisco_bridge_carries_one_end(end, own):
    header = f"<sip:1001@x;{end};x-refci=26528012;x-nearenddevice=SEP1;x-nearendaddr=1001;x-farendaddr=1000>;tag=1"
    facts = _fork([""], **{"from": [header]})
    assert [one for one in _sent(facts) if one[1]] == [(own, ("#0",), Rule.VENDOR)]
    assert [one.number for one in facts.parties if not one.labels] == [{"1001": "1000", "1000": "1001"}[own]]
    assert (facts.call_id, facts.fields["x-nearenddevice"], facts.mixed) == ("26528012", "SEP1", False)


def test_the_ucid_may_come_in_a_header():
    facts = _fork(["1"], user_to_user=["00FA080001183F5093914D;encoding=hex"])
    assert (facts.ucid, facts.provenance["ucid"]) == ("00001062071351848269", "user-to-user")


def test_without_any_word_of_it_the_direction_is_not_known():
    assert _describe(PEOPLE).direction is Direction.UNKNOWN
    assert RecordingSession().describe() == CallFacts()


PIECES = st.sampled_from(
    [
        PEOPLE,
        STREAMS,
        _link("p1", "t1"),
        _link("p2", "t1"),
        _link("p1"),
        "<datamode>partial</datamode>",
        "<session id='s'/>",
    ]
)


HEADERS = [
    "from", "to", "contact", "require", "user-to-user", "x-cisco-recording-participant", "p-asserted-identity",
    "remote-party-id", "p-called-party-id", "diversion", "history-info",
]  # fmt: skip
FORK_PIECES = st.sampled_from(
    [
        "<sip:201@x",
        "<sip:anonymous@x",
        "sip:",
        ";x-refci=1",
        ";x-nearend",
        ";x-farendaddr=7",
        ";media-index=",
        '"0 2"',
        ">",
        ";party=called",
        ";+sip.src",
    ]
)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.none() | st.binary(max_size=30) | st.lists(PIECES, max_size=6).map("".join), max_size=5),
    st.none() | st.dictionaries(st.integers(0, 3), st.sampled_from(["", "1", "2", "a_leg", "\x00"])),
    st.dictionaries(
        st.sampled_from(HEADERS),
        st.lists(st.text(max_size=30) | st.lists(FORK_PIECES, max_size=6).map("".join), max_size=3),
    ),
)
def test_no_sequence_of_updates_is_an_error(updates, lines, headers):
    session = RecordingSession()
    for update in updates:
        data = f"<recording>{update}</recording>".encode() if isinstance(update, str) else update
        session.update(data, received_at=NOW, lines=lines, headers=headers)
        facts = session.describe()
        assert set(facts.labels) <= {label for one in facts.parties for label in one.labels} | set(facts.mixed_labels)
