"""When two dialogs are hops of one call, and when they are two calls: by what is heard, not by what they are called."""

import io
from dataclasses import replace

import numpy as np
import pytest

from plugins.pbx_sip.calls.dialog import Side
from plugins.pbx_sip.calls.neighbours import are_set_up_together, may_be_hops
from plugins.pbx_sip.calls.numbers import number_of
from plugins.pbx_sip.calls.observer import Observer
from plugins.pbx_sip.calls.signalling import Signalling
from plugins.pbx_sip.media.g711 import LAWS
from plugins.pbx_sip.packets.datagrams import Endpoints
from plugins.pbx_sip.packets.files import CaptureFile
from tests.doubles import audio
from tests.doubles.capture_file import WireCall, frames_of, pcap_with
from tests.doubles.rtp_stream import BEGAN_NS
from tests.doubles.sip_text import request, response, sdp
from tests.doubles.talk import tone

S = 1_000_000_000
MU, A = LAWS["PCMU"], LAWS["PCMA"]
PBX_INSIDE, PBX_OUTSIDE, GATEWAY = "192.0.2.50", "198.51.100.50", "198.51.100.9"


def talk(length_s=6.0, seed=1):
    """What two people say to each other in turn, as mu-law."""
    lanes = audio.speech(length_s, channels=2, seed=seed)
    return [MU.compress(np.ascontiguousarray(lane)).tobytes() for lane in lanes.T]


def legs(said, heard, *, delay_s=0.03, law=MU, turned=False, **more):
    """A call through a PBX that makes all anew: signalling, numbers and media, which comes from its other address."""
    front = WireCall(call_id="front", called_host=PBX_INSIDE, said=said, heard=heard)
    again = [recode(each, law) for each in ((heard, said) if turned else (said, heard))]
    behind = replace(
        front,
        call_id="behind",
        caller="+4315550201",
        called="012345678",
        port=30000,
        caller_host=PBX_OUTSIDE,
        called_host=GATEWAY,
        said=again[0],
        heard=again[1],
        began_ns=BEGAN_NS + round(delay_s * 1e9),
    )
    return front, replace(behind, **more)


def recode(octets, law):
    """What is left of sound after a coding that loses much: a fifth less loud, with noise, in other octets."""
    samples = MU.table[np.frombuffer(octets, np.uint8)].astype(float)
    noise = np.random.default_rng(9).normal(0, 12, len(samples))
    return law.compress((0.8 * samples + noise).astype(np.int16)).tobytes()


def heard_in(*calls, frames=(), hole_s=(0.0, 0.0)):
    """hole_s: from when until when nothing was captured."""
    wire = [frame for call in calls for frame in frames_of(call)] + list(frames)
    wire = [frame for frame in wire if not hole_s[0] * S <= frame[0] - BEGAN_NS < hole_s[1] * S]
    observer = Observer()
    for block in CaptureFile(io.BytesIO(pcap_with(sorted(wire, key=lambda frame: frame[0])))):
        observer.add(block)
    return sorted(observer.take(), key=lambda call: call.began_ns)


def sounds(calls):
    """By called number: the pitch of each side, to 100 Hz."""
    found = {}
    for call in calls:
        lanes = {lane.side: call.samples(lane).astype(float) for lane in call.lanes}
        found[number_of(call.dialog.called)] = tuple(pitch(lanes[side]) for side in Side if side in lanes)
    return found


def pitch(samples):
    spectrum = np.abs(np.fft.rfft(samples))
    return int(round(float(spectrum.argmax()) * 8000 / len(samples), -2))


def hum(call_id, caller_hz, called_hz, length_s=6.0, **more):
    said, heard = (tone(each, length_s) for each in (caller_hz, called_hz))
    return WireCall(call_id=call_id, said=said, heard=heard, **more)


@pytest.mark.parametrize("delay_s", [0.03, 0.45])
def test_a_call_through_a_pbx_that_makes_its_media_anew_and_writes_numbers_otherwise_is_one(delay_s):
    [call] = heard_in(*legs(*talk(), delay_s=delay_s))
    assert [hop.call_id for hop in call.hops] == ["front", "behind"]


@pytest.mark.parametrize("tags", [("c", "d"), ("a", "d"), ("a", "b")])
def test_a_call_through_a_pbx_that_keeps_its_call_id_is_one_and_nobody_is_heard_twice(tags):
    said, heard = talk()
    front, behind = legs(said, heard)
    [call] = heard_in(front, replace(behind, call_id="front", tags=tags))
    lanes = {lane.side: lane.sound.tobytes() for lane in call.lanes}
    assert (lanes[Side.CALLER], lanes[Side.CALLED]) == (said, heard)
    assert len(call.hops) == 2


