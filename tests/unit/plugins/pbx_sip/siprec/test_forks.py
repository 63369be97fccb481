"""Calls that are forked without metadata, from the wire to the recording."""

from dataclasses import replace

import pytest

from hub.sdk import Direction, EventKind, Role
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.calls.observer import Observer
from plugins.pbx_sip.drafts.draft import make_draft
from plugins.pbx_sip.packets.files import open_capture
from tests.doubles import audio
from tests.doubles.capture_file import write_frames
from tests.doubles.rtp_stream import BEGAN_NS
from tests.unit.plugins.pbx_sip.siprec.forking import Fork, observe, tones_of

S = 1_000_000_000
NBR = (
    'X-Cisco-Recording-Participant: sip:708090@10.42.30.5;media-index="0 2"\r\n'
    'X-Cisco-Recording-Participant: sip:10000@10.42.30.32;media-index="1 3"\r\n'
    "Remote-Party-ID: <sip:10.42.30.10>;party=calling;screen=no;privacy=off"
)
BRIDGE = "x-refci=27298698;x-nearendclusterid=C1;x-nearenddevice=SEP1;x-nearendaddr=2000;x-farendrefci=27298699"
FAR = "x-farenddevice=Trk1;x-farendaddr=+436641112223"


@pytest.fixture
def drafts_of(tmp_path):
    """(draft, samples) of each call in what forks send."""

    def make(*frames, plan=None):
        found = []
        for call in observe(tmp_path / "seen.pcap", *frames):
            path = tmp_path / "call.wav"
            draft = make_draft(call, plan or NumberPlan(), path, "test")
            found.append((draft, audio.decoded(path.read_bytes())[0]))
        return found

    return make


@pytest.fixture
def draft_of(drafts_of):
    def make(*frames, **more):
        [found] = drafts_of(*frames, **more)
        return found

    return make


def bridge(end, *, near=BRIDGE, far=FAR, **more):
    """One of the two dialogs of a built-in bridge."""
    tones_hz = (400.0,) if end == "near" else (900.0,)
    sender = f'"Agent" <sip:2000@ucm1;x-{end}end;{near};{far}>'
    return Fork(
        call_id=end, sender=sender, target="<sip:8888@rec>", **{"tones_hz": tones_hz, "offers_late": True} | more
    )


def channels(draft):
    return {party.number: party.channel for party in draft.parties}


def spans(draft, kind):
    return [
        (event.party, round(event.at_s, 1), round(event.until_s, 1)) for event in draft.events if event.kind is kind
    ]


def notes(draft):
    return [event.text for event in draft.events if event.kind is EventKind.NOTE]


def test_network_recording_has_a_channel_for_each_participant_and_none_for_the_recorder(draft_of):
    call = Fork(
        call_id="n",
        sender="<sip:9.42.30.10>",
        target="<sip:595959@rec>",
        headers=NBR,
        tones_hz=(400, 900),
        has_video=True,
    )
    draft, samples = draft_of(call.frames(), plan=NumberPlan(internal_digits=6))
    assert channels(draft) == {"708090": 0, "10000": 1}
    assert tones_of(samples) == [[400], [900]]
    assert (draft.mixed, draft.direction) == (False, Direction.INTERNAL)
    assert notes(draft) == ["There was video, which is not recorded"]


def test_participants_may_stand_in_one_field_and_in_any_order(draft_of):
    headers = (
        'X-Cisco-Recording-Participant: "Bob, Öl" <sip:708090@10.42.30.5>;media-index="1",'
        ' <sip:10000@10.42.30.32>;media-index="0"'
    )
    draft, samples = draft_of(
        Fork(call_id="n", sender="<sip:9.42.30.10>", headers=headers, tones_hz=(400, 900)).frames()
    )
    assert channels(draft) == {"708090": 1, "10000": 0}
    assert tones_of(samples) == [[400], [900]]
    assert draft.parties[0].name == "Bob, Öl"


