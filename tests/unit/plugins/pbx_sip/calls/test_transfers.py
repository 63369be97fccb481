"""Transfers: legs of one interaction, and who joined and left when."""

import pytest

from hub.sdk import EventKind
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.calls.observer import Observer
from plugins.pbx_sip.drafts.draft import make_draft
from plugins.pbx_sip.packets.files import open_capture
from tests.doubles.capture_file import WireCall, frames_of, request_in, write_frames
from tests.doubles.rtp_stream import BEGAN_NS

S = 1_000_000_000
LONG = b"\x20" * 8000 * 4


@pytest.fixture
def drafts_of(tmp_path):
    """Drafts by Call-ID, of a capture of frames in any order."""

    def make(*frames):
        observer = Observer()
        with open_capture(write_frames(tmp_path / "seen.pcap", sorted(frames))) as blocks:
            for block in blocks:
                observer.add(block)
        drafts = (make_draft(call, NumberPlan(), tmp_path / "call.wav", "test") for call in observer.take())
        return {draft.fields.get("sip_call_id", draft.call_id): draft for draft in drafts}

    return make


def leg(call_id, caller, called, at_s, row, headers=""):
    hosts = {"caller_host": f"192.0.2.{10 + row}", "called_host": f"192.0.2.{30 + row}"}
    port = 20000 + 100 * row
    began_ns = BEGAN_NS + round(at_s * S)
    return WireCall(
        call_id=call_id,
        caller=caller,
        called=called,
        name="",
        port=port,
        said=LONG,
        heard=LONG,
        began_ns=began_ns,
        headers=headers,
        **hosts,
    )


def interactions(drafts):
    return {call_id: draft.call_id for call_id, draft in drafts.items()}


def test_the_legs_of_a_blind_transfer_are_one_interaction(drafts_of):
    first, second = leg("c1", "+4930123456", "305", 0, 1), leg("c2", "+4930123456", "400", 4.5, 2)
    refer = request_in(first, 3.0, "REFER", headers="Refer-To: <sip:400@pbx>", by_called=True)
    drafts = drafts_of(*frames_of(first), refer, *frames_of(second))
    assert interactions(drafts) == {"c1": "c1", "c2": "c1"}
    assert drafts["c1"].fields["referred_to"] == "sip:400@pbx"


def test_a_leg_that_the_transferring_party_is_named_in_is_found_by_that(drafts_of):
    first = leg("c1", "201", "305", 0, 1)
    second = leg("c2", "anonymous", "+4930999999", 4.5, 2, headers="Referred-By: <sip:305@pbx>")
    refer = request_in(first, 3.0, "REFER", headers="Refer-To: <tel:+4930999999>", by_called=True)
    assert interactions(drafts_of(*frames_of(first), refer, *frames_of(second))) == {"c1": "c1", "c2": "c1"}


def test_the_three_legs_of_an_attended_transfer_are_one_interaction(drafts_of):
    first, asking = leg("c1", "201", "305", 0, 1), leg("c2", "305", "400", 1.0, 2)
    joined = leg("c3", "201", "400", 4.0, 3, headers="Replaces: c2;to-tag=b;from-tag=a")
    target = "Refer-To: <sip:400@pbx?Replaces=c2%3Bto-tag%3Db%3Bfrom-tag%3Da>"
    refer = request_in(first, 3.9, "REFER", headers=target, by_called=True)
    drafts = drafts_of(*frames_of(first), *frames_of(asking), refer, *frames_of(joined))
    assert interactions(drafts) == {"c1": "c1", "c2": "c1", "c3": "c1"}
    assert drafts["c3"].fields["replaces_call_id"] == "c2"


def test_a_call_that_is_picked_up_by_replaces_is_a_leg_of_it(drafts_of):
    ringing = leg("c1", "201", "305", 0, 1)
    pickup = leg("c2", "306", "201", 3.0, 2, headers="Replaces: c1;to-tag=b;from-tag=a;early-only")
    assert interactions(drafts_of(*frames_of(ringing), *frames_of(pickup))) == {"c1": "c1", "c2": "c1"}


@pytest.mark.parametrize("caller", ["305", "201"], ids=["who transferred", "who was transferred"])
def test_a_transfer_has_one_leg_and_a_call_some_time_after_it_is_another_call(drafts_of, caller):
    first, second, again = (
        leg("c1", "201", "305", 0, 1),
        leg("c2", "201", "400", 4.5, 2),
        leg("c3", caller, "400", 20, 3),
    )
    refer = request_in(first, 3.0, "REFER", headers="Refer-To: <sip:400@pbx>", by_called=True)
    drafts = drafts_of(*frames_of(first), refer, *frames_of(second), *frames_of(again))
    assert interactions(drafts) == {"c1": "c1", "c2": "c1", "c3": "c3"}


def test_a_system_may_carry_out_a_transfer_at_once_in_the_name_of_who_asked_for_it(drafts_of):
    first, second = leg("c1", "201", "305", 0, 1), leg("c2", "305", "400", 3.5, 2)
    refer = request_in(first, 3.0, "REFER", headers="Refer-To: <sip:400@pbx>", by_called=True)
    assert interactions(drafts_of(*frames_of(first), refer, *frames_of(second))) == {"c1": "c1", "c2": "c1"}


