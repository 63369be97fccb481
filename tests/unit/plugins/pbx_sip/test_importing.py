"""Captures in a folder become recordings."""

import errno
import gzip
import os

import numpy as np
import pytest

from hub.sdk import Direction, HealthState, Role
from hub.testing import FakeContext
from plugins.pbx_sip import importing
from plugins.pbx_sip.drafts.draft import make_draft
from plugins.pbx_sip.media import g711
from plugins.pbx_sip.settings import SipCaptureSettings
from tests.doubles import audio
from tests.doubles.capture_file import WireCall, frames_of, pcap_of, write_capture, write_frames
from tests.doubles.rtp_stream import BEGAN_NS
from tests.unit.plugins.pbx_sip.capturing import HEARD, SAID, channels, drafts, run_until, settings


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "captures").mkdir()
    return tmp_path / "captures"


@pytest.fixture
def ctx(tmp_path):
    return FakeContext(tmp_path / "hub")


def test_a_call_has_each_party_on_its_channel_and_all_that_signalling_says(folder, ctx):
    ucid = "User-to-User: 00FA080001004E4B3F2A11;encoding=hex\r\nX-Account: 4711"
    write_capture(folder / "one.pcap", WireCall(call_id="a@pbx", said=SAID, heard=HEARD, headers=ucid))
    run_until(lambda: ctx.received, settings(folder), ctx)
    [draft] = drafts(ctx)
    assert (draft.direction, draft.call_id, draft.target) == (Direction.OUTGOING, "a@pbx", "+493012345678")
    caller, called = draft.parties
    assert (caller.number, caller.name, caller.role, caller.channel) == ("201", "Ana Müller", Role.CALLER, 0)
    assert (called.number, called.role, called.channel) == ("+493012345678", Role.CALLED, 1)
    assert draft.media[0].channel_parties == ("201", "+493012345678")
    assert draft.started_at.timestamp() == pytest.approx(BEGAN_NS / 1e9 + 0.25, abs=0.001)
    assert draft.fields["ucid"] == "00001000781262430737"
    assert (draft.fields["caller_codec"], draft.fields["called_mos"]) == ("PCMU", "4.41")
    assert draft.raw["sip:X-Account"] == b"4711"
    left, right = channels(ctx)
    assert (left == g711.MU_LAW[np.frombuffer(SAID, np.uint8)]).all()
    assert (right == g711.MU_LAW[np.frombuffer(HEARD, np.uint8)]).all()


def test_the_one_of_us_who_was_called_is_on_the_left(folder, ctx):
    call = WireCall(call_id="in@pbx", caller="+41791234567", called="305", said=SAID, heard=HEARD)
    write_capture(folder / "in.pcap", call)
    run_until(lambda: ctx.received, settings(folder), ctx)
    [draft] = drafts(ctx)
    assert draft.direction is Direction.INCOMING
    assert [party.channel for party in draft.parties] == [1, 0]
    assert (channels(ctx)[0] == g711.MU_LAW[np.frombuffer(HEARD, np.uint8)]).all()


def test_what_is_dialled_for_a_line_is_no_part_of_the_number(folder, ctx):
    write_capture(folder / "out.pcap", WireCall(call_id="o@pbx", called="00301234567"))
    run_until(lambda: ctx.received, settings(folder, outside_prefix="0"), ctx)
    assert drafts(ctx)[0].target == "0301234567"


def test_many_calls_at_once_stay_apart(folder, ctx):
    calls = [
        WireCall(call_id=f"{number}@pbx", port=20000 + 2 * number, said=bytes([number]) * 800, caller=str(200 + number))
        for number in range(40)
    ]
    write_capture(folder / "many.pcap.gz", *calls[:1])
    (folder / "many.pcap.gz").write_bytes(gzip.compress(pcap_of(*calls)))
    run_until(lambda: len(ctx.received) == 40, settings(folder), ctx)
    for draft in drafts(ctx):
        number = int(draft.call_id.partition("@")[0])
        [sound] = ctx.media[draft.origin_id]
        assert draft.parties[0].number == str(200 + number)
        assert (audio.decoded(sound)[0][:, 0] == g711.MU_LAW[number]).all()


