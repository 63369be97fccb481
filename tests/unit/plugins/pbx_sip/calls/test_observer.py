"""Packets as they come, calls as they end."""

import io
from contextlib import suppress
from dataclasses import replace
from struct import pack

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.calls.dialog import Side
from plugins.pbx_sip.calls.observer import Observer
from plugins.pbx_sip.packets.files import CaptureFile
from plugins.pbx_sip.packets.records import BadCapture
from tests.doubles.capture_file import WireCall, frames_of, pcap_of, pcap_with
from tests.doubles.rtp_stream import BEGAN_NS

S = 1_000_000_000


def watch(content, observer=None):
    observer = observer or Observer()
    for block in CaptureFile(io.BytesIO(content)):
        observer.add(block)
    return observer


def capture(frames):
    records = b"".join(
        pack("<IIII", at_ns // S, at_ns % S, len(frame), len(frame)) + frame for at_ns, frame in sorted(frames)
    )
    return pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1) + records


def voices(call):
    return {lane.side: lane.sound.tobytes() for lane in call.lanes}


def test_a_call_is_given_some_seconds_after_its_end_and_once():
    observer = watch(pcap_of(WireCall(call_id="a", said=b"\x20" * 800)))
    assert list(observer.take(BEGAN_NS + 1 * S)) == []
    [call] = observer.take(BEGAN_NS + 30 * S)
    assert voices(call) == {Side.CALLER: b"\x20" * 800, Side.CALLED: b"\xff" * 800}
    assert list(observer.take()) == []


def test_packets_that_overtake_each_other_and_come_twice_change_nothing():
    frames = frames_of(WireCall(call_id="a", said=bytes(range(160)) * 30))
    random = np.random.default_rng(7)
    mixed = [(at_ns + int(random.integers(0, 30_000_000)), frame) for at_ns, frame in frames]
    doubled = frames + [(at_ns + 500_000, frame) for at_ns, frame in frames]
    [there], [here], [twice] = (list(watch(capture(each)).take()) for each in (frames, mixed, doubled))
    assert voices(here)[Side.CALLER] == voices(there)[Side.CALLER] == voices(twice)[Side.CALLER]


def test_ports_that_the_next_call_uses_at_once_keep_the_calls_apart():
    first = WireCall(call_id="a", said=b"\x20" * 1600, heard=b"\x21" * 1600)
    second = WireCall(call_id="b", said=b"\x30" * 1600, heard=b"\x31" * 1600, began_ns=BEGAN_NS + 600_000_000)
    one, other = sorted(watch(pcap_of(first, second)).take(), key=lambda call: call.began_ns)
    assert set(voices(one)[Side.CALLER]) == {0x20}
    assert set(voices(other)[Side.CALLED]) == {0x31}
    assert len(voices(other)[Side.CALLER]) == 1600


def test_a_call_seen_before_and_behind_a_proxy_is_one():
    front = WireCall(call_id="front", called_host="192.0.2.50", said=b"\x20" * 1600, heard=b"\x21" * 1600)
    behind = replace(front, call_id="behind", caller_host="198.51.100.50", called_host="198.51.100.9")
    behind = replace(behind, began_ns=BEGAN_NS + 30_000_000)
    [call] = watch(pcap_of(front, behind)).take()
    assert [hop.call_id for hop in call.hops] == ["front", "behind"]


def test_calls_of_a_load_generator_that_are_all_alike_are_as_many_as_there_are():
    calls = [WireCall(call_id=f"c{number}", said=b"\x20" * 1600, port=20000 + 2 * number) for number in range(4)]
    frames = [(at_ns, frame) for call in calls for at_ns, frame in frames_of(call)]
    same = [(at_ns, frame[:50] + b"SAME" + frame[54:] if len(frame) == 214 else frame) for at_ns, frame in frames]
    assert len(list(watch(capture(same)).take())) == 4


def test_callers_who_withhold_their_number_and_call_together_are_two():
    calls = [WireCall(call_id=f"c{number}", caller="anonymous", port=20000 + 2 * number) for number in range(2)]
    assert len(list(watch(pcap_of(*calls)).take())) == 2


def test_calls_of_the_same_two_people_one_after_the_other_are_two():
    calls = [WireCall(call_id=f"c{number}", began_ns=BEGAN_NS + number * 4 * S) for number in range(3)]
    assert len(list(watch(pcap_of(*calls)).take())) == 3


