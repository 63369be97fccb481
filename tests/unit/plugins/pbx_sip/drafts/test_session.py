"""Recordings of recording sessions that were captured on their way: parties as the metadata names them."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from hub.sdk import Direction, Owner, OwnerKind, Role
from plugins.pbx_sip.calls.dialog import Dialog, Side
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.calls.observer import Observer
from plugins.pbx_sip.calls.recorded import Lane, RecordedCall
from plugins.pbx_sip.drafts.draft import make_draft
from plugins.pbx_sip.packets.files import open_capture
from plugins.pbx_sip.siprec.session import RecordingSession
from tests.doubles import audio
from tests.doubles.rtp_stream import BEGAN_NS
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


def test_agent_owner_and_groups_are_those_that_rules_decide_by(draft_of):
    draft = draft_of("siprec_metaswitch_dtmf.pcapng")
    assert draft.owner == Owner(kind=OwnerKind.USER, id="+17602922410")
    assert draft.fields["groups"] == "MiaRec Inc. - 00004803"
    acd = draft_of("siprec_broadworks_pause_resume.pcapng")
    assert (acd.owner, acd.call_id.partition("-")[0]) == (Owner(kind=OwnerKind.USER, id="8638254725"), "tracking")


def test_each_stream_is_the_channel_of_who_sends_it(draft_of, tmp_path):
    draft = draft_of("siprec_two_oracle.pcapng")
    assert parties(draft) == [("9000", "", Role.CALLER, 0), ("1002", "", Role.CALLED, 1)]
    assert draft.media[0].channel_parties == ("9000", "1002")
    assert (draft.direction, draft.target, draft.mixed) == (Direction.INTERNAL, "1002", False)
    assert draft.fields["session_id"] == "AavRXwIIQj1Q39eJulTipQ=="
    assert draft.provenance["parties"] == "metadata"
    samples, _ = audio.decoded((tmp_path / "call.wav").read_bytes())
    assert samples.shape == (64000, 2)


def test_what_was_dialled_for_a_line_is_no_part_of_a_number_in_a_session_either(draft_of):
    plan = NumberPlan(internal_digits=2, internal_prefixes=("9000",), outside_prefix="1")
    draft = draft_of("siprec_two_oracle.pcapng", plan)
    assert parties(draft) == [("9000", "", Role.CALLER, 0), ("002", "", Role.CALLED, 1)]
    assert (draft.target, draft.media[0].channel_parties) == ("002", ("9000", "002"))


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


def conference(count):
    """A session with a stream for each participant, 201 and on; stream n hums at 300 + 100 n Hz for two seconds."""
    labels = {place: str(place + 1) for place in range(count)}
    people = "".join(
        f'<participant participant_id="p{place}"><nameID aor="sip:{201 + place}@pbx"/></participant>'
        f'<stream stream_id="s{place}" session_id="s"><label>{label}</label></stream>'
        f'<participantsessionassoc participant_id="p{place}" session_id="s"/>'
        f'<participantstreamassoc participant_id="p{place}"><send>s{place}</send></participantstreamassoc>'
        for place, label in labels.items()
    )
    metadata = f'<recording xmlns="urn:ietf:params:xml:ns:recording:1"><session session_id="s"/>{people}</recording>'
    session = RecordingSession()
    session.update(metadata.encode(), received_at=datetime(2026, 11, 22, tzinfo=UTC), lines=labels)
    dialog = Dialog(call_id="c1", answered_ns=BEGAN_NS, ended_ns=BEGAN_NS + 2 * 10**9, session=session, labels=labels)
    return RecordedCall(
        dialog=dialog,
        hops=(dialog,),
        began_ns=BEGAN_NS,
        rate_hz=8000,
        law="",
        lanes=tuple(
            Lane(side=Side.CALLER, section=place, sound=tone(300 + 100 * place), codings=("L16",), quality=None)
            for place in range(count)
        ),
    )


def tone(pitch_hz):
    return audio.tone(2.0, pitch_hz)[:, 0] // 8


def pitches(samples):
    """The tones on one channel."""
    spectrum = np.abs(np.fft.rfft(samples[:8000].astype(float)))
    return [int(each) for each in np.flatnonzero(spectrum > spectrum.max() / 4)]


def test_every_stream_of_a_conference_has_a_channel_of_its_own(tmp_path):
    draft = make_draft(conference(5), NumberPlan(), tmp_path / "call.wav", "test")
    samples, _ = audio.decoded((tmp_path / "call.wav").read_bytes())
    assert [pitches(channel) for channel in samples.T] == [[300], [400], [500], [600], [700]]
    assert [(party.number, party.channel) for party in draft.parties] == [(str(201 + at), at) for at in range(5)]
    assert draft.media[0].channel_parties == ("201", "202", "203", "204", "205")


@pytest.mark.parametrize(
    ("count", "silent", "pitched", "placed"),
    [
        (2, {1}, [[300], []], {"201": 0, "202": 1}),
        (2, {0}, [[], [400]], {"201": 0, "202": 1}),
        (3, {0}, [[], [400], [500]], {"201": 0, "202": 1, "203": 2}),
        (3, {1}, [[300], [500]], {"201": 0, "202": None, "203": 1}),
        (3, {1, 2}, [[300], []], {"201": 0, "202": 1, "203": None}),
        (9, {0}, [[], *([each] for each in range(400, 1000, 100)), [1000, 1100]], None),
    ],
)
def test_who_is_silent_has_a_channel_as_the_recorded_user_or_beside_one_who_is_heard(
    tmp_path, count, silent, pitched, placed
):
    call = conference(count)
    heard = replace(call, lanes=tuple(lane for lane in call.lanes if lane.section not in silent))
    draft = make_draft(heard, NumberPlan(), tmp_path / "call.wav", "test")
    samples, _ = audio.decoded((tmp_path / "call.wav").read_bytes())
    assert [pitches(channel) if channel.any() else [] for channel in samples.T] == pitched
    assert placed is None or {party.number: party.channel for party in draft.parties} == placed
    assert draft.mixed is False
    notes = [event.party for event in draft.events if event.text == "Nothing was received of this party"]
    assert notes == [str(201 + place) for place in sorted(silent)]


def test_of_more_streams_than_a_file_has_channels_the_rest_share_the_last(tmp_path):
    draft = make_draft(conference(10), NumberPlan(), tmp_path / "call.wav", "test")
    samples, _ = audio.decoded((tmp_path / "call.wav").read_bytes())
    assert samples.shape[1] == 8
    assert pitches(samples[:, 7]) == [1000, 1100, 1200]
    assert [party.channel for party in draft.parties] == [*range(8), 7, 7]
