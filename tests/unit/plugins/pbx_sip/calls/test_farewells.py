"""Calls of which the capture has the end alone."""

import io
from dataclasses import replace

from plugins.pbx_sip.calls.dialog import Side
from plugins.pbx_sip.calls.numbers import name_of, number_of
from plugins.pbx_sip.calls.observer import Observer
from plugins.pbx_sip.packets.files import CaptureFile
from tests.doubles.capture_file import PBX, WireCall, frames_of, pcap_with, request_in

CALL = WireCall(call_id="a", called_host=PBX, said=b"\x20" * 16_000, heard=b"\x30" * 16_000)
CALLERS_SOUND, CALLEDS_SOUND = {0x20}, {0x30}


def media_of(call):
    return [each for each in frames_of(call) if b"SIP/2.0" not in each[1]]


def told(*frames):
    """Who hung up, the other one, and what each of them said."""
    observer = Observer()
    for block in CaptureFile(io.BytesIO(pcap_with(sorted(frames)))):
        observer.add(block)
    return [
        (
            *(number_of(end) or name_of(end) for end in (call.dialog.caller, call.dialog.called)),
            *({octet for lane in call.lanes_of(side) for octet in lane.sound.tolist()} for side in Side),
        )
        for call in observer.take()
    ]


def test_who_hangs_up_tells_who_spoke():
    assert told(*media_of(CALL), request_in(CALL, 2.3, "BYE")) == [
        ("201", "+493012345678", CALLERS_SOUND, CALLEDS_SOUND)
    ]
    assert told(*media_of(CALL), request_in(CALL, 2.3, "BYE", by_called=True)) == [
        ("+493012345678", "201", CALLEDS_SOUND, CALLERS_SOUND)
    ]


def test_a_farewell_of_another_time_or_of_other_hosts_says_nothing():
    for farewell in (
        request_in(CALL, 9.0, "BYE"),
        request_in(replace(CALL, caller_host="192.0.2.77"), 2.3, "BYE"),
    ):
        [(one, other, *_)] = told(*media_of(CALL), farewell)
        assert {one, other} == {"192.0.2.11:20000", f"{PBX}:20000"}


def test_where_two_calls_end_together_nobody_can_tell_whose_farewell_it_is():
    second = replace(CALL, call_id="b", port=30_000, began_ns=CALL.began_ns + 100_000_000)
    found = told(*media_of(CALL), *media_of(second), request_in(CALL, 2.3, "BYE"))
    assert [one for one, *_ in found] == ["192.0.2.11:20000", "192.0.2.11:30000"]
