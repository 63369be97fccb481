"""Captures of several interfaces whose clocks differ, with a side of the call on each."""

import io
import struct
from pathlib import Path

import pytest

from plugins.pbx_sip.calls.recorded import RecordedCall
from plugins.pbx_sip.packets.files import CaptureFile
from plugins.pbx_sip.reading import Reading
from plugins.pbx_sip.settings import SipCaptureSettings
from tests.doubles.capture_file import WireCall, frames_of
from tests.unit.plugins.pbx_sip.packets import frames as f

CALL = WireCall(call_id="a@pbx", said=b"\x20" * 24000, heard=b"\x30" * 24000)
CALLER = bytes([192, 0, 2, 11])
HEAD = f.ng_section() + f.ng_interface()


def calls_of(head: bytes, ahead_s: int, unit_ns: int = 1000) -> list[RecordedCall]:
    """What is found where all but the caller's packets came by another interface, with times in such units."""
    content = head
    for at_ns, frame in sorted(frames_of(CALL), key=lambda each: each[0]):
        is_other = frame[26:30] != CALLER
        ticks = (at_ns + ahead_s * 10**9) // unit_ns if is_other else at_ns // 1000
        content += f.ng_packet(frame, ticks, interface=int(is_other))
    reading = Reading(SipCaptureSettings(folder=Path("/captures")))
    found = [call for step in reading.steps(CaptureFile(io.BytesIO(content))) for call in step]
    assert reading.note == ""
    return [*found, *reading.rest()]


@pytest.mark.parametrize("ahead_s", [-37, -3, 3, 37, 3600])
def test_a_call_whose_sides_came_by_different_clocks_is_one_and_says_so(ahead_s: int) -> None:
    [call] = calls_of(HEAD + f.ng_interface(), ahead_s)
    assert [len(lane.sound) for lane in call.lanes] == pytest.approx([24000, 24000], abs=160)
    [remark] = call.remarks
    assert f"interfaces differ by {abs(ahead_s)}.0 s" in remark.text


@pytest.mark.parametrize("told_s", [-37, 37])
def test_a_clock_whose_offset_the_capture_tells_is_right(told_s: int) -> None:
    options = f.ng_option(14, struct.pack("<q", told_s)) + f.ng_option(9, b"\x09")
    [call] = calls_of(HEAD + f.ng_interface(options=options), -told_s, 1)
    assert [len(lane.sound) for lane in call.lanes] == [24000, 24000]
    assert call.remarks == ()


def test_clocks_that_agree_are_left_alone() -> None:
    [call] = calls_of(HEAD + f.ng_interface(), 0)
    assert [len(lane.sound) for lane in call.lanes] == [24000, 24000]
    assert call.remarks == ()