def test_calls_that_have_a_call_id_one_after_the_other_are_as_many_as_there_are():
    first = hum("same", 400, 1000)
    second = hum("same", 600, 1500, called="305", tags=("c", "d"), port=20010, began_ns=BEGAN_NS + 8 * S)
    assert sounds(heard_in(first, second)) == {"+493012345678": (400, 1000), "305": (600, 1500)}


def test_a_call_whose_pbx_calls_both_sides_is_one_and_nobody_is_heard_twice():
    said, heard = talk()
    [call] = heard_in(*legs(said, heard, turned=True))
    lanes = {lane.side: lane.sound.tobytes() for lane in call.lanes}
    assert (lanes[Side.CALLER], lanes[Side.CALLED]) == (said, heard)


def test_other_calls_that_begin_and_end_together_are_as_many_as_there_are():
    calls = []
    for number in range(12):
        said, heard = talk(seed=number)
        hosts = {"caller_host": f"192.0.2.{100 + number}", "called_host": f"198.51.100.{100 + number}"}
        calls.append(
            WireCall(
                call_id=f"c{number}",
                caller=str(200 + number),
                port=20000 + 2 * number,
                said=said,
                heard=heard,
                began_ns=BEGAN_NS + number * 5_000_000,
                **hosts,
            )
        )
    assert len(heard_in(*calls)) == 12


@pytest.mark.parametrize("sound", ["tones", "noise"])
def test_calls_of_steady_sound_with_a_hole_in_the_capture_are_as_many_as_there_are(sound):
    noise = np.random.default_rng(3)
    calls = []
    for number in range(6):
        said, heard = (
            tone(hz + 13 * number, 12.0)
            if sound == "tones"
            else MU.compress(noise.normal(0, 120, 96_000).astype(np.int16))
            for hz in (400, 1900)
        )
        calls.append(
            WireCall(
                call_id=f"c{number}",
                caller=str(200 + number),
                called=str(300 + number),
                port=20000 + 2 * number,
                caller_host=f"192.0.2.{100 + number}",
                called_host=f"198.51.100.{100 + number}",
                said=bytes(said),
                heard=bytes(heard),
                began_ns=BEGAN_NS + number * 50_000_000,
            )
        )
    assert len(heard_in(*calls, hole_s=(5.0, 5.4))) == 6


def test_a_call_through_a_pbx_that_makes_its_media_anew_is_one_in_spite_of_a_hole_in_the_capture():
    assert len(heard_in(*legs(*talk(12.0)), hole_s=(5.0, 5.4))) == 1


@pytest.mark.parametrize("turned", [False, True])
def test_a_short_call_through_a_pbx_that_only_numbers_its_media_anew_is_one(turned):
    said, heard = talk(3.0)
    front, behind = legs(said, heard, turned=turned)
    behind = replace(behind, caller=front.caller, said=heard if turned else said, heard=said if turned else heard)
    assert len(heard_in(front, behind)) == 1


def test_short_calls_to_the_same_announcement_at_the_same_moment_are_two():
    said, heard = talk(3.0)
    front, behind = legs(said, heard)
    behind = replace(behind, caller=front.caller, said=talk(3.0, seed=5)[0], heard=heard)
    assert len(heard_in(front, behind)) == 2


def test_who_says_but_a_word_to_an_announcement_has_one_call_through_a_pbx_that_makes_its_media_anew():
    said, heard = talk(12.0)
    word = said[:8_000].ljust(len(said), b"\xff")
    assert len(heard_in(*legs(word, heard))) == 1


def test_who_hears_the_same_as_another_one_and_says_something_else_has_a_call_of_his_own():
    said, heard = talk()
    front, behind = legs(said, heard)
    assert len(heard_in(front, replace(behind, said=talk(seed=5)[0]))) == 2


def test_two_calls_between_the_same_numbers_at_the_same_time_that_sound_different_are_two():
    first = hum("c1", 400, 1000, caller_host="192.0.2.11")
    second = hum("c2", 600, 1500, caller_host="192.0.2.21", port=20010, began_ns=BEGAN_NS + 400_000_000, length_s=5.6)
    one, other = heard_in(first, second)
    assert [sounds([call])["+493012345678"] for call in (one, other)] == [(400, 1000), (600, 1500)]


def test_hops_with_the_same_numbers_that_cannot_be_told_apart_by_ear_are_one_call():
    front, behind = legs(b"\xff" * 16_000, b"\xff" * 16_000)
    assert len(heard_in(front, replace(behind, caller=front.caller, called=front.called))) == 1
    assert len(heard_in(front, behind)) == 2


