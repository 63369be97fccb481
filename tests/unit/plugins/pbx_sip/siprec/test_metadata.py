from datetime import UTC, datetime

import pytest

from plugins.pbx_sip.siprec.addresses import is_placeholder, is_same_number, parse_name, parse_number, split_name
from plugins.pbx_sip.siprec.metadata import DataMode, Metadata, merge
from plugins.pbx_sip.siprec.reader import read_metadata
from plugins.pbx_sip.siprec.times import choose_time, parse_time
from plugins.pbx_sip.siprec.ucid import find_ucid

STANDARD = """<recording xmlns='urn:ietf:params:xml:ns:recording:1' recording_id="r1">
  <datamode>complete</datamode>
  <group group_id="g1"><associate-time>2010-12-16T23:41:07Z</associate-time></group>
  <session session_id="s1">
    <sipSessionID>ab;remote=cd</sipSessionID><sipSessionID>ef</sipSessionID>
    <group-ref>g1</group-ref><reason>quality</reason>
    <v:skill xmlns:v="http://vendor.example/1">sales</v:skill>
  </session>
  <participant participant_id="p1">
    <nameID aor="sip:bob@biloxi.example"><name xml:lang="it">Bob</name></nameID>
  </participant>
  <participant participant_id="p2"><nameID aor="tel:+1-703-555-0100;phone-context=x"/></participant>
  <stream stream_id="t1" session_id="s1"><label>96</label><content-type>audio</content-type></stream>
  <stream stream_id="t2" session_id="s1"><label>97</label></stream>
  <sessionrecordingassoc session_id="s1"><associate-time>2010-12-16T23:41:07Z</associate-time></sessionrecordingassoc>
  <participantsessionassoc participant_id="p1" session_id="s1">
    <associate-time>2010-12-16T23:41:08Z</associate-time><disassociate-time>2010-12-16T23:51:08Z</disassociate-time>
  </participantsessionassoc>
  <participantstreamassoc participant_id="p1"><send>t1</send><recv>t2</recv></participantstreamassoc>
  <participantstreamassoc participant_id="p2"><send>t2</send><recv>t1</recv></participantstreamassoc>
</recording>"""


def _read(text: str) -> Metadata:
    return read_metadata(text.encode())


def test_the_standards_own_shape_is_read():
    metadata = _read(STANDARD)
    assert (metadata.mode, metadata.recording_id) == (DataMode.COMPLETE, "r1")
    (session,) = metadata.sessions
    assert (session.group_id, session.sip_session_ids, session.reason) == ("g1", ("ab;remote=cd", "ef"), "quality")
    assert session.started_at == datetime(2010, 12, 16, 23, 41, 7, tzinfo=UTC)
    assert session.extensions == {"skill": "sales"}
    assert [(one.id, one.name, one.number) for one in metadata.participants] == [
        ("p1", "Bob", "bob"),
        ("p2", "", "+17035550100"),
    ]
    assert [(one.id, one.label, one.content_type) for one in metadata.streams] == [
        ("t1", "96", "audio"),
        ("t2", "97", ""),
    ]
    assert metadata.presences[0].left_at == datetime(2010, 12, 16, 23, 51, 8, tzinfo=UTC)
    assert [(one.participant_id, one.sends, one.receives) for one in metadata.uses] == [
        ("p1", ("t1",), ("t2",)),
        ("p2", ("t2",), ("t1",)),
    ]


def test_the_drafts_shape_is_read():
    metadata = _read(
        """<recording_metadata><dataMode>partial</dataMode><recording id="r"><requestor>SRC</requestor></recording>
        <group id="g"><initiator>sip:1</initiator></group><session id="s" group="g"/>
        <participant id="p" session="s"><aor>sip:7202@x;user=phone</aor><send><id>t</id></send></participant>
        <participant id="q" session="s"><nameID><aor>sip:9@x</aor><name>Nine</name></nameID></participant>
        <stream id="t" session="s"><label>1</label><mode>Mixed</mode></stream>
        <extensiondata parent="s"><v a="b"><w>1</w><w>2</w></v></extensiondata></recording_metadata>"""
    )
    assert (metadata.mode, metadata.recording_id, metadata.extensions) == (DataMode.PARTIAL, "r", {"requestor": "SRC"})
    assert metadata.groups[0].extensions == {"initiator": "sip:1"}
    assert metadata.sessions[0].extensions == {"v@a": "b", "v.w": "1", "v.w[2]": "2"}
    assert [(one.id, one.number, one.name) for one in metadata.participants] == [("p", "7202", ""), ("q", "9", "Nine")]
    assert [(one.participant_id, one.sends) for one in metadata.uses] == [("p", ("t",)), ("q", ())]
    assert metadata.streams[0].mode == "mixed"


