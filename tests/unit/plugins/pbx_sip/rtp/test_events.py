"""Keys pressed during a call."""

from struct import pack

from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.rtp.events import find_keys
from tests.doubles.rtp_stream import BEGAN_NS, Sender, received


def press(sender, event, length_s=0.1):
    """One key as a phone sends it: updates each 20 ms under one timestamp, the end three times."""
    stamp = sender.timestamp
    for step in range(1, round(length_s / 0.02) + 1):
        sender.timestamp = stamp
        sender.send([pack(">BBH", event, 10, step * 160)], marker=step == 1)
    for _ in range(3):
        sender.timestamp = stamp
        sender.send([pack(">BBH", event, 0x8A, round(length_s * 8000))], marker=False)
    return sender


def test_each_key_is_found_once_with_its_time_and_length():
    sender = Sender(payload_type=101)
    for event in (1, 1, 10, 11, 15):
        press(sender, event).pause(0.5)
    found = find_keys(received(sender.sent), 8000, BEGAN_NS, 0.02)
    assert "".join(each.key for each in found) == "11*#D"
    assert [round(each.length_s, 3) for each in found] == [0.1] * 5
    assert found[1].at_s - found[0].at_s > 0.5


def test_a_key_whose_beginning_was_lost_is_a_key_all_the_same():
    sender = press(Sender(payload_type=101), 5)
    [found] = find_keys(received(sender.sent[-1:]), 8000, BEGAN_NS, 0.02)
    assert (found.key, found.length_s) == ("5", 0.1)


def test_a_key_lies_where_sound_that_is_sent_at_the_same_time_does():
    sender = press(Sender(payload_type=101, at_s=2.0), 5, 0.16)
    for datagrams in (sender.sent, sender.sent[3:]):
        [found] = find_keys(received(datagrams), 8000, BEGAN_NS, 0.02)
        assert (round(found.at_s, 3), round(found.length_s, 3)) == (2.0, 0.16)


def test_other_events_are_no_keys():
    assert find_keys(received(Sender().send([pack(">BBH", 70, 0, 160), b"\1"]).sent), 8000, BEGAN_NS, 0.02) == []


@settings(max_examples=60)
@given(st.lists(st.binary(max_size=8), min_size=1, max_size=8))
def test_any_payload_can_be_read(payloads):
    find_keys(received(Sender().send(payloads).sent), 8000, BEGAN_NS, 0.02)
