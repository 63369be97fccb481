"""What a draft tells of the course of its call, and what the terms of recording make of its sound."""

import io
from dataclasses import replace

import numpy as np
import pytest

from hub.sdk import EventKind, Notice, NoticeKind, TimelineEvent, Verdict
from plugins.pbx_sip.calls.dialog import Dialog, Side, Stance, ToldKey
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.calls.observer import Observer
from plugins.pbx_sip.calls.recorded import Lane, RecordedCall
from plugins.pbx_sip.drafts.draft import make_draft
from plugins.pbx_sip.drafts.terms import Terms
from plugins.pbx_sip.media.g711 import LAWS
from plugins.pbx_sip.media.gaps import Gap, find_gaps
from plugins.pbx_sip.packets.files import CaptureFile, open_capture
from plugins.pbx_sip.rtp.events import KeyPress
from plugins.pbx_sip.sdp.description import Direction, Media
from plugins.pbx_sip.sip.address import parse_address
from tests.doubles import audio
from tests.doubles.capture_file import WireCall, frames_of, pcap_with
from tests.doubles.rtp_stream import BEGAN_NS, Sender, received
from tests.doubles.shared_data import shared
from tests.doubles.talk import tone

S = 1_000_000_000
LOUD = 0x20
FIVE = KeyPress(key="5", at_s=2.0, length_s=0.2)


def lane(side=Side.CALLER, length_s=10.0, **more):
    sound = np.full(round(length_s * 8000), LOUD, np.uint8)
    return Lane(side=side, section=0, sound=sound, codings=("PCMU",), quality=None, **more)


def call_of(*lanes, stances=(), keys=(), ended_s=10.0):
    dialog = Dialog(
        call_id="c1",
        caller=parse_address("<sip:201@pbx>"),
        called=parse_address("<sip:305@pbx>"),
        answered_ns=BEGAN_NS,
        ended_ns=BEGAN_NS + round(ended_s * S),
        stances=list(stances),
    )
    told = tuple(ToldKey(at_ns=BEGAN_NS + round(at_s * S), side=Side.CALLED, key=key) for at_s, key in keys)
    return RecordedCall(
        dialog=dialog,
        hops=(dialog,),
        began_ns=BEGAN_NS,
        rate_hz=8000,
        law="PCMU",
        lanes=lanes or (lane(), lane(Side.CALLED)),
        keys_told=told,
    )


def stance(
    side, at_s, direction=Direction.SENDRECV, *, kind="audio", address="192.0.2.1", section=0, port=4000, **more
):
    protocol = "udptl" if kind == "image" else "RTP/AVP"
    media = Media(kind=kind, port=port, protocol=protocol, formats=(), address=address, direction=direction, **more)
    return Stance(side=side, section=section, at_ns=BEGAN_NS + round(at_s * S), media=media)


@pytest.fixture
def draft_of(tmp_path):
    def make(call, pauses=(), stopped_s=0.0, voicemails=(), **verdict):
        spans = [(BEGAN_NS + round(one * S), BEGAN_NS + round(other * S)) for one, other in pauses]
        path = tmp_path / "call.wav"
        stopped_ns = BEGAN_NS + round(stopped_s * S) if stopped_s else 0
        terms = Terms(
            verdict=Verdict(**verdict),
            pauses=tuple(spans),
            stopped_ns=stopped_ns,
            voicemails_ns=tuple(BEGAN_NS + round(at_s * S) for at_s in voicemails),
        )
        draft = make_draft(call, NumberPlan(), path, "test", terms)
        return draft, audio.decoded(path.read_bytes())[0]

    return make


def spans(draft, kind):
    return [(event.at_s, event.until_s, event.party) for event in draft.events if event.kind is kind]


def test_a_pressed_key_is_told_without_its_digit(draft_of):
    draft, _ = draft_of(call_of(lane(keys=(FIVE,)), lane(Side.CALLED)))
    assert draft.events == (TimelineEvent(at_s=2.0, until_s=2.2, kind=EventKind.KEY, party="201"),)


def test_a_rule_may_keep_the_digits(draft_of):
    draft, _ = draft_of(call_of(lane(keys=(FIVE,)), keys=[(4.0, "#")]), keeps_keys=True)
    assert [(event.at_s, event.text) for event in draft.events] == [(2.0, "5"), (4.0, "#")]