def test_what_was_taken_is_forgotten():
    observer = Observer()
    for number in range(5):
        watch(pcap_of(WireCall(call_id=f"c{number}", caller=f"20{number}", port=20000 + 2 * number)), observer)
    assert len(observer._flows) == 10
    assert len(list(observer.take(BEGAN_NS + 60 * S))) == 5
    assert len(observer._flows) == 0
    assert observer._signalling.claims._claims == {}


@pytest.mark.parametrize("hangs_up", [True, False])
def test_a_call_that_was_answered_and_of_which_nothing_was_heard_is_given_all_the_same(hangs_up):
    frames = [
        each
        for each in frames_of(WireCall(call_id="a", hangs_up=hangs_up))
        if len(each[1]) > 250 or b"SIP/2.0" in each[1]
    ]
    [call] = watch(capture(frames)).take()
    assert (call.lanes, call.length_s) == ((), 0.0)


def test_packets_whose_time_is_damaged_are_left_out_of_a_call():
    frames = frames_of(WireCall(call_id="a", said=b"\x20" * 8000, hangs_up=False))
    sound = [place for place, (_, frame) in enumerate(frames) if len(frame) == 214]
    for place, wrong_s in zip(sound[10:13], (-86_400, 40_000_000, 90_000), strict=True):
        frames[place] = (frames[place][0] + wrong_s * S, frames[place][1])
    [call] = watch(capture(frames)).take()
    assert call.length_s == pytest.approx(1.0)
    assert {lane.side: lane.quality.received for lane in call.lanes}[Side.CALLER] == 47


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), max_size=60))
def test_any_damage_to_a_capture_leaves_calls_that_can_be_written(changes):
    content = bytearray(DAMAGED)
    for place, value in changes:
        content[24 + place % (len(content) - 24)] = value
    observer = Observer()
    with suppress(BadCapture):
        watch(bytes(content), observer)
    for call in observer.take():
        assert call.length_s < 13 * 3600
        assert all(len(call.samples(lane)) == len(lane.sound) for lane in call.lanes)


DAMAGED = pcap_of(
    WireCall(call_id="a", said=bytes(range(160)) * 6),
    WireCall(call_id="b", port=30000, began_ns=BEGAN_NS + 50_000_000, heard=b"\x21" * 960),
)


def seen_again(frames, shift_ns=800_000):
    """The same frames once more on their way out of a switch: another VLAN, a hop less to live."""
    again = []
    for at_ns, frame in frames:
        routed = frame[:14] + frame[14:22] + bytes([frame[22] - 1]) + frame[23:]
        again.append((at_ns + shift_ns, routed[:12] + b"\x81\x00\x00\x2a" + routed[12:]))
    return again


def test_a_mirror_of_both_directions_gives_the_same_call_with_the_same_figures():
    frames = frames_of(WireCall(call_id="a", said=bytes(range(160)) * 60, heard=b"\x21" * 9600))
    [once] = watch(capture(frames)).take()
    [twice] = watch(capture(frames + seen_again(frames))).take()
    assert voices(twice) == voices(once)
    assert twice.began_ns == once.began_ns
    for there, here in zip(once.lanes, twice.lanes, strict=True):
        assert here.quality == replace(there.quality, duplicates=there.quality.received)


@pytest.mark.parametrize("step_ns", [0, 1000])
def test_a_capture_that_does_not_tell_when_packets_came_gives_the_whole_sound(step_ns):
    said = bytes(range(160)) * 2000
    frames = sorted(frames_of(WireCall(call_id="a", said=said, heard=said[::-1])), key=lambda each: each[0])
    timeless = [(BEGAN_NS + number * step_ns, frame) for number, (_, frame) in enumerate(frames)]
    [call] = watch(pcap_with(timeless)).take()
    assert voices(call) == {Side.CALLER: said, Side.CALLED: said[::-1]}
    assert 0 <= call.began_ns - BEGAN_NS < S
    assert all(lane.quality.mos > 4.3 and lane.quality.jitter_ms is None for lane in call.lanes)


def test_speech_without_signalling_is_known_through_a_mirror_of_both_directions():
    frames = [each for each in frames_of(WireCall(call_id="a", said=bytes(160) * 200)) if b"SIP/2.0" not in each[1]]
    [call] = watch(capture(frames + seen_again(frames))).take()
    assert call.lanes[0].quality.received == 200