@pytest.mark.parametrize("order", [(0.0, 0.5), (0.5, 0.0)], ids=["near first", "far first"])
@pytest.mark.parametrize("late", [True, False], ids=["offer in ACK", "offer in INVITE"])
def test_both_dialogs_of_a_bridge_are_one_recording_on_one_time_line(draft_of, order, late):
    near, far = bridge("near", at_s=order[0], offers_late=late), bridge("far", at_s=order[1], offers_late=late)
    draft, samples = draft_of(near.frames(), far.frames())
    assert channels(draft) == {"2000": 0, "+436641112223": 1}
    assert (draft.call_id, draft.mixed, draft.media[0].channel_parties) == (
        "27298698",
        False,
        ("2000", "+436641112223"),
    )
    only_near, only_far = [[400], []], [[], [900]]
    first, last = (only_near, only_far) if order[0] == 0 else (only_far, only_near)
    assert tones_of(samples, 0.0, 0.5) == first
    assert tones_of(samples, 0.5, 2.0) == [[400], [900]]
    assert tones_of(samples, 2.0) == last
    assert len(samples) / 8000 == pytest.approx(2.5, abs=0.02)
    assert notes(draft) == []


def test_an_end_that_is_over_long_before_the_other_is_of_the_same_recording(draft_of):
    draft, samples = draft_of(bridge("near", length_s=1.0).frames(), bridge("far", length_s=9.0).frames())
    assert draft.duration_s == pytest.approx(9.0, abs=0.02)
    assert tones_of(samples, 0.0, 1.0) == [[400], [900]]
    assert tones_of(samples, 1.1) == [[], [900]]


def test_an_end_waits_for_the_other_where_calls_are_taken_one_by_one(tmp_path):
    frames = bridge("near", length_s=1.0).frames() + bridge("far", length_s=9.0).frames()
    observer = Observer()
    with open_capture(write_frames(tmp_path / "seen.pcap", sorted(frames))) as blocks:
        for block in blocks:
            observer.add(block)
    assert list(observer.take(BEGAN_NS + 8 * S)) == []
    [call] = observer.take(BEGAN_NS + 20 * S)
    assert [len(lane.sound) for lane in call.lanes] == [8000, 72000]
    assert list(observer.take()) == []


def test_an_end_that_comes_back_in_another_dialog_stays_in_its_channel(draft_of):
    far = [bridge("far", length_s=2.0), replace(bridge("far", length_s=2.0, at_s=4.0), call_id="far again")]
    draft, samples = draft_of(bridge("near", length_s=7.0).frames(), *(each.frames() for each in far))
    assert channels(draft) == {"2000": 0, "+436641112223": 1}
    assert [tones_of(samples, at_s, at_s + 1.5) for at_s in (0.1, 2.2, 4.2)] == [
        [[400], [900]],
        [[400], []],
        [[400], [900]],
    ]


@pytest.mark.parametrize(("end", "number", "missing"), [("near", "2000", "far"), ("far", "+436641112223", "near")])
def test_one_end_of_a_bridge_alone_is_one_channel_and_says_so(draft_of, end, number, missing):
    draft, samples = draft_of(bridge(end).frames())
    assert samples.shape[1] == 1
    assert channels(draft)[number] == 0
    assert draft.mixed is False
    assert notes(draft) == [f"This is one end of the call alone: nothing was received of the {missing} end"]


@pytest.mark.parametrize(("end", "channels_of"), [("near", (0, 1)), ("far", (1, 0))])
def test_a_gateway_that_sends_both_ends_in_one_dialog_has_each_in_its_channel(draft_of, end, channels_of):
    draft, samples = draft_of(bridge(end, tones_hz=(400.0, 900.0), offers_late=False).frames())
    near, far = channels_of
    assert channels(draft) == {"2000": 0, "+436641112223": 1}
    assert tones_of(samples) == [[(400, 900)[near]], [(400, 900)[far]]]
    assert (draft.mixed, notes(draft)) == (False, [])


def test_an_end_that_sends_nothing_is_told(draft_of):
    draft, samples = draft_of(bridge("near").frames(), bridge("far", tones_hz=(0.0,)).frames())
    assert tones_of(samples) == [[400], []]
    assert channels(draft) == {"2000": 0, "+436641112223": 1}
    assert notes(draft) == ["Nothing was received of this party"]


def test_the_user_of_from_is_the_near_end_where_no_address_is_given(draft_of):
    older = "x-refci=27298698;x-nearenddevice=SEP1;x-farendrefci=27298699"
    draft, _ = draft_of(bridge("far", near=older).frames(), bridge("near", near=older).frames())
    assert channels(draft) == {"2000": 0, "+436641112223": 1}
    assert [party.name for party in draft.parties] == ["Agent", ""]