def test_a_key_that_is_told_twice_was_pressed_once(draft_of):
    draft, _ = draft_of(call_of(lane(keys=(FIVE,)), keys=[(2.3, "5"), (6.0, "5")]))
    assert [event.at_s for event in draft.events] == [2.0, 6.0]


def test_keys_are_counted_however_they_are_told_and_the_hook_is_none(draft_of):
    flash = KeyPress(key="flash", at_s=3.0, length_s=0.1)
    draft, _ = draft_of(call_of(lane(keys=(FIVE, flash)), lane(Side.CALLED), keys=[(4.0, "1"), (6.0, "2")]))
    counted = {name: value for name, value in draft.fields.items() if name.endswith("keys_pressed")}
    assert counted == {"caller_keys_pressed": "1", "called_keys_pressed": "2"}
    only_hook, _ = draft_of(call_of(lane(keys=(flash,))))
    assert "caller_keys_pressed" not in only_hook.fields


def test_tones_of_keys_are_heard_unless_a_rule_masks_them(draft_of):
    call = call_of(lane(keys=(FIVE,)), lane(Side.CALLED), keys=[(6.0, "1")])
    assert draft_of(call)[1].all()
    masked = draft_of(call, masks_keys=True)[1]
    silent = np.flatnonzero(~masked.any(axis=1))
    expected = [*range(round(1.95 * 8000), round(2.25 * 8000)), *range(round(5.95 * 8000), round(6.15 * 8000))]
    assert silent.tolist() == expected
    assert (call.lanes[0].sound == LOUD).all()


def test_tones_of_keys_that_come_with_the_speech_are_masked_on_both_sides(draft_of):
    at_s = np.arange(80_000) / 8000
    hum = 2000 * np.sin(2 * np.pi * 300 * at_s)
    hum[16_000:16_800] = 3000 * (np.sin(2 * np.pi * 770 * at_s[:800]) + np.sin(2 * np.pi * 1336 * at_s[:800]))
    pressed = replace(lane(), sound=LAWS["PCMU"].compress(hum.astype(np.int16)))
    call = call_of(pressed, lane(Side.CALLED))
    assert draft_of(call)[1][16_000:16_800].any()
    silent = np.flatnonzero(~draft_of(call, masks_keys=True)[1].any(axis=1))
    assert set(range(15_800, 17_000)) <= set(silent.tolist())
    assert silent.min() > 15_000
    assert silent.max() < 17_800


def test_a_pause_is_silent_for_its_true_length_and_said_so(draft_of):
    draft, samples = draft_of(call_of(), pauses=[(3.0, 5.5)])
    assert spans(draft, EventKind.PAUSE) == [(3.0, 5.5, "")]
    assert not samples[24000:44000].any()
    assert samples[:24000].all()
    assert samples[44000:].all()


def test_a_recording_that_ends_at_voicemail_says_so_at_its_end(draft_of):
    draft, samples = draft_of(call_of(), pauses=[(6.0, 10.0)], stopped_s=6.0, voicemails=[6.0], rule="Hotline")
    assert (draft.duration_s, len(samples)) == (6.0, 48_000)
    [event] = draft.events
    assert (event.at_s, event.kind) == (5.999, EventKind.NOTE)
    assert event.text == "The call went to voicemail, where the rule Hotline ends the recording"


def test_a_capture_of_a_call_that_is_longer_than_its_rule_lets_it_be_says_where_it_ends(draft_of):
    draft, _ = draft_of(call_of(), rule="Short", longest_s=4.0)
    [event] = draft.events
    assert (event.at_s, event.kind) == (3.999, EventKind.NOTE)
    assert event.text == "The recording ends after the longest length that the rule Short lets it have"
    assert draft_of(call_of(), longest_s=10.0)[0].events == ()


def test_a_call_that_came_back_from_voicemail_says_where_it_was(draft_of):
    draft, samples = draft_of(call_of(), pauses=[(3.0, 6.0)], voicemails=[3.0], rule="Hotline", longest_s=9.0)
    assert (draft.duration_s, samples[24_000:48_000].any(), samples[48_000:].all()) == (9.0, False, True)
    assert sorted((event.at_s, event.kind) for event in draft.events) == [
        (3.0, EventKind.NOTE),
        (3.0, EventKind.PAUSE),
        (8.999, EventKind.NOTE),
    ]
    [event] = draft_of(call_of(), voicemails=[9.5], rule="Hotline", longest_s=9.0)[0].events
    assert "longest length" in event.text