def test_parts_without_ids_stay_apart():
    metadata = _read(
        """<recording><participant><nameID aor="sip:1@x"/></participant><participant/><participant/>
        <stream stream_id=""><label>10</label></stream><stream stream_id=""><label>20</label></stream></recording>"""
    )
    assert len({participant.id for participant in metadata.participants}) == 3
    assert len({stream.id for stream in metadata.streams}) == 2


def test_a_complete_update_replaces_everything():
    assert merge(_read(STANDARD), _read("<recording/>")) == Metadata()


def test_a_partial_update_changes_what_it_names_and_keeps_the_rest():
    merged = merge(
        _read(STANDARD),
        _read(
            """<recording><datamode>partial</datamode>
            <session session_id="s1"><stop-time>2010-12-16T23:59:00Z</stop-time><skill>support</skill></session>
            <participant participant_id="p2"><nameID aor="sip:7@x"><name>Seven</name></nameID></participant>
            <participant participant_id="p3"><nameID aor="sip:3@x"/></participant>
            <participantstreamassoc participant_id="p1"/></recording>"""
        ),
    )
    session = merged.sessions[0]
    assert (session.group_id, session.extensions["skill"], session.stopped_at) == (
        "g1",
        "support",
        datetime(2010, 12, 16, 23, 59, tzinfo=UTC),
    )
    assert [(one.id, one.name) for one in merged.participants] == [("p1", "Bob"), ("p2", "Seven"), ("p3", "")]
    assert {one.participant_id: one.sends for one in merged.uses} == {"p2": ("t2",), "p1": ()}


def test_a_partial_update_before_any_snapshot_is_the_snapshot():
    update = _read("<recording><datamode>partial</datamode><session session_id='s'/></recording>")
    assert merge(None, update).sessions == update.sessions


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2010-12-16T23:41:07Z", datetime(2010, 12, 16, 23, 41, 7, tzinfo=UTC)),
        ("2021-06-07t07:16:23.618z", datetime(2021, 6, 7, 7, 16, 23, 618000, tzinfo=UTC)),
        (" 2024-01-21T16:24:58+0300 ", datetime(2024, 1, 21, 13, 24, 58, tzinfo=UTC)),
        ("2019-01-13T14:48:35-05:00", datetime(2019, 1, 13, 19, 48, 35, tzinfo=UTC)),
        ("2019-03-09T16:50:20", datetime(2019, 3, 9, 16, 50, 20)),  # noqa: DTZ001
        ("yesterday", None),
        ("", None),
        ("0001-01-01T00:00:00+10:00", None),
        ("2" * 100, None),
    ],
)
def test_times_are_read_as_clients_write_them(text, moment):
    assert parse_time(text) == moment


def test_a_time_without_a_zone_or_from_1970_gives_way_to_that_of_arrival():
    arrival = datetime(2024, 1, 21, 16, 25, tzinfo=UTC)
    assert choose_time(parse_time("2024-01-21T16:24:58Z"), arrival) == datetime(2024, 1, 21, 16, 24, 58, tzinfo=UTC)
    for text in ("1970-05-15T00:41:05Z", "2024-01-21T16:24:58", ""):
        assert choose_time(parse_time(text), arrival) == arrival