def test_a_phone_without_any_number_is_known_by_its_device(draft_of):
    near = bridge("near", near="x-refci=1;x-nearenddevice=SEP0021CCAA", far="x-farendaddr=")
    far = bridge("far", near="x-refci=1;x-nearenddevice=SEP0021CCAA", far="x-farendaddr=")
    forks = [
        Fork(call_id=each.call_id, sender=each.sender.replace("2000@", "b00123000001@"), tones_hz=each.tones_hz)
        for each in (near, far)
    ]
    draft, samples = draft_of(*(each.frames() for each in forks))
    assert channels(draft) == {"SEP0021CCAA": 0, "": 1}
    assert tones_of(samples) == [[400], [900]]


def test_bridges_of_two_phones_in_one_call_are_two_recordings(drafts_of):
    other = BRIDGE.replace("SEP1", "SEP2")
    ends = [bridge("near"), bridge("far"), *(bridge(end, near=other) for end in ("near", "far"))]
    ends = [
        Fork(call_id=f"{place}", sender=each.sender, target=each.target, tones_hz=each.tones_hz)
        for place, each in enumerate(ends)
    ]
    assert len(drafts_of(*(each.frames() for each in ends))) == 2


def test_a_bridge_that_begins_anew_after_a_hold_is_a_further_recording_of_the_same_call(drafts_of):
    forks = [bridge("near"), bridge("far")]
    again = [
        Fork(call_id=f"{each.call_id}2", sender=each.sender, target=each.target, tones_hz=each.tones_hz, at_s=6.0)
        for each in forks
    ]
    drafts = [draft for draft, _ in drafts_of(*(each.frames() for each in [*forks, *again]))]
    assert [draft.call_id for draft in drafts] == ["27298698", "27298698"]


def test_a_transfer_that_the_bridge_tells_of_brings_another_far_end(draft_of):
    near, far = bridge("near", length_s=6.0), bridge("far", length_s=6.0)
    moved = [each.sender.replace("+436641112223", "4711") for each in (near, far)]
    updates = [
        frame
        for each, sender in zip((near, far), moved, strict=True)
        for frame in each.again(3.1, method="UPDATE", sender=sender)
    ]
    draft, _ = draft_of(near.frames(), far.frames(), updates)
    assert channels(draft) == {"2000": 0, "+436641112223": 1, "4711": 1}
    assert {(event.kind, event.party, round(event.at_s)) for event in draft.events} == {
        (EventKind.JOIN, "4711", 3),
        (EventKind.LEAVE, "+436641112223", 3),
    }


@pytest.mark.parametrize("direction", ["sendonly", "sendrecv"])
def test_each_line_of_a_bare_fork_is_a_channel(draft_of, direction):
    fork = Fork(
        call_id="b",
        sender='"Anna" <sip:201@pbx>',
        target="<sip:+436641234@rec>",
        tones_hz=(400, 900),
        direction=direction,
    )
    draft, samples = draft_of(fork.frames())
    assert [(one.number, one.name, one.role, one.channel) for one in draft.parties] == [
        ("201", "Anna", Role.CALLER, 0),
        ("+436641234", "", Role.CALLED, 1),
    ]
    assert tones_of(samples) == [[400], [900]]
    assert (draft.direction, draft.target, draft.mixed) == (Direction.OUTGOING, "+436641234", False)


def test_the_recorded_side_of_a_bare_fork_is_left(draft_of):
    draft, samples = draft_of(
        Fork(call_id="b", sender="<sip:+436641234@pbx>", target="<sip:305@rec>", tones_hz=(400, 900)).frames()
    )
    assert channels(draft) == {"+436641234": 1, "305": 0}
    assert tones_of(samples) == [[900], [400]]


def test_the_one_line_of_a_bare_fork_is_one_channel_and_mixed(draft_of):
    draft, samples = draft_of(
        Fork(call_id="b", sender="<sip:201@pbx>", target="<sip:+436641234@rec>", direction="sendrecv").frames()
    )
    assert (samples.shape[1], draft.mixed, channels(draft)) == (1, True, {"201": None, "+436641234": None})


