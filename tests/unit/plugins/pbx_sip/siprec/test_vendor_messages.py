"""Every message of the shared collection: its parties and streams by hand, and an answer that fits its offer."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from hub.sdk import Direction, Role
from plugins.pbx_sip.sdp.answer import Place, agree, answer_offer
from plugins.pbx_sip.sdp.description import Description, Origin
from plugins.pbx_sip.sdp.description import Direction as Way
from plugins.pbx_sip.sdp.reader import parse_description
from plugins.pbx_sip.sdp.writer import render_description
from plugins.pbx_sip.siprec.contents import Contents, read_contents
from plugins.pbx_sip.siprec.facts import CallFacts, Rule
from plugins.pbx_sip.siprec.session import RecordingSession
from tests.doubles.shared_data import shared

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
FILLED = {
    "local_ip": "192.0.2.1",
    "remote_ip": "198.51.100.7",
    "auto_media_port": "6000",
    "auto_media_port+2": "6002",
    "call_id": "call-1@192.0.2.1",
    'field0 file="tenant-users.csv"': "7602922410",
    'field0 file="callee.csv"': "7602922416",
}
CALLER, CALLED, SOMEBODY = Role.CALLER, Role.CALLED, Role.PARTICIPANT
BY_ASSOCIATION, BY_ORDER, BY_NOTHING = Rule.ASSOCIATION, Rule.ORDER, Rule.NONE

# Metaswitch: two parties on one mixed stream.
_11_TO_10 = [("7602922411", "", CALLER, "1", BY_ASSOCIATION), ("7602922410", "", CALLED, "1", BY_ASSOCIATION)]
_10_TO_16 = [("7602922410", "", CALLER, "1", BY_ASSOCIATION), ("7602922416", "", CALLED, "1", BY_ASSOCIATION)]
_11_TO_12 = [("7602922411", "", CALLER, "1", BY_ASSOCIATION), ("7602922412", "", CALLED, "1", BY_ASSOCIATION)]
_16_TO_10 = [("7602922416", "", CALLER, "1", BY_ASSOCIATION), ("7602922410", "", CALLED, "1", BY_ASSOCIATION)]
# BroadWorks: the recorded user first, then the far end, all on one mixed stream.
_BEER = ("86074075017412", "Jennifer Beer", CALLER, "1", BY_ASSOCIATION)
_8101 = ("8101", "", CALLED, "1", BY_ASSOCIATION)
_7701 = ("86074075017701", "", SOMEBODY, "1", BY_ASSOCIATION)
_SMIGIEL = ("86085911415207", "Lisa Smigiel", CALLER, "1", BY_ASSOCIATION)
_GREGORY = ("86074075008105", "Debbie Gregory", CALLED, "1", BY_ASSOCIATION)
# The second participant sends a stream that is not described.
_VVX = [("8638254725", "", CALLED, "1", BY_ASSOCIATION), ("+19015783200", "", CALLER, "1", BY_ORDER)]
# name of the file -> (number, name, role, label, how the label was found) of each party
PARTIES = {
    "01a_3way_call_initiator_recorded_1__0.msg": _11_TO_10,
    "01a_3way_call_initiator_recorded_1__2.msg": _11_TO_10,
    "01a_3way_call_initiator_recorded_1__5.msg": _11_TO_10,
    "01a_3way_call_initiator_recorded_1__7.msg": _11_TO_10,
    "01a_3way_call_initiator_recorded_2__0.msg": _10_TO_16,
    "01a_3way_call_initiator_recorded_ext_1__0.msg": _11_TO_10,
    "01a_3way_call_initiator_recorded_ext_1__2.msg": _11_TO_10,
    "01a_3way_call_initiator_recorded_ext_1__5.msg": _11_TO_10,
    "01a_3way_call_initiator_recorded_ext_1__7.msg": _11_TO_10,
    "01a_3way_call_initiator_recorded_ext_2__0.msg": _10_TO_16,
    "04c_blind_call_transfer_1__0.msg": _11_TO_10,
    "04c_blind_call_transfer_1__2.msg": _11_TO_10,
    "04c_blind_call_transfer_2__0.msg": _11_TO_12,
    "16_basic_call_inbound__0.msg": _16_TO_10,
    "16_basic_call_outbound__0.msg": _10_TO_16,
    "16b_basic_calls_outbound__0.msg": [
        ("7602922410", "", CALLER, "1", BY_ASSOCIATION),
        ("7602922416", "77602922416602922411", CALLED, "1", BY_ASSOCIATION),
    ],
    "broadworks_3way_call_1__0.msg": [_BEER, _8101],
    "broadworks_3way_call_1__2.msg": [_BEER, _8101],
    "broadworks_3way_call_1__4.msg": [_BEER, _8101, _7701],
    "broadworks_3way_call_2__0.msg": [_BEER, _8101],
    "broadworks_3way_call_2__2.msg": [_BEER, _8101],
    "broadworks_3way_call_2__4.msg": [_BEER, _8101, _7701],
    "broadworks_3way_call_2__5.msg": [_BEER, _8101, _7701],
    "broadworks_3way_call_2__7.msg": [_BEER, _7701],
    "broadworks_3way_call_3__0.msg": [_SMIGIEL, ("3000", "", CALLED, "1", BY_ASSOCIATION)],
    "broadworks_3way_call_3__2.msg": [_SMIGIEL, ("3000", "", CALLED, "1", BY_ASSOCIATION)],
    # A partial update: alone it knows no stream.
    "broadworks_3way_call_3__4.msg": [
        ("86085911415207", "Lisa Smigiel", CALLER, "", BY_NOTHING),
        ("3000", "", CALLED, "", BY_NOTHING),
        ("7824", "", SOMEBODY, "", BY_NOTHING),
    ],
    "broadworks_acd__0.msg": _VVX,
    "broadworks_pause_resume__0.msg": _VVX,
    "broadworks_redirect__0.msg": [_GREGORY, ("7202", "", CALLER, "1", BY_ASSOCIATION)],
    "broadworks_redirect__4.msg": [_GREGORY, ("+12033066424", "", CALLER, "1", BY_ASSOCIATION)],
    "drachtio__acme-siprec-offer.txt": [
        ("9000", "", CALLER, "16777227", BY_ASSOCIATION),
        ("1002", "", CALLED, "16777228", BY_ASSOCIATION),
    ],
    # Avaya, although named BroadWorks: the far end is not known yet.
    "drachtio__broadworks-offer-2.txt": [
        ("9878942259", "", SOMEBODY, "10", BY_ASSOCIATION),
        ("", "", SOMEBODY, "20", BY_ASSOCIATION),
    ],
    # All markup inside was lost before it was published.
    "drachtio__broadworks-offer.txt": [("", "", SOMEBODY, "1", BY_NOTHING)],
    "drachtio__connectel-offer.txt": [
        ("0771121212", "test_user", SOMEBODY, "1", BY_ORDER),
        ("0760516936", "", SOMEBODY, "2", BY_ORDER),
    ],
    "drachtio__inactive-sdp-offer.txt": [
        ("0733165805", "", SOMEBODY, "1", BY_ORDER),
        ("+972546136443", "", SOMEBODY, "2", BY_ORDER),
    ],
    "drachtio__non-siprec-payload.txt": [("", "", SOMEBODY, "1", BY_NOTHING)],
    "drachtio__sample-sdps.txt": [("", "", SOMEBODY, "1", BY_NOTHING)],
}
# name of the file -> (label, codecs of the answer, its direction) of each line where it is not one of PCMA to receive
LINES = {
    "drachtio__acme-siprec-offer.txt": [
        ("16777227", "PCMU", Way.RECVONLY),
        ("16777228", "PCMU", Way.RECVONLY),
    ],
    "drachtio__broadworks-offer-2.txt": [
        ("10", "PCMA TELEPHONE-EVENT", Way.RECVONLY),
        ("20", "PCMA TELEPHONE-EVENT", Way.RECVONLY),
    ],
    "drachtio__broadworks-offer.txt": [("1", "PCMA PCMU G722 G729 TELEPHONE-EVENT", Way.RECVONLY)],
    "drachtio__connectel-offer.txt": [
        ("1", "PCMU PCMA GSM TELEPHONE-EVENT", Way.RECVONLY),
        ("2", "PCMA PCMU TELEPHONE-EVENT", Way.RECVONLY),
    ],
    "drachtio__inactive-sdp-offer.txt": [
        ("1", "PCMU TELEPHONE-EVENT CN", Way.INACTIVE),
        ("2", "PCMU TELEPHONE-EVENT CN", Way.INACTIVE),
    ],
    "drachtio__non-siprec-payload.txt": [("1", "PCMU TELEPHONE-EVENT", Way.RECVONLY)],
    "drachtio__sample-sdps.txt": [("1", "PCMU", Way.RECVONLY)],
}


@dataclass(frozen=True)
class Message:
    """What of a SIP message the recording session is given."""

    contents: Contents
    headers: dict[str, list[str]]

    @property
    def description(self) -> Description | None:
        return parse_description(self.contents.sdp) if self.contents.sdp is not None else None


def _read(name: str) -> Message:
    data = shared(f"siprec/{name}").read_bytes()
    text = re.sub(rb"\[([a-z_]+[^\]\r\n]*)\]", lambda found: FILLED.get(found[1].decode(), "x1").encode(), data)
    if name.endswith(".txt"):
        return Message(read_contents(text.split(b"__split_here__")[0]), {})
    line_end = b"\r\n" if b"\r\n" in text else b"\n"
    head, _, body = text.partition(line_end * 2)
    headers: dict[str, list[str]] = {}
    for line in head.split(line_end)[1:]:
        header, _, value = line.decode().partition(":")
        headers.setdefault(header.strip().lower(), []).append(value.strip())
    content_type, disposition = headers["content-type"][0], headers.get("content-disposition", [""])[0]
    return Message(read_contents(body, content_type, disposition), headers)


def _play(*names: str) -> CallFacts:
    """The call after these messages of one dialog, a minute between each two."""
    session = RecordingSession()
    for index, name in enumerate(names):
        message = _read(name)
        description = message.description
        session.update(
            message.contents.metadata,
            received_at=NOW + index * timedelta(minutes=1),
            lines=description.audio_labels if description else None,
            headers=message.headers,
        )
    return session.describe()


def _minutes(moment: datetime | None) -> float | None:
    return (moment - NOW) / timedelta(minutes=1) if moment else None


def test_every_file_of_the_collection_is_listed_here():
    assert {path.name for path in shared("siprec").iterdir()} == {*PARTIES, "MANIFEST.md"}


@pytest.mark.parametrize("name", PARTIES)
def test_parties_and_streams_are_those_of_the_message(name):
    facts = _play(name)
    found = [(one.number, one.name, one.role, "".join(one.labels), one.label_rule) for one in facts.parties]
    assert found == PARTIES[name]
    labels = [label for label, _, _ in LINES.get(name, [("1", "", "")])] if _read(name).contents.sdp else ["1"]
    assert list(facts.labels) == ([] if name == "broadworks_3way_call_3__4.msg" else labels)
    assert facts.mixed == (name.endswith(".msg") and name != "broadworks_3way_call_3__4.msg")


@pytest.mark.parametrize("name", PARTIES)
def test_every_offer_is_answered_line_by_line(name):
    offer = _read(name).description
    if offer is None:
        assert "__4" in name or "__7" in name
        return
    places = {index: Place(address="198.51.100.7", port=20000 + 2 * index) for index in range(len(offer.media))}
    answer = answer_offer(offer, places, origin=Origin(session_id=1, version=1, address="198.51.100.7"))
    again = parse_description(render_description(answer))
    assert again == answer
    found = [(one.label, " ".join(codec.name for codec in one.codecs), one.direction) for one in again.media]
    assert found == LINES.get(name, [("1", "PCMA", Way.RECVONLY)])
    for offered, answered in zip(offer.media, again.media, strict=True):
        assert (answered.kind, answered.protocol, answered.ptime_ms) == (
            offered.kind,
            offered.protocol,
            offered.ptime_ms,
        )
        assert set(answered.formats) <= set(offered.formats)
    assert [one.peer_port for one in agree(again, offer)] == [media.port for media in offer.media]


def test_the_second_offer_of_the_samples_has_its_own_label():
    second = shared("siprec/drachtio__sample-sdps.txt").read_bytes().split(b"__split_here__")[1]
    assert [(media.label, media.port) for media in parse_description(second).media] == [("2", 48926)]


def test_a_third_party_joins_and_the_second_leaves():
    facts = _play(*(f"broadworks_3way_call_2__{number}.msg" for number in (0, 2, 4, 5, 7)))
    assert [(one.number, _minutes(one.joined_at), _minutes(one.left_at)) for one in facts.parties] == [
        ("86074075017412", 0, None),
        ("8101", 0, 4),
        ("86074075017701", 2, None),
    ]
    assert facts.mixed
    assert facts.problems == ()


def test_a_partial_update_takes_the_redirected_party_out():
    facts = _play(*(f"broadworks_3way_call_3__{number}.msg" for number in (0, 2, 4)))
    assert [(one.number, one.labels, _minutes(one.joined_at), _minutes(one.left_at)) for one in facts.parties] == [
        ("86085911415207", ("1",), 0, None),
        ("3000", ("1",), 0, 2),
        ("7824", ("1",), 2, None),
    ]


def test_a_redirected_call_keeps_its_user_and_changes_the_far_end():
    facts = _play("broadworks_redirect__0.msg", "broadworks_redirect__4.msg")
    assert [(one.number, one.role, _minutes(one.joined_at), _minutes(one.left_at)) for one in facts.parties] == [
        ("86074075008105", CALLED, 0, None),
        ("7202", CALLER, 0, 1),
        ("+12033066424", CALLER, 1, None),
    ]
    assert len(facts.group_ids) == len(facts.session_ids) == len(facts.recording_ids) == 2
    assert facts.call_id == "tracking-id-call-1@192.0.2.1:1"
    assert facts.vendor_ids["broadWorksRecordingMetadata.extTrackingID[2]"] == "NEW-tracking-id-call-1@192.0.2.1:1"


def test_ids_direction_and_the_recorded_user_come_from_the_vendor():
    facts = _play("broadworks_acd__0.msg")
    assert (facts.direction, facts.recorded, facts.call_id) == (
        Direction.INCOMING,
        "8638254725",
        "tracking-id-call-1@192.0.2.1",
    )
    assert facts.fields["broadWorksRecordingMetadata.acd.acdNumber@countryCode"] == "1"
    assert facts.group_ids == ("urn:uuid:6219893c-d072-43d3-ba6c-8828cf7be472",)
    facts = _play("01a_3way_call_initiator_recorded_2__0.msg")
    assert (facts.direction, facts.fields["metaswitchRecordingMetadata.systemName"]) == (Direction.OUTGOING, "mammoth")
    assert _play("drachtio__broadworks-offer-2.txt").ucid == "00112238841573563457"
    assert _play("drachtio__inactive-sdp-offer.txt").call_id == "f845891467cf5c2189987435807bd432"


def test_what_the_metadata_leaves_open_is_said():
    assert _play("drachtio__broadworks-offer.txt").problems == ("the metadata names no participant",)
    assert "order" in _play("drachtio__connectel-offer.txt").problems[0]
    assert "before any snapshot" in _play("broadworks_3way_call_3__4.msg").problems[0]
