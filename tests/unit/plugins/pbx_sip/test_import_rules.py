"""Recording rules hold for captures, and every call of one is accounted for."""

import pytest

from hub.sdk import Absence, Direction, EventKind, Recorded, RetryLater, Verdict
from hub.testing import FakeContext
from tests.doubles.capture_file import WireCall, frames_of, request_in, write_capture, write_frames
from tests.doubles.rtp_stream import BEGAN_NS
from tests.unit.plugins.pbx_sip.capturing import SAID, channels, drafts, run_until, settings


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "captures").mkdir()
    return tmp_path / "captures"


@pytest.fixture
def ctx(tmp_path):
    return FakeContext(tmp_path / "hub")


def left_out(call):
    verdicts = {
        "201": Verdict(recorded=Recorded.NO, rule="No works council"),
        "202": Verdict(recorded=Recorded.ON_DEMAND),
    }
    return verdicts.get(call.caller, Verdict())


def test_a_call_that_a_rule_leaves_out_is_kept_as_such_and_nothing_of_what_was_said(folder, ctx):
    ctx.rules = left_out
    calls = [
        WireCall(call_id=f"{caller}@pbx", caller=caller, port=20000 + 2 * row, headers="X-Agent: 7")
        for row, caller in enumerate(("201", "202", "203"))
    ]
    write_capture(folder / "one.pcap", *calls)
    run_until(lambda: ctx.state.get("capture:one.pcap"), settings(folder), ctx)
    assert [draft.call_id for draft in drafts(ctx)] == ["203@pbx"]
    by_call = {absence.call_id: absence for absence in ctx.absences.values()}
    excluded, unasked = by_call["201@pbx"], by_call["202@pbx"]
    assert (excluded.why, excluded.rule, excluded.is_missing) == (Absence.LEFT_OUT, "No works council", False)
    assert [party.number for party in excluded.parties] == ["201", "+493012345678"]
    assert (excluded.direction, excluded.fields["agent"]) == (Direction.OUTGOING, "7")
    assert excluded.started_at.timestamp() == pytest.approx(BEGAN_NS / 1e9 + 0.2, abs=0.001)
    assert (unasked.why, unasked.is_missing) == (Absence.NOT_ASKED_FOR, False)
    assert ctx.state.get("capture:one.pcap")[3:] == [1, 0, {"": 1, "No works council": 1}]
    assert ctx.health[-1].numbers["calls_left_out"] == 2
    assert list(ctx.state.items("verdict:")) == []


def test_rules_say_how_long_a_recording_is_and_what_becomes_of_keys(folder, ctx):
    ctx.rules = lambda call: Verdict(rule="Cards", longest_s=1.0, keeps_keys=True, masks_keys=True)
    call = WireCall(call_id="a@pbx", said=SAID)
    key = request_in(call, 0.75, "INFO", body="Signal=5", content_type="application/dtmf-relay")
    frames = [*frames_of(call), key]
    write_frames(folder / "one.pcap", sorted(frames))
    run_until(lambda: ctx.received, settings(folder), ctx)
    [draft] = drafts(ctx)
    assert (draft.duration_s, draft.fields["recording_rule"]) == (1.0, "Cards")
    assert [(event.at_s, event.text) for event in draft.events if event.kind is EventKind.KEY] == [(0.5, "5")]
    left = channels(ctx)[0]
    assert (len(left), left[:3600].any(), left[3600:4800].any()) == (8000, True, False)


def test_a_rule_ends_recordings_at_voicemail_in_captures_too(folder, ctx):
    ctx.rules = lambda call: Verdict(rule="Hotline", stops_at_voicemail=True)
    outside = {"caller": "+493012345678", "called": "305", "said": SAID}
    call = WireCall(call_id="late@pbx", port=20000, **outside)
    asserted = "P-Asserted-Identity: <sip:9000@pbx>"
    moved = request_in(call, 1.5, "UPDATE", by_called=True, headers=asserted)
    at_once = WireCall(call_id="once@pbx", port=20004, **outside | {"called": "9000"})
    write_frames(folder / "one.pcap", sorted([*frames_of(call), moved, *frames_of(at_once)]))
    run_until(lambda: ctx.state.get("capture:one.pcap"), settings(folder, voicemail_numbers=("9000",)), ctx)
    [draft] = drafts(ctx)
    assert (draft.call_id, draft.duration_s) == ("late@pbx", 1.25)
    notes = [(event.at_s, event.text) for event in draft.events if event.kind is EventKind.NOTE]
    assert notes == [(1.249, "The call went to voicemail, where the rule Hotline ends the recording")]
    [absence] = ctx.absences.values()
    assert (absence.call_id, absence.why, absence.rule) == ("once@pbx", Absence.LEFT_OUT, "Hotline")
    assert "voicemail" in absence.text


def test_a_call_that_was_signalled_and_not_heard_is_listed_as_missing(folder, ctx):
    is_signalled = [frame for frame in frames_of(WireCall(call_id="s@pbx")) if b"SIP/2.0" in frame[1]]
    refused = [
        frame for frame in frames_of(WireCall(call_id="r@pbx")) if b"180 Ringing" in frame[1] or b"INVITE" in frame[1]
    ]
    write_frames(folder / "signalled.pcap", is_signalled)
    write_frames(folder / "unanswered.pcap", [frame for frame in refused if b"200 OK" not in frame[1]])
    run_until(lambda: len(list(ctx.state.items("capture:"))) == 2, settings(folder), ctx)
    [absence] = ctx.absences.values()
    assert (absence.call_id, absence.why, absence.is_missing) == ("s@pbx", Absence.NO_MEDIA, True)
    assert not ctx.received


def test_a_call_whose_media_cannot_be_decoded_is_listed_with_the_reason(folder, ctx):
    types = {b"\x80\x00": b"\x80\x6f", b"\x80\x80": b"\x80\xef"}
    locked = [
        (at_ns, frame[:42] + types.get(frame[42:44], frame[42:44]) + frame[44:])
        for at_ns, frame in frames_of(WireCall(call_id="l@pbx"))
    ]
    write_frames(folder / "locked.pcap", locked)
    run_until(lambda: ctx.absences, settings(folder), ctx)
    [absence] = ctx.absences.values()
    assert (absence.why, absence.text) == (Absence.UNREADABLE, "Its media cannot be decoded: 111.")


def test_a_capture_that_is_read_anew_is_decided_as_before(folder, ctx):
    taken = iter([Recorded.YES, Recorded.NO, Recorded.YES, Recorded.NO])
    ctx.rules = lambda call: Verdict(recorded=next(taken), rule="Every other")
    calls = [WireCall(call_id=f"{row}@pbx", caller=str(200 + row), port=20000 + 2 * row) for row in range(2)]
    rotate_whole = sorted(frame for call in calls for frame in frames_of(call))
    write_frames(folder / "a_1.pcap", rotate_whole)
    ctx.trouble = RetryLater("The hub is away.")
    run_until(lambda: any("cannot take" in health.summary for health in ctx.health), settings(folder), ctx)
    ctx.trouble = None
    run_until(lambda: ctx.state.get("capture:a_1.pcap"), settings(folder), ctx)
    assert len(ctx.outlines) == 2
    assert ([draft.call_id for draft in drafts(ctx)], len(ctx.absences)) == (["0@pbx"], 1)
