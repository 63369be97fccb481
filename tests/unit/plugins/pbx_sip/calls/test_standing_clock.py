"""Captures whose packets all have the same time, as converted ones do: calls in them by the order of their packets."""

import io
from pathlib import Path
from struct import pack

import pytest

from plugins.pbx_sip.calls.recorded import RecordedCall
from plugins.pbx_sip.packets.files import CaptureFile
from plugins.pbx_sip.reading import Reading
from plugins.pbx_sip.settings import SipCaptureSettings
from tests.doubles.capture_file import WireCall, frames_of, pcap_with
from tests.doubles.rtp_stream import BEGAN_NS

FIRST = WireCall(call_id="first@pbx", said=b"\x20" * 8000, heard=b"\x30" * 8000)
SECOND = WireCall(
    call_id="second@pbx", called="305", said=b"\x40" * 8000, heard=b"\x50" * 8000, began_ns=BEGAN_NS + 60 * 10**9
)
MTU_BYTES = 240
_IP, _HEADERS = 14, 34


def fragments_of(frame: bytes) -> list[bytes]:
    """A frame of IPv4 in pieces, as it goes over a narrow link."""
    if b"INVITE" not in frame:
        return [frame]
    head, payload = frame[_IP:_HEADERS], frame[_HEADERS:]
    pieces = []
    for start in range(0, len(payload), MTU_BYTES):
        part = payload[start : start + MTU_BYTES]
        flags = start // 8 | (0x2000 if start + len(part) < len(payload) else 0)
        pieces.append(
            frame[:_IP] + head[:2] + pack(">HHH", 20 + len(part), hash(frame) & 0xFFFF, flags) + head[8:] + part
        )
    return pieces


def calls_at(at_ns: int | None, *calls: WireCall) -> list[RecordedCall]:
    """What is found of calls in a capture, all of whose packets have one time; None: those that they came at."""
    timed = sorted((each for call in calls for each in frames_of(call)), key=lambda each: each[0])
    frames = [(came_ns, piece) for came_ns, frame in timed for piece in fragments_of(frame)]
    content = pcap_with([(came_ns if at_ns is None else at_ns, frame) for came_ns, frame in frames])
    reading = Reading(SipCaptureSettings(folder=Path("/captures")))
    found = [call for step in reading.steps(CaptureFile(io.BytesIO(content))) for call in step]
    assert reading.note == ""
    return [*found, *reading.rest()]


def sounds_of(call: RecordedCall) -> dict[str, set[int]]:
    return {str(lane.side): set(lane.sound) for lane in call.lanes}


@pytest.mark.parametrize("at_ns", [None, 0, BEGAN_NS])
def test_calls_one_after_the_other_at_the_same_ports_are_two_though_their_invites_came_in_pieces(
    at_ns: int | None,
) -> None:
    found = {call.dialog.call_id: call for call in calls_at(at_ns, FIRST, SECOND)}
    assert {name: sounds_of(call) for name, call in found.items()} == {
        "first@pbx": {"caller": {0x20}, "called": {0x30}},
        "second@pbx": {"caller": {0x40}, "called": {0x50}},
    }
    for call in found.values():
        assert call.was_answered
        assert call.dialog.ended_by == "caller"
        assert [len(lane.sound) for lane in call.lanes] == [8000, 8000]


@pytest.mark.parametrize(("at_ns", "remarks"), [(None, 0), (0, 1), (BEGAN_NS, 1)])
def test_a_call_of_which_nobody_can_tell_when_it_was_says_so(at_ns: int | None, remarks: int) -> None:
    [call] = calls_at(at_ns, FIRST)
    assert len(call.remarks) == remarks
    assert all("have the same time" in remark.text for remark in call.remarks)