def test_a_call_that_ends_while_it_is_paused_is_as_long_as_it_was(draft_of):
    draft, samples = draft_of(call_of(lane(length_s=4.0), ended_s=9.0), pauses=[(4.0, 20.0)])
    assert draft.duration_s == 9.0
    assert len(samples) == 72000
    assert spans(draft, EventKind.PAUSE) == [(4.0, 9.0, "")]


def test_a_recording_that_somebody_stopped_ends_there_and_the_rest_is_no_pause(draft_of):
    draft, samples = draft_of(call_of(), pauses=[(3.0, 5.5), (7.0, 10.0)], stopped_s=7.0)
    assert (draft.duration_s, len(samples)) == (7.0, 7 * 8000)
    assert spans(draft, EventKind.PAUSE) == [(3.0, 5.5, "")]


def test_what_is_lost_in_a_pause_is_no_gap(draft_of):
    gaps = (Gap(2.9, 5.6), Gap(7.0, 8.0))
    draft, _ = draft_of(call_of(lane(gaps=gaps)), pauses=[(3.0, 5.5)])
    assert spans(draft, EventKind.GAP) == [(7.0, 8.0, "201")]


def test_a_recording_ends_where_the_rules_say(draft_of):
    gaps = (Gap(1.0, 2.0), Gap(3.0, 8.0), Gap(6.0, 7.0))
    draft, samples = draft_of(call_of(lane(gaps=gaps)), longest_s=5.0)
    assert (draft.duration_s, len(samples)) == (5.0, 40000)
    assert spans(draft, EventKind.GAP) == [(1.0, 2.0, "201"), (3.0, 5.0, "201")]


@pytest.mark.parametrize("direction", [Direction.SENDONLY, Direction.INACTIVE])
def test_a_hold_is_of_who_said_it_first(draft_of, direction):
    answer = Direction.INACTIVE if direction is Direction.INACTIVE else Direction.RECVONLY
    stances = [
        stance(Side.CALLER, -1.0),
        stance(Side.CALLED, 0.0),
        stance(Side.CALLED, 3.0, direction),
        stance(Side.CALLER, 3.1, answer),
        stance(Side.CALLED, 6.0),
        stance(Side.CALLER, 6.1),
        stance(Side.CALLER, 9.0, address="0.0.0.0"),
    ]
    draft, _ = draft_of(call_of(stances=stances))
    assert [(at_s, party) for at_s, _, party in spans(draft, EventKind.HOLD)] == [(3.0, "305"), (9.0, "201")]
    assert [until_s for _, until_s, _ in spans(draft, EventKind.HOLD)] == [
        6.1 if direction is Direction.INACTIVE else 6.0,
        10.0,
    ]


def test_an_announcement_that_only_ever_sends_is_no_hold(draft_of):
    stances = [stance(Side.CALLER, 0.0, Direction.RECVONLY), stance(Side.CALLED, 0.0, Direction.SENDONLY)]
    assert draft_of(call_of(stances=stances))[0].events == ()


@pytest.mark.parametrize(("kind", "word"), [("image", "T.38"), ("video", "video"), ("text", "real-time text")])
def test_other_media_that_both_sides_wanted_is_noted(draft_of, kind, word):
    both = [stance(side, 4.0 + place, kind=kind, section=1) for place, side in enumerate(Side)]
    [note] = draft_of(call_of(stances=both))[0].events
    assert (note.kind, note.at_s) == (EventKind.NOTE, 5.0)
    assert word in note.text
    assert draft_of(call_of(stances=both[:1]))[0].events == ()
    refused = [both[0], stance(Side.CALLED, 5.0, kind=kind, section=1, port=0)]
    assert draft_of(call_of(stances=refused))[0].events == ()


@pytest.mark.parametrize(("coding", "word"), [("SRTP", "encrypted"), ("EVS", "in EVS"), ("101", "payload type 101")])
def test_what_cannot_be_decoded_is_noted(draft_of, coding, word):
    [note] = draft_of(call_of(lane(), lane(Side.CALLED, undecoded=(coding,))))[0].events
    assert (note.kind, note.party) == (EventKind.NOTE, "305")
    assert word in note.text


def test_how_much_was_concealed_stands_beside_the_quality(draft_of):
    draft, _ = draft_of(call_of(lane(concealed_s=0.12)))
    assert draft.fields["caller_concealed_s"] == "0.12"
    assert "called_concealed_s" not in draft.fields


