"""Captures whose clock shows whole seconds only."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.calls.coarse_clock import CoarseClock
from plugins.pbx_sip.calls.recorded import RecordedCall
from plugins.pbx_sip.packets.files import CaptureFile
from plugins.pbx_sip.reading import Reading
from plugins.pbx_sip.settings import SipCaptureSettings
from tests.doubles.capture_file import WireCall, frames_of, pcap_with
from tests.doubles.rtp_stream import BEGAN_NS
from tests.unit.plugins.pbx_sip.packets import frames as f

S = 10**9
FIRST = WireCall(call_id="first@pbx", said=b"\x20" * 24000, heard=b"\x30" * 24000, began_ns=BEGAN_NS + 370_000_000)
SECOND = WireCall(
    call_id="second@pbx", port=22000, said=b"\x40" * 24000, heard=b"\x50" * 24000, began_ns=BEGAN_NS + 5_730_000_000
)


def calls_of(unit_ns: int) -> list[RecordedCall]:
    """What is found of two calls in a capture with times in such units."""
    timed = sorted((each for call in (FIRST, SECOND) for each in frames_of(call)), key=lambda each: each[0])
    content = pcap_with([(at_ns // unit_ns * unit_ns, frame) for at_ns, frame in timed])
    reading = Reading(SipCaptureSettings(folder=Path("/captures")))
    found = [call for step in reading.steps(CaptureFile(io.BytesIO(content))) for call in step]
    assert reading.note == ""
    return [*found, *reading.rest()]


def test_calls_keep_their_lengths_and_nothing_is_made_up_of_their_delays() -> None:
    for call, exact in zip(calls_of(S), calls_of(1), strict=True):
        assert call.began_ns == pytest.approx(exact.began_ns, abs=50_000_000)
        for lane in call.lanes:
            assert len(lane.sound) / 8000 == pytest.approx(3.0, abs=0.02)
            assert lane.quality is not None
            assert (lane.quality.lost, lane.quality.late, lane.quality.jitter_ms) == (0, 0, None)
            assert lane.quality.mos is not None
            assert lane.quality.mos > 4.3


@pytest.mark.parametrize(("unit_ns", "remarks"), [(S, 1), (1000, 0)])
def test_a_call_whose_capture_has_whole_seconds_only_says_so(unit_ns: int, remarks: int) -> None:
    for call in calls_of(unit_ns):
        assert len(call.remarks) == remarks
        assert all("whole seconds only" in remark.text for remark in call.remarks)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 60)), min_size=1, max_size=12))
def test_packets_keep_their_second_and_their_order(seconds: list[tuple[int, int]]) -> None:
    times = np.repeat(np.cumsum([pause for pause, _ in seconds]), [count for _, count in seconds]) * S + BEGAN_NS
    times = times // S * S
    block = replace(f.block(*[b"x"] * len(times)), time_ns=times.astype(np.int64)) if len(times) else f.block()
    apart = CoarseClock().set_apart(block).time_ns
    assert (np.diff(apart) >= 0).all()
    assert (apart // S * S == times).all()
