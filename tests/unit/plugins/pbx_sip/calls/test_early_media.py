"""What several devices send for one side: before the answer and behind it, one after the other or at the same time."""

import io
from pathlib import Path

import numpy as np
import pytest

from plugins.pbx_sip.calls.dialog import Side
from plugins.pbx_sip.calls.recorded import RecordedCall
from plugins.pbx_sip.media.files import mix
from plugins.pbx_sip.media.g711 import MU_LAW
from plugins.pbx_sip.packets.files import CaptureFile
from plugins.pbx_sip.reading import Reading
from plugins.pbx_sip.settings import SipCaptureSettings
from tests.doubles.capture_file import WireCall, frames_of, pcap_with, udp
from tests.doubles.rtp_stream import Sender, cut
from tests.doubles.talk import tone

CALL = WireCall(call_id="early@pbx", said=b"\xff" * 8000 * 6, heard=b"")
EARLY_HZ, OTHER_HZ, ANSWER_HZ = 440, 620, 900


def sent(host: str, at_s: float, frequency_hz: int, length_s: float) -> list[tuple[int, bytes]]:
    """What a device sends to the caller, as frames."""
    stream = Sender(ssrc=frequency_hz, at_s=at_s).send(cut(tone(float(frequency_hz), length_s)))
    return [(CALL.began_ns + at_ns, udp(host, 7000, CALL.caller_host, CALL.port, each)) for at_ns, each in stream.sent]


def recorded(*devices: list[tuple[int, bytes]]) -> RecordedCall:
    frames = sorted([*frames_of(CALL), *(each for device in devices for each in device)], key=lambda each: each[0])
    reading = Reading(SipCaptureSettings(folder=Path("/captures")))
    found = [call for step in reading.steps(CaptureFile(io.BytesIO(pcap_with(frames)))) for call in step]
    [call] = [*found, *reading.rest()]
    return call


def heard(call: RecordedCall) -> list[set[int]]:
    """The tones on the channel of the called one, half a second after half a second."""
    samples = MU_LAW[mix([lane.sound for lane in call.lanes_of(Side.CALLED)], call.law)].astype(float)
    pieces = samples[: len(samples) // 4000 * 4000].reshape(-1, 4000)
    loudness = np.abs(np.fft.rfft(pieces, axis=1))
    known = (EARLY_HZ, OTHER_HZ, ANSWER_HZ)
    return [{hz for hz in known if piece[hz // 2] > loudness.max() / 4} for piece in loudness]


@pytest.mark.parametrize("overlap_s", [0.0, 0.2])
def test_the_answer_of_another_device_follows_what_was_heard_before_it_in_the_same_lane(overlap_s: float) -> None:
    early = sent("192.0.2.50", 0.1, EARLY_HZ, 2.0 + overlap_s)
    call = recorded(early, sent(CALL.called_host, 2.1, ANSWER_HZ, 3.0))
    assert len(call.lanes_of(Side.CALLED)) == 1
    found = heard(call)
    assert found[:4] == [{EARLY_HZ}] * 4
    assert found[5:10] == [{ANSWER_HZ}] * 5


def test_devices_that_send_at_the_same_time_are_all_heard_and_the_answer_alone_behind_them() -> None:
    early, other = sent("192.0.2.50", 0.1, EARLY_HZ, 3.0), sent("192.0.2.51", 0.1, OTHER_HZ, 3.0)
    call = recorded(early, other, sent(CALL.called_host, 3.1, ANSWER_HZ, 3.0))
    assert len(call.lanes_of(Side.CALLED)) == 2
    assert heard(call)[:11] == [{EARLY_HZ, OTHER_HZ}] * 6 + [{ANSWER_HZ}] * 5