def test_a_recording_client_that_pauses_is_told_as_a_pause(tmp_path):
    observer = Observer()
    with open_capture(shared("pcaps/siprec_broadworks_pause_resume.pcapng")) as blocks:
        for block in blocks:
            observer.add(block)
    [call] = observer.take()
    draft = make_draft(call, NumberPlan(), tmp_path / "call.wav", "test")
    assert spans(draft, EventKind.PAUSE) == [(pytest.approx(10, abs=0.1), pytest.approx(15, abs=0.1), "")]
    assert spans(draft, EventKind.HOLD) == []


def test_who_came_and_went_is_told_but_for_the_beginning_and_the_end(tmp_path):
    observer = Observer()
    with open_capture(shared("pcaps/siprec_two_oracle.pcapng")) as blocks:
        for block in blocks:
            observer.add(block)
    [call] = observer.take()
    longer = replace(call, began_ns=call.began_ns - 5 * S)
    draft = make_draft(longer, NumberPlan(), tmp_path / "call.wav", "test")
    assert [(event.kind, event.party) for event in draft.events if event.kind is EventKind.JOIN] == [
        (EventKind.JOIN, "9000"),
        (EventKind.JOIN, "1002"),
    ]
    assert make_draft(call, NumberPlan(), tmp_path / "call.wav", "test").events == ()


def test_a_gap_is_where_much_was_lost_and_not_where_nothing_was_said():
    sender = Sender().send([b"\x20" * 160] * 100)
    quiet = sender.pause(3.0).send([b"\x20" * 160] * 100).sent
    assert find_gaps(received(quiet), BEGAN_NS) == []
    [gap] = find_gaps(received(quiet[:40] + quiet[80:]), BEGAN_NS)
    assert (gap.at_s, gap.until_s) == (pytest.approx(0.8), pytest.approx(1.6))
    assert find_gaps(received(quiet[:40] + quiet[60:]), BEGAN_NS) == []


def test_a_sender_that_begins_anew_leaves_no_gap():
    sender = Sender().send([b"\x20" * 160] * 50)
    sender.sequence = (sender.sequence + 20_000) & 0xFFFF
    assert find_gaps(received(sender.pause(2.0).send([b"\x20" * 160] * 50).sent), BEGAN_NS) == []


@pytest.mark.parametrize(
    ("is_answered", "expected"), [(True, []), (False, ["Nobody answered: this was heard before an answer"])]
)
def test_a_call_that_nobody_answered_says_so_where_something_was_heard(tmp_path, is_answered, expected):
    call = WireCall(call_id="early@pbx", said=tone(440.0, 2.0), heard=tone(620.0, 2.0))
    frames = [each for each in frames_of(call) if is_answered or b"SIP/2.0 200" not in each[1]]
    observer = Observer()
    for block in CaptureFile(io.BytesIO(pcap_with(frames))):
        observer.add(block)
    [found] = observer.take()
    draft = make_draft(found, NumberPlan(), tmp_path / "call.wav", "test")
    assert [each.text for each in draft.events if each.kind is EventKind.NOTE] == expected


def test_whose_telephone_is_told_of_the_recording_knows_of_it(draft_of):
    told = call_of(stances=[stance(Side.CALLER, 0, recording="on"), stance(Side.CALLED, 0)])
    untold = call_of(stances=[stance(Side.CALLER, 0, recording="off"), stance(Side.CALLED, 0)])
    notices = [draft_of(call)[0].notice for call in (told, untold)]
    assert notices == [Notice(kind=NoticeKind.SIGNALLED, by="a=record"), Notice()]


def test_a_header_field_that_tells_of_an_announcement_is_a_notice_of_an_ordinary_call(draft_of):
    call = call_of()
    call.dialog.keep_header("X-Recording-Announcement", "played")
    assert draft_of(call)[0].notice.kind is NoticeKind.ANNOUNCED


def test_who_asks_not_to_be_recorded_is_told_with_the_moment(draft_of):
    wishes = [
        stance(Side.CALLER, 0, recording_wish="nopreference"),
        stance(Side.CALLED, 0, recording_wish="on"),
        stance(Side.CALLER, 3, recording_wish="off"),
        stance(Side.CALLER, 5, Direction.SENDONLY, recording_wish="off"),
    ]
    draft, _ = draft_of(call_of(stances=wishes))
    notes = [(event.at_s, event.party, event.text) for event in draft.events if event.kind is EventKind.NOTE]
    assert notes == [
        (0.0, "305", "This party asked to be recorded"),
        (3.0, "201", "This party asked not to be recorded"),
    ]