@pytest.mark.parametrize(
    ("identities", "number", "name", "others"),
    [
        (
            '<nameID aor="sip:6f9c1f0e-33aa@webex.example"/><nameID aor="tel:+4366477777"><name>Zwei</name></nameID>',
            "+4366477777",
            "Zwei",
            ("6f9c1f0e-33aa",),
        ),
        (
            '<nameID aor="sip:anna@x"><name>Anna</name></nameID><nameID aor="tel:+4366477777"><name>Zwei</name></nameID>',
            "+4366477777",
            "Zwei",
            ("anna",),
        ),
        (
            '<nameID aor="sip:anna@x"><name>Anna</name></nameID><nameID aor="tel:+4366477777"/>',
            "+4366477777",
            "Anna",
            ("anna",),
        ),
        ('<nameID aor="sip:2001@x"/><nameID aor="tel:+43155520 01"/>', "2001", "", ("+4315552001",)),
        ('<nameID aor="sip:192.0.2.1"/><nameID aor="sip:anna@x"/>', "anna", "", ()),
        ('<nameID aor="sip:2001@x"/><nameID aor="sip:2001@y"/>', "2001", "", ()),
    ],
)
def test_of_several_addresses_of_one_participant_the_telephone_number_is_shown(identities, number, name, others):
    text = f'<recording><participant participant_id="p">{identities}</participant></recording>'
    [one] = _read(text).participants
    assert (one.number, one.name, one.other_numbers) == (number, name, others)


@pytest.mark.parametrize(
    ("address", "number"),
    [
        ("sip:9000@192.0.2.2", "9000"),
        ("7602922411", "7602922411"),
        ("sip:+972546136443@192.0.2.2;user=phone", "+972546136443"),
        ("sip:+123;noa=national;srvattri=x@ims.example", "+123"),
        ("tel:+1-703-555-0100;phone-context=example", "+17035550100"),
        ("tel:77777;phone-context=+43664", "+4366477777"),
        ("sip:863-1234;phone-context=%2B1-914@gw.example;user=phone", "+19148631234"),
        ("tel:2001;phone-context=pbx.example", "2001"),
        ("sips:%2B123@x", "+123"),
        ("sip:a%0Ab@x", "ab"),
        ('"Alice" <sip:alice:secret@x;lr>;tag=1', "alice"),
        ("5083084809@192.0.2.2", "5083084809"),
        ("sip:8638254725", "8638254725"),
        ("sip:caller_name", "caller_name"),
        ("sip:@wellcloud.example", ""),
        ("sip:192.0.2.2", ""),
        ("sip:192.0.2.2:5060", ""),
        ("sip:[2001:db8::1]:5060", ""),
        ("", ""),
    ],
)
def test_the_number_stands_in_front_of_the_host(address, number):
    assert parse_number(address) == number


def test_parameters_behind_a_name_are_no_part_of_it():
    assert parse_name("test_user;lang=en-US;id=22") == "test_user"
    assert parse_name(' "Smith; Sons" ') == "Smith; Sons"
    assert parse_name('"O\'Neil" <x>') == '"O\'Neil" <x>'
    assert split_name('"A <b>" <sip:1@x>') == ("A <b>", "sip:1@x")
    assert split_name("Ann  Lee <sip:1@x>") == ("Ann Lee", "sip:1@x")
    assert split_name('"open <sip:1@x>') == ('"open', "sip:1@x")
    assert split_name('"Jennifer \\"J\\" Beer"<sip:1@x;a=b>;tag=1') == ('Jennifer "J" Beer', "sip:1@x;a=b")


def test_numbers_mean_the_same_with_and_without_prefixes():
    assert is_same_number("+17602922410", "7602922410")
    assert is_same_number("17602922410", "+17602922410")
    assert not is_same_number("2410", "7602922410")
    assert not is_same_number("", "")
    assert not is_same_number("alice", "bob")
    assert is_placeholder("sip:ASBCE@asbce.com")


@pytest.mark.parametrize(
    ("text", "ucid"),
    [
        ("00FA080001183F5093914D;encoding=hex", "00001062071351848269"),
        ("04FA08002C0007671C00D3434F7C61633065", "00044000071729888467"),
        ("FA080001183F5093914D", "00001062071351848269"),
        ("0001183f5093914d", "00001062071351848269"),
        ("00001062071351848269", "00001062071351848269"),
        ("GZBIusaXEeuxxK1dFIaIyA==", ""),
        ("00FA08", ""),
        ("", ""),
    ],
)
def test_the_universal_call_id_is_found_in_what_vendors_make_of_it(text, ucid):
    assert find_ucid(text) == ucid