def test_a_call_that_was_still_going_on_is_taken_as_far_as_it_was_seen(folder, ctx):
    write_capture(folder / "cut.pcap", WireCall(call_id="c@pbx", said=SAID, hangs_up=False))
    run_until(lambda: ctx.received, settings(folder), ctx)
    assert drafts(ctx)[0].duration_s == pytest.approx(2.0)


def test_a_damaged_capture_gives_what_can_be_read_and_an_alarm(folder, ctx):
    whole = pcap_of(WireCall(call_id="d@pbx", said=SAID))
    (folder / "damaged.pcap").write_bytes(whole[: len(whole) // 2] + b"\xff" * 64 + whole[len(whole) // 2 :])
    (folder / "none.pcap").write_bytes(b"no capture at all")
    well = write_capture(folder / "well.pcap", WireCall(call_id="w@pbx"))
    made = settings(folder, after_import="delete")
    run_until(lambda: len(ctx.received) == len(ctx.alarms) == 2 and not well.exists(), made, ctx)
    assert {draft.call_id for draft in drafts(ctx)} == {"d@pbx", "w@pbx"}
    assert all(alarm.code == "FILE_PARSE_ERROR" for alarm in ctx.alarms.values())
    assert sorted(path.name for path in folder.iterdir()) == ["damaged.pcap", "none.pcap"]
    (folder / "damaged.pcap").unlink()
    (folder / "none.pcap").unlink()
    run_until(lambda: not ctx.alarms, settings(folder), ctx)


def test_a_capture_that_still_grows_is_left_alone(folder, ctx):
    write_capture(folder / "growing.pcap", WireCall(call_id="g@pbx"))
    made = settings(folder, settle_age_s=3600)
    run_until(lambda: any("still growing" in health.summary for health in ctx.health), made, ctx)
    assert not ctx.received


def test_a_folder_that_goes_away_is_told_and_comes_back(folder, ctx):
    folder.rename(folder.with_name("away"))
    run_until(lambda: ctx.health and ctx.health[-1].state is HealthState.DOWN, settings(folder), ctx)
    folder.with_name("away").rename(folder)
    write_capture(folder / "one.pcap", WireCall(call_id="a@pbx"))
    run_until(lambda: ctx.received and ctx.health[-1].state is HealthState.OK, settings(folder), ctx)


@pytest.mark.parametrize(
    "changes",
    [{"folder": "captures"}, {"sip_ports": ["0"]}, {"sip_ports": ["sip"]}, {"sip_ports": []}, {"after_import": "eat"}],
)
def test_settings_that_cannot_work_are_refused(folder, changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        SipCaptureSettings(**{"folder": folder} | changes)


def test_a_disk_that_is_full_for_a_while_loses_no_call(folder, ctx, monkeypatch):
    write_capture(folder / "one.pcap", WireCall(call_id="a@pbx"))
    failures = [OSError(errno.ENOSPC, "No space left on device")]

    def make_draft_at_last(*arguments, **more):
        if failures:
            raise failures.pop()
        return make_draft(*arguments, **more)

    monkeypatch.setattr(importing, "make_draft", make_draft_at_last)
    run_until(lambda: ctx.received, settings(folder), ctx)
    assert drafts(ctx)[0].call_id == "a@pbx"
    assert not ctx.alarms


def rotate(folder, names, call, seams_s):
    """Put a capture of a call into several files, each of which goes on where the one before ended."""
    frames = sorted(frames_of(call))
    ends_ns = [call.began_ns + round(at_s * 1e9) for at_s in (*seams_s, 1e6)]
    for name, first_ns, end_ns in zip(names, [0, *ends_ns], ends_ns, strict=False):
        write_frames(folder / name, [frame for frame in frames if first_ns <= frame[0] < end_ns])


@pytest.mark.parametrize(
    "names",
    [
        ("a_00001_20260101120000.pcap", "a_00002_20260101120100.pcap", "a_00003_20260101120200.pcap"),
        ("a.pcap", "a.pcap1", "a.pcap2"),
        ("a9.pcap", "a10.pcap", "a11.pcap"),
    ],
)
def test_a_call_over_the_seams_of_rotated_captures_is_one_recording(names, folder, ctx):
    rotate(folder, names, WireCall(call_id="s@pbx", said=SAID, heard=HEARD), (0.9, 1.5))
    run_until(lambda: len(list(ctx.state.items("capture:"))) == 3, settings(folder), ctx)
    [draft] = drafts(ctx)
    assert (draft.duration_s, draft.fields["caller_loss_percent"]) == (pytest.approx(2.0), "0.00")
    assert (channels(ctx)[0] == g711.MU_LAW[np.frombuffer(SAID, np.uint8)]).all()


def test_a_call_waits_for_the_next_capture_only_while_that_is_written(folder, ctx):
    short = WireCall(call_id="short@pbx", port=30000, began_ns=BEGAN_NS - 20 * 10**9)
    rotate(folder, ("a_1.pcap", "a_2.pcap"), WireCall(call_id="s@pbx", said=SAID, hangs_up=False), (0.9,))
    write_frames(folder / "a_0.pcap", frames_of(short))
    made = settings(folder, settle_age_s=1000)
    for name in ("a_0.pcap", "a_1.pcap"):
        os.utime(folder / name, (1, 1))
    run_until(lambda: ctx.received, made, ctx)
    assert [draft.call_id for draft in drafts(ctx)] == ["short@pbx"]
    os.utime(folder / "a_2.pcap", (1, 1))
    run_until(lambda: len(ctx.received) == 2, made, ctx)
    assert drafts(ctx)[1].duration_s == pytest.approx(2.0)


def test_a_hub_that_ends_between_two_captures_loses_nothing_of_the_call(folder, ctx):
    rotate(folder, ("a_1.pcap", "a_2.pcap"), WireCall(call_id="s@pbx", said=SAID), (0.9,))
    (folder / "a_2.pcap").rename(folder / "a_2.later")
    write_frames(folder / "a_3.pcap", [])
    made = settings(folder, settle_age_s=1000, after_import="delete")
    os.utime(folder / "a_1.pcap", (1, 1))
    run_until(lambda: any("still growing" in health.summary for health in ctx.health), made, ctx)
    assert not ctx.received
    (folder / "a_3.pcap").unlink()
    (folder / "a_2.later").rename(folder / "a_2.pcap")
    os.utime(folder / "a_2.pcap", (1, 1))
    run_until(lambda: not list(folder.iterdir()), made, ctx)
    assert drafts(ctx)[0].duration_s == pytest.approx(2.0)


def test_captures_of_other_times_are_not_put_together(folder, ctx):
    for number in (1, 2):
        call = WireCall(call_id="same@pbx", began_ns=BEGAN_NS + number * 3600 * 10**9, said=SAID, hangs_up=False)
        write_capture(folder / f"a_{number}.pcap", call)
    run_until(lambda: len(ctx.received) == 2, settings(folder), ctx)
    assert [draft.duration_s for draft in drafts(ctx)] == [pytest.approx(2.0)] * 2


def test_the_recordings_of_a_long_series_come_as_the_calls_end(folder, ctx):
    for number in range(6):
        call = WireCall(call_id=f"{number}@pbx", began_ns=BEGAN_NS + number * 30 * 10**9, caller=str(200 + number))
        write_capture(folder / f"a_{number}.pcap", call)
    write_frames(folder / "a_6.pcap", [])
    for path in folder.iterdir():
        os.utime(path, (1, 1) if path.name != "a_6.pcap" else None)
    run_until(lambda: len(ctx.received) == 5, settings(folder, settle_age_s=1000), ctx)
    assert {key for key, _ in ctx.state.items("capture:")} >= {f"capture:a_{number}.pcap" for number in range(4)}
