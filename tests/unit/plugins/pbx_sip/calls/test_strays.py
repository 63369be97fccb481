"""Calls that nobody signalled, put together from their media alone."""

from ipaddress import ip_address

import numpy as np
import pytest

from plugins.pbx_sip.calls.flows import Flow
from plugins.pbx_sip.calls.strays import find_strays
from plugins.pbx_sip.packets.datagrams import Endpoints
from plugins.pbx_sip.rtp.packets import RtpPackets
from tests.doubles.rtp_stream import Sender, received

ENDPOINTS = Endpoints()
ONE, RELAY_TO_ONE, RELAY_TO_OTHER, OTHER = (
    ENDPOINTS.key(ip_address(host).packed, port)
    for host, port in (("192.0.2.11", 4000), ("192.0.2.1", 30_000), ("192.0.2.1", 30_010), ("192.0.2.12", 4000))
)


def sound(ssrc: int, delay_s: float = 0.0) -> RtpPackets:
    """Two seconds of one sender, as they came after a while."""
    sent = Sender(ssrc=ssrc, at_s=delay_s).send([bytes(160)] * 100).sent
    return received(sent)


def calls(*flows: tuple[int, int, RtpPackets]) -> list[tuple[str, int]]:
    """Whose calls are found, and how many voices each has."""
    found = find_strays((Flow(source, target, [packets]) for source, target, packets in flows), (), ENDPOINTS)
    return [(call.dialog.call_id, len(call.voices)) for call in found]


@pytest.mark.parametrize("late_s", [0.0, 0.003])
def test_a_call_that_a_relay_passes_on_is_one_with_both_voices(late_s: float) -> None:
    found = calls(
        (ONE, RELAY_TO_ONE, sound(1)),
        (OTHER, RELAY_TO_OTHER, sound(2, late_s)),
        (RELAY_TO_OTHER, OTHER, sound(1, 0.001)),
        (RELAY_TO_ONE, ONE, sound(2, late_s + 0.001)),
    )
    assert found == [("rtp 192.0.2.11:4000 192.0.2.1:30000", 2)]


def test_calls_of_a_load_generator_that_sends_the_same_in_all_of_them_are_as_many_as_there_are() -> None:
    flows = [(ONE + port, OTHER + port, sound(1, port / 1000)) for port in range(5)]
    assert [voices for _, voices in calls(*flows)] == [1] * 5


def test_the_same_packets_long_after_are_another_call() -> None:
    found = calls((ONE, RELAY_TO_ONE, sound(1)), (RELAY_TO_OTHER, OTHER, sound(1, 60.0)))
    assert len(found) == 2


def test_what_is_not_numbered_one_after_the_other_is_no_speech() -> None:
    packets = sound(1)
    order = np.random.default_rng(1).permutation(len(packets))
    assert calls((ONE, OTHER, packets.take(order))) == []
