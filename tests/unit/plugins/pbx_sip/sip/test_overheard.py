"""SIP messages as they are heard in captured traffic."""

from plugins.pbx_sip.packets.datagrams import Endpoints
from plugins.pbx_sip.packets.decoder import Decoder
from plugins.pbx_sip.sip.message import write_message
from plugins.pbx_sip.sip.overheard import SipEar
from tests.doubles.sip_text import request, response
from tests.unit.plugins.pbx_sip.packets import frames

MORE = 0x2000


TCP = 6


def hear(*packets):
    """The messages in packets that came a millisecond apart, and when."""
    endpoints = Endpoints()
    block = frames.block(*map(frames.ethernet, packets))
    heard = SipEar(endpoints).hear(Decoder(endpoints).decode(block), int(block.time_ns[-1]))
    return [(each.message.cseq.method, (each.at_ns - frames.START_NS) // 1_000_000) for each in heard]


def datagram(message):
    return frames.ipv4(frames.udp(write_message(message)))


INVITE, ANSWER, ACK = request("INVITE"), response("200 OK"), request("ACK", tag="b")


def test_a_message_that_came_in_fragments_is_heard_before_what_came_after_it():
    whole = frames.udp(write_message(INVITE))
    parts = frames.ipv4(whole[:160], fragment=MORE), frames.ipv4(whole[160:], fragment=160 // 8)
    assert hear(*parts, datagram(ANSWER), datagram(ACK)) == [("INVITE", 1), ("INVITE", 2), ("ACK", 3)]


def test_a_request_that_was_too_long_for_a_datagram_is_heard_before_what_came_after_it():
    content = write_message(INVITE)
    segments = [frames.ipv4(frames.tcp(part, at), TCP) for part, at in ((content[:99], 1), (content[99:], 100))]
    assert hear(*segments, datagram(ACK)) == [("INVITE", 1), ("ACK", 2)]
    assert hear(segments[0], datagram(ACK), segments[1]) == [("ACK", 1), ("INVITE", 2)]