def test_a_phone_whose_port_serves_every_call_has_as_many_calls_as_it_makes_though_an_end_was_missed():
    wire = {"caller_host": "192.0.2.11", "port": 2222}
    first = hum("c1", 400, 1000, called="+43100100", called_host="192.0.2.31", hangs_up=False, **wire)
    second = hum("c2", 600, 1500, called="+43200200", called_host="192.0.2.32", began_ns=BEGAN_NS + 60 * S, **wire)
    third = hum("c3", 700, 1700, called="+43300300", called_host="192.0.2.33", began_ns=BEGAN_NS + 120 * S, **wire)
    calls = heard_in(first, second, third)
    assert sounds(calls) == {"+43100100": (400, 1000), "+43200200": (600, 1500), "+43300300": (700, 1700)}
    assert [round(call.length_s) for call in calls] == [6, 6, 6]


def test_ports_of_both_sides_belong_to_the_next_call_though_the_end_of_the_last_one_was_missed():
    first = hum("c1", 400, 1000, called="+43100100", hangs_up=False)
    second = hum("c2", 600, 1500, called="+43200200", began_ns=BEGAN_NS + 60 * S)
    assert sounds(heard_in(first, second)) == {"+43100100": (400, 1000), "+43200200": (600, 1500)}


def test_callers_of_a_bridge_that_has_one_port_for_all_are_apart():
    calls = [
        hum(
            f"c{number}",
            400 + 200 * number,
            2000 + 300 * number,
            caller=f"20{number}",
            called=f"800{number}",
            caller_host=f"192.0.2.{11 + number}",
            called_host="192.0.2.80",
            began_ns=BEGAN_NS + number * S // 2,
        )
        for number in range(3)
    ]
    assert sounds(heard_in(*calls)) == {"8000": (400, 2000), "8001": (600, 2300), "8002": (800, 2600)}


def test_who_asks_somebody_else_from_the_same_port_meanwhile_has_two_calls():
    bert = "192.0.2.12"
    first = hum("c1", 400, 1000, caller="+43123", called="202", called_host=bert, length_s=12.0)
    second = hum(
        "c2",
        1300,
        1500,
        length_s=4.0,
        caller="202",
        called="203",
        caller_host=bert,
        called_host="192.0.2.13",
        began_ns=BEGAN_NS + 3 * S,
    )
    calls = heard_in(first, second)
    assert sounds(calls) == {"202": (400, 1000), "203": (1300, 1500)}
    assert [round(call.length_s) for call in calls] == [12, 4]


def dialogs(*calls):
    """(caller's endpoint, called one's, begins, answered, ends, numbers) of each, as signalling tells."""
    wire = Signalling(Endpoints())
    found = []
    for place, (host, other, first_s, answered_s, ended_s, numbers) in enumerate(calls):
        people = {"caller": numbers[0], "called": numbers[1]}
        name = f"c{place}"
        wire.add(request("INVITE", name, body=sdp(*host), **people), round((1000 + first_s) * S))
        wire.add(response("200 OK", call_id=name, body=sdp(*other), **people), round((1000 + answered_s) * S))
        if ended_s:
            wire.add(request("BYE", name, tag="b", **people), round((1000 + ended_s) * S))
        found.append(wire.dialogs[name])
    return found


PHONE, INSIDE, OUTSIDE, LINE = ("192.0.2.1", 4000), ("192.0.2.5", 5000), ("192.0.2.6", 5000), ("192.0.2.9", 6000)
NEAR = (PHONE, INSIDE, 0.0, 2.0, 60.0, ("201", "0043123456"))


@pytest.mark.parametrize(
    ("behind", "expected"),
    [
        ((OUTSIDE, LINE, 0.02, 1.9, 60.1, ("+4315550201", "+43123456")), True),
        ((OUTSIDE, LINE, 1.5, 1.9, 60.1, ("+4315550201", "+43123456")), True),
        ((OUTSIDE, LINE, 0.02, 1.9, 62.0, ("+4315550201", "+43123456")), False),
        ((OUTSIDE, LINE, 20.0, 25.0, 60.1, ("201", "0043123456")), False),
        ((PHONE, LINE, 20.0, 25.0, 70.0, ("201", "202")), True),
        ((PHONE, LINE, 61.0, 62.0, 70.0, ("201", "202")), False),
    ],
)
def test_dialogs_are_compared_that_begin_and_end_together_or_share_an_endpoint(behind, expected):
    assert may_be_hops(*dialogs(NEAR, behind)) is expected


@pytest.mark.parametrize(
    ("behind", "expected"),
    [
        ((PHONE, INSIDE, 5.0, 6.0, 0, ("201", "0043123456")), True),
        ((INSIDE, LINE, 0.1, 1.9, 0, ("+4315550201", "+43123456")), True),
        ((("192.0.2.2", 4000), INSIDE, 0.1, 1.9, 0, ("202", "0043123456")), False),
        ((PHONE, LINE, 20.0, 21.0, 0, ("201", "202")), False),
    ],
)
def test_calls_that_go_on_and_share_an_endpoint_look_like_hops_or_not(behind, expected):
    assert are_set_up_together(*dialogs(NEAR, behind)) is expected
