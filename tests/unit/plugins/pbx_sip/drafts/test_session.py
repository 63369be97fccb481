"""Recordings of recording sessions that were captured on their way: parties as the metadata names them."""

import pytest

from hub.sdk import Direction, Role
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.calls.observer import Observer
from plugins.pbx_sip.drafts.draft import make_draft
from plugins.pbx_sip.packets.files import open_capture
from tests.doubles import audio
from tests.doubles.shared_data import shared


@pytest.fixture
def draft_of(tmp_path):
    def make(name, plan=None):
        observer = Observer()
        with open_capture(shared(f"pcaps/{name}")) as blocks:
            for block in blocks:
                observer.add(block)
        [call] = observer.take()
        return make_draft(call, plan or NumberPlan(), tmp_path / "call.wav", name)

    return make


def parties(draft):
    return [(party.number, party.name, party.role, party.channel) for party in draft.parties]


def test_each_stream_is_the_channel_of_who_sends_it(draft_of, tmp_path):
    draft = draft_of("siprec_two_oracle.pcapng")
    assert parties(draft) == [("9000", "", Role.CALLER, 0), ("1002", "", Role.CALLED, 1)]
    assert draft.media[0].channel_parties == ("9000", "1002")
    assert (draft.direction, draft.target, draft.mixed) == (Direction.INTERNAL, "1002", None)
    assert draft.fields["session_id"] == "AavRXwIIQj1Q39eJulTipQ=="
    assert draft.provenance["parties"] == "metadata"
    samples, _ = audio.decoded((tmp_path / "call.wav").read_bytes())
    assert samples.shape == (64000, 2)


def test_one_of_us_is_on_the_left_whatever_the_order_of_the_streams(draft_of):
    draft = draft_of("siprec_two_oracle.pcapng", NumberPlan(internal_digits=0, internal_prefixes=("1002",)))
    assert parties(draft) == [("9000", "", Role.CALLER, 1), ("1002", "", Role.CALLED, 0)]
    assert draft.media[0].channel_parties == ("1002", "9000")
    assert draft.direction is Direction.INCOMING


def test_what_the_metadata_leaves_open_is_taken_from_the_order_and_said_so(draft_of):
    draft = draft_of("siprec_two_opensips.pcapng")
    assert [(number, name, channel) for number, name, _, channel in parties(draft)] == [
        ("0771121212", "test_user", 0),
        ("0760516936", "", 1),
    ]
    assert "taken from their order" in draft.fields["metadata_problems"]


@pytest.mark.parametrize(
    ("name", "direction", "numbers"),
    [
        ("siprec_metaswitch_dtmf.pcapng", Direction.OUTGOING, {"7602922410", "7602922411"}),
        ("siprec_broadworks_pause_resume.pcapng", Direction.INCOMING, {"8638254725", "+19015783200"}),
    ],
)
def test_a_stream_that_carries_all_is_mixed_and_nobodys_channel(draft_of, tmp_path, name, direction, numbers):
    draft = draft_of(name)
    assert (draft.direction, draft.mixed, draft.media[0].channel_parties) == (direction, True, ())
    assert {party.number for party in draft.parties} == numbers
    assert {party.channel for party in draft.parties} == {None}
    samples, _ = audio.decoded((tmp_path / "call.wav").read_bytes())
    assert samples.shape[1] == 1
