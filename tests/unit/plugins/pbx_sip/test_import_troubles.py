"""Captures that are not as they should be: each gives what is in it, and says what is wrong."""

from dataclasses import replace

import numpy as np
import pytest

from hub.sdk import Absence, EventKind
from hub.testing import FakeContext
from plugins.pbx_sip.calls import observer
from plugins.pbx_sip.media import g711
from tests.doubles.capture_file import WireCall, frames_of, pcap_of, pcap_with, write_capture, write_frames
from tests.unit.plugins.pbx_sip.capturing import HEARD, SAID, channels, drafts, run_until, settings

CALL = WireCall(call_id="a@pbx", said=SAID, heard=HEARD)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "captures").mkdir()
    return tmp_path / "captures"


@pytest.fixture
def ctx(tmp_path):
    return FakeContext(tmp_path / "hub")


def notes_of(draft):
    return [event.text for event in draft.events if event.kind is EventKind.NOTE]


@pytest.mark.parametrize("is_aligned", [True, False], ids=["between packets", "within one"])
def test_a_capture_that_stalled_while_it_was_copied_is_taken_whole_in_the_end(is_aligned, folder, ctx):
    frames = frames_of(CALL)
    frames.sort()
    half, whole = pcap_with(frames[: len(frames) // 2]), pcap_with(frames)
    (folder / "one.pcap").write_bytes(half if is_aligned else half[:-30])
    run_until(lambda: ctx.received, settings(folder), ctx)
    (folder / "one.pcap").write_bytes(whole)
    run_until(lambda: len(ctx.received) == 2 and not ctx.alarms, settings(folder), ctx)
    piece, call = drafts(ctx)
    assert (piece.call_id, call.call_id) == ("a@pbx", "a@pbx")
    assert piece.duration_s < 1.1
    assert call.duration_s == pytest.approx(2.0, abs=0.02)


@pytest.mark.parametrize(("by_s", "way"), [(-2, "back"), (-30, "back"), (-3600, "back"), (30, "forward")])
def test_a_clock_that_is_set_during_a_call_changes_nothing_of_its_sound(by_s, way, folder, ctx):
    frames = sorted(frames_of(CALL))
    middle = len(frames) // 2
    stepped = [(at_ns + (by_s * 10**9 if place > middle else 0), frame) for place, (at_ns, frame) in enumerate(frames)]
    write_frames(folder / "one.pcap", stepped)
    run_until(lambda: ctx.received, settings(folder), ctx)
    [draft] = drafts(ctx)
    assert draft.duration_s == pytest.approx(2.0, abs=0.001)
    left, right = channels(ctx)
    assert (left == g711.MU_LAW[np.frombuffer(SAID, np.uint8)]).all()
    assert (right == g711.MU_LAW[np.frombuffer(HEARD, np.uint8)]).all()
    [note] = notes_of(draft)
    assert f"was set {way} by {abs(by_s)}.0 s" in note


def test_a_hold_after_which_both_sides_go_on_is_no_set_clock(folder, ctx):
    frames = sorted(frames_of(CALL))
    pause_ns = 30 * 10**9
    began_ns = frames[0][0]
    # Each of the two began to be silent, and went on, when it wanted to.
    held = [
        (
            at_ns
            + (pause_ns + (7_000_000 if b"\xc0\x00\x02\x0c\xc0\x00\x02\x0b" in frame else 0))
            * (at_ns - began_ns > 1.25e9),
            frame,
        )
        for at_ns, frame in frames
    ]
    write_frames(folder / "one.pcap", sorted(held))
    run_until(lambda: ctx.received, settings(folder), ctx)
    [draft] = drafts(ctx)
    assert draft.duration_s == pytest.approx(32.0, abs=0.02)


def test_packets_that_were_cut_off_are_told_of(folder, ctx):
    whole = pcap_of(CALL)
    content, at = [whole[:24]], 24
    while at < len(whole):
        size = int.from_bytes(whole[at + 8 : at + 12], "little")
        kept = min(size, 96) if size < 400 else size
        content += [whole[at : at + 8], kept.to_bytes(4, "little"), whole[at + 12 : at + 16 + kept]]
        at += 16 + size
    (folder / "one.pcap").write_bytes(b"".join(content))
    run_until(lambda: ctx.received, settings(folder), ctx)
    [draft] = drafts(ctx)
    assert any("up to 96 bytes only" in note for note in notes_of(draft))
    assert float(draft.fields["caller_mos"]) < 2.0
    assert float(draft.fields["caller_concealed_s"]) > 1.0


def test_a_name_in_letters_that_are_no_utf8_is_read_as_it_was_meant(folder, ctx):
    frames = [
        (at_ns, frame.replace("Jörg".encode(), b"J\xf6rg ")) for at_ns, frame in frames_of(replace(CALL, name="Jörg"))
    ]
    write_frames(folder / "one.pcap", sorted(frames))
    run_until(lambda: ctx.received, settings(folder), ctx)
    [draft] = drafts(ctx)
    assert draft.parties[0].name.strip() == "Jörg"


def test_a_fault_over_one_call_keeps_no_other_back_and_is_told(folder, ctx, monkeypatch):
    def fail_over_one(call):
        if call.dialog.call_id == "bad@pbx":
            raise ValueError("cannot happen")
        return record(call)

    record = observer.record
    monkeypatch.setattr(observer, "record", fail_over_one)
    bad = WireCall(call_id="bad@pbx", caller="202", port=30000, caller_host="192.0.2.21")
    write_capture(folder / "one.pcap", CALL, bad)
    made = settings(folder, after_import="delete")
    run_until(lambda: ctx.received and ctx.absences and ctx.alarms, made, ctx)
    assert [draft.call_id for draft in drafts(ctx)] == ["a@pbx"]
    [absence] = ctx.absences.values()
    assert (absence.call_id, absence.why) == ("bad@pbx", Absence.UNREADABLE)
    [alarm] = ctx.alarms.values()
    assert alarm.code == "CALL_FAILED"
    assert "ValueError: cannot happen" in alarm.text
    assert (folder / "one.pcap").exists()


def test_a_capture_of_a_link_that_is_not_understood_says_so(folder, ctx):
    content = bytearray(pcap_of(CALL))
    content[20:24] = (137).to_bytes(4, "little")
    (folder / "one.pcap").write_bytes(content)
    run_until(lambda: ctx.alarms, settings(folder), ctx)
    [alarm] = ctx.alarms.values()
    assert "link type 137 (Juniper)" in alarm.text
    assert "Ethernet" in alarm.hint


@pytest.mark.parametrize(
    ("head", "said", "hint"),
    [
        (b"snoop\0\0\0\0\0\0\2\0\0\0\4", "a capture of snoop", "editcap"),
        (b"\xfd7zXZ\0\0\4", "packed by xz", "Unpack"),
        (b"PK\x03\x04", "packed by ZIP", "Unpack"),
        (b"some words of no meaning", "neither pcap nor pcapng.", "pcapfix"),
    ],
)
def test_a_capture_of_another_tool_or_packed_by_one_is_told_with_what_helps(head, said, hint, folder, ctx):
    (folder / "one.pcap").write_bytes(head + bytes(100))
    run_until(lambda: ctx.alarms, settings(folder), ctx)
    [alarm] = ctx.alarms.values()
    assert said in alarm.text
    assert hint in alarm.hint


def test_a_capture_in_headers_that_nobody_knows_says_so(folder, ctx):
    frames = [(at_ns, frame[:12] + b"\x89\x4f\0\0" + frame[12:]) for at_ns, frame in sorted(frames_of(CALL))]
    write_frames(folder / "one.pcap", frames)
    run_until(lambda: ctx.alarms, settings(folder), ctx)
    [alarm] = ctx.alarms.values()
    assert "EtherType 0x894f (NSH)" in alarm.text


def test_a_capture_without_any_call_is_no_trouble(folder, ctx):
    arp = b"\xff" * 12 + b"\x08\x06" + bytes(28)
    write_frames(folder / "one.pcap", [(CALL.began_ns, arp)])
    run_until(lambda: any("Captures imported: 1" in health.summary for health in ctx.health), settings(folder), ctx)
    assert not ctx.alarms