@pytest.mark.parametrize(
    ("caller", "called", "at_s"),
    [("207", "400", 4.5), ("201", "401", 4.5), ("201", "400", 90.0)],
    ids=["somebody else", "somewhere else", "much later"],
)
def test_other_calls_are_no_legs(drafts_of, caller, called, at_s):
    first, other = leg("c1", "201", "305", 0, 1), leg("c2", caller, called, at_s, 2)
    refer = request_in(first, 3.0, "REFER", headers="Refer-To: <sip:400@pbx>", by_called=True)
    assert interactions(drafts_of(*frames_of(first), refer, *frames_of(other))) == {"c1": "c1", "c2": "c2"}


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("UPDATE", 'P-Asserted-Identity: "Cem" <sip:306@pbx>'),
        ("INVITE", "Remote-Party-ID: <sip:306@pbx>;party=calling"),
    ],
)
def test_who_takes_the_place_of_a_party_joins_when_that_one_leaves(drafts_of, method, headers):
    call = leg("c1", "201", "305", 0, 1)
    moved = request_in(call, 2.25, method, headers=headers, by_called=True)
    again = request_in(call, 2.5, method, headers=headers, by_called=True, number=4)
    [draft] = drafts_of(*frames_of(call), moved, again).values()
    assert [(party.number, party.joined_s, party.left_s, party.channel) for party in draft.parties] == [
        ("201", None, None, 0),
        ("305", None, pytest.approx(2.0, abs=0.01), 1),
        ("306", pytest.approx(2.0, abs=0.01), None, 1),
    ]
    assert draft.media[0].channel_parties == ()
    assert [(event.kind, event.party) for event in draft.events] == [(EventKind.LEAVE, "305"), (EventKind.JOIN, "306")]


def test_a_party_under_another_form_of_its_number_stays_the_same(drafts_of):
    call = leg("c1", "201", "+4930123456789", 0, 1)
    named = request_in(call, 2.25, "UPDATE", headers="P-Asserted-Identity: <sip:030123456789@pbx>", by_called=True)
    [draft] = drafts_of(*frames_of(call), named).values()
    assert [party.number for party in draft.parties] == ["201", "+4930123456789"]


@pytest.mark.parametrize("later_s", [0.22, 2.3], ids=["answer", "transfer"])
def test_another_hop_that_writes_the_number_otherwise_names_nobody_else(drafts_of, later_s):
    call = leg("c1", "201", "305", 0, 1)
    told = [
        request_in(
            call, 2.25 if later_s > 1 else 0.3, "UPDATE", headers="P-Asserted-Identity: <sip:306@pbx>", by_called=True
        ),
        request_in(call, later_s + 0.2, "UPDATE", headers="P-Asserted-Identity: <sip:+4930306@pbx>", by_called=True),
        request_in(call, 4.0, "UPDATE", headers="P-Asserted-Identity: <sip:+4930306@pbx>", by_called=True, number=4),
        request_in(call, 4.1, "UPDATE", by_called=True, number=5),
    ]
    [draft] = drafts_of(*frames_of(call), *told).values()
    expected = ["201", "305", "306"] if later_s > 1 else ["201", "306"]
    assert [party.number for party in draft.parties] == expected


def test_whoever_answered_is_the_called_party_not_whoever_it_rang_at_first(drafts_of):
    call = leg("c1", "201", "300", 0, 1)
    answered = [
        (
            at_ns,
            frame.replace(b"CSeq: 1 INVITE\r\n", b"CSeq: 1 INVITE\r\nP-Asserted-Identity: <sip:3%02d@pbx>\r\n" % who),
        )
        for at_ns, frame in frames_of(call)
        for who in [5 if b"180 Ringing" in frame else 7]
    ]
    by_called = [new if b"SIP/2.0 " in new[1] else old for new, old in zip(answered, frames_of(call), strict=True)]
    [draft] = drafts_of(*map(lengthened, by_called)).values()
    assert [party.number for party in draft.parties] == ["201", "307"]


def lengthened(frame):
    """The frame with the lengths in its headers right, after it got longer."""
    at_ns, content = frame
    size = len(content) - 14
    fixed = content[:16] + size.to_bytes(2) + content[18:38] + (size - 20).to_bytes(2) + content[40:]
    return at_ns, fixed


def test_a_bad_field_of_a_transfer_does_no_harm(drafts_of):
    bad = "Refer-To: <sip:400@[::pbx?Replaces=%ZZ>\r\nReferred-By: <"
    call = leg("c1", "201", "305", 0, 1, headers="Referred-By: <\r\nDiversion: <<>>\r\nReplaces:")
    refer = request_in(call, 1.0, "REFER", headers=bad, by_called=True)
    [draft] = drafts_of(*frames_of(call), refer).values()
    assert draft.duration_s == pytest.approx(4.0)