def test_who_is_recorded_by_diversion_is_the_called_party_and_not_the_pilot_number(draft_of):
    headers = "P-Asserted-Identity: <sip:+436641234@x>\r\nDiversion: <sip:200@x>;reason=unconditional"
    draft, _ = draft_of(
        Fork(call_id="b", sender="<sip:anonymous@anonymous.invalid>", target="<sip:4711@rec>", headers=headers).frames()
    )
    assert [(one.number, one.role) for one in draft.parties] == [("+436641234", Role.CALLER), ("200", Role.CALLED)]
    assert draft.direction is Direction.INCOMING


def test_a_fork_that_nobody_answers_as_a_recorder_stays_an_ordinary_call(draft_of):
    draft, _ = draft_of(Fork(call_id="b", sender="<sip:201@pbx>", target="<sip:305@rec>", is_known=False).frames())
    assert draft.provenance["parties"] == "sip"


def test_a_fork_whose_only_line_stands_still_is_on_hold(draft_of):
    fork = Fork(call_id="b", sender="<sip:201@pbx>", target="<sip:305@rec>", length_s=6.0)
    draft, _ = draft_of(fork.frames(), fork.again(2.1, "inactive"), fork.again(4.1, "sendonly", number=8))
    assert spans(draft, EventKind.HOLD) == [("", 2.0, 4.0)]
    assert spans(draft, EventKind.PAUSE) == []


@pytest.mark.parametrize("ends", [("near", "far"), ("near",)], ids=["both", "one"])
def test_a_bridge_on_hold_is_held_end_by_end(draft_of, ends):
    forks = {end: bridge(end, length_s=6.0) for end in ("near", "far")}
    holds = [
        frame
        for end in ends
        for frame in forks[end].again(2.1, "inactive") + forks[end].again(4.1, "sendonly", number=8)
    ]
    draft, _ = draft_of(*(fork.frames() for fork in forks.values()), holds)
    numbers = {"near": "2000", "far": "+436641112223"}
    assert spans(draft, EventKind.HOLD) == sorted((numbers[end], 2.0, 4.0) for end in ends)


def side(number, own, *, call_id, session="c2Vzc2lvbi1vbmU=", at_s=0.0, tone_hz=400.0, is_mixed=False):
    """A recording session that has the line of one of two parties."""
    people = (("201", "s1"), ("+4366412345", "s2"))
    named = "".join(
        f'<participant participant_id="p{sent}{each}"><nameID aor="sip:{each}@x"/></participant>'
        for each, sent in people
    )
    links = "".join(
        f'<participantstreamassoc participant_id="p{sent}{each}">'
        f"<{(way := 'send' if own == sent or is_mixed else 'recv')}>{own}</{way}></participantstreamassoc>"
        for each, sent in people
    )
    stream = f'<stream stream_id="{own}" session_id="{session}"><label>1</label></stream>'
    metadata = (
        f'<recording><datamode>complete</datamode><session session_id="{session}"/>{named}{stream}{links}</recording>'
    )
    return Fork(
        call_id=call_id, sender=f"<sip:sbc{number}@x>", metadata=metadata, tones_hz=(tone_hz,), labels=("1",), at_s=at_s
    )


def test_sessions_that_carry_a_side_each_of_the_same_call_are_one_recording(draft_of):
    one, other = side(1, "s2", call_id="a", tone_hz=900), side(2, "s1", call_id="b", at_s=0.3)
    draft, samples = draft_of(one.frames(), other.frames())
    assert channels(draft) == {"201": 0, "+4366412345": 1}
    assert tones_of(samples, 0.4, 2.0) == [[400], [900]]
    assert draft.fields["session_id"] == "c2Vzc2lvbi1vbmU="
    assert notes(draft) == []


def test_one_side_alone_says_whose_is_missing(draft_of):
    draft, _ = draft_of(side(1, "s2", call_id="a").frames())
    assert channels(draft) == {"201": None, "+4366412345": 0}
    assert notes(draft) == ["This is one end of the call alone: nothing was received of 201"]


@pytest.mark.parametrize(
    "other",
    [
        side(2, "s2", call_id="b"),
        side(2, "s1", call_id="b", session="YW5vdGhlciBjYWxs"),
        side(2, "s1", call_id="b", is_mixed=True),
        side(2, "s1", call_id="b", at_s=20.0),
    ],
    ids=["the same side", "another call", "a mix", "later"],
)
def test_sessions_that_are_no_sides_of_one_call_stay_two_recordings(drafts_of, other):
    assert len(drafts_of(side(1, "s2", call_id="a").frames(), other.frames())) == 2
