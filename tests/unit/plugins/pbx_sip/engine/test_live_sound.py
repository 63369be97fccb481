"""What is heard of a call while it goes on, whatever its lines are in."""

import asyncio
from itertools import pairwise
from struct import pack

import av
import numpy as np
import pytest

from plugins.pbx_sip.engine.live_sound import Listener
from plugins.pbx_sip.packets.datagrams import Datagrams
from tests.doubles.rtp_stream import BEGAN_NS, Sender, cut
from tests.doubles.sip_text import request, response, sdp
from tests.doubles.talk import tone
from tests.unit.plugins.pbx_sip.engine.test_call_table import Owner

CALLER, CALLED = "192.0.2.1", "192.0.2.2"
LENGTH_S = 0.6  # as much as an ear holds
S = 1_000_000_000


def line(host, port, *codecs):
    """A description that has these codecs, such as (97, "L16/8000")."""
    numbers = " ".join(str(number) for number, _ in codecs)
    maps = "".join(f"a=rtpmap:{number} {codec}\r\n" for number, codec in codecs)
    return sdp(host, port).replace("RTP/AVP 0\r\n", f"RTP/AVP {numbers}\r\n{maps}")


def begin(offer, answer=None):
    """The owner of a call with these descriptions, and the call."""
    owner = Owner()
    owner.take(request("INVITE", body=offer), BEGAN_NS - 2 * S)
    return owner, owner.take(response("200 OK", body=answer or line(CALLED, 5000, (0, "PCMU/8000"))), BEGAN_NS - S)


def arrive(owner, sent, host=CALLED, port=5000):
    """Packets as the workers pass them on, a tenth of a second at once, to a place where somebody listens."""
    target = next(
        end for end in map(int, owner.table._by_endpoint) if owner.table.endpoints.text(end) == f"{host}:{port}"
    )
    for first in range(0, len(sent), 5):
        piece = sent[first : first + 5]
        length = np.array([len(packet) for _, packet in piece], np.int32)
        yield Datagrams(
            buffer=np.frombuffer(b"".join(packet for _, packet in piece), np.uint8),
            time_ns=np.array([at_ns for at_ns, _ in piece], np.int64) + BEGAN_NS,
            source=np.full(len(piece), 1, np.uint64),
            target=np.full(len(piece), target, np.uint64),
            offset=np.cumsum(length, dtype=np.int64) - length,
            length=length,
        )


def hear(call, *pieces):
    """The channels of what is heard of the pieces, as they all come at once."""

    async def run():
        listener = Listener(lambda: [call.dialog])
        for piece in pieces:
            listener.put(piece)
        heard = b""
        async for block in listener.blocks():
            heard += block
            if len(heard) >= 4 * 8000 * (LENGTH_S + 0.4):
                break
        return np.frombuffer(heard, "<i2").reshape(-1, 2).T.astype(float)

    return asyncio.run(run())


def assert_is_tone(channel, frequency_hz=440.0, length_s=LENGTH_S):
    """It is as long as what was sent and all of it is the tone."""
    (loud,) = np.nonzero(np.abs(channel) > 50)
    assert (loud[-1] - loud[0]) / 8000 == pytest.approx(length_s, abs=0.03)
    sound = channel[loud[0] : loud[-1]]
    assert not [gap for gap in np.diff(loud) if gap > 80]
    wave = 2 * np.pi * frequency_hz * np.arange(len(sound)) / 8000
    basis = np.stack([np.sin(wave), np.cos(wave)])
    share = ((basis @ sound) ** 2).sum() * 2 / len(sound) / (sound @ sound)
    assert share > 0.95


def test_a_line_of_redundant_packets_is_heard_and_what_was_lost_of_it_too():
    red = "RTP/AVP 121 0\r\na=rtpmap:121 red/8000\r\na=fmtp:121 0/0\r\n"
    owner, call = begin(*(sdp(*end).replace("RTP/AVP 0\r\n", red) for end in ((CALLER, 4000), (CALLED, 5000))))
    contents = cut(tone(440.0, LENGTH_S + 0.02))
    payloads = [
        pack(">I", 0x80000000 | 160 << 10 | len(before)) + b"\0" + before + after
        for before, after in pairwise(contents)
    ]
    sent = Sender(payload_type=121).send(payloads).sent
    del sent[7::6]
    left, right = hear(call, *arrive(owner, sent))
    assert_is_tone(left)
    assert not right.any()


def test_each_side_is_read_by_the_numbers_that_the_other_gave_its_codings():
    codecs = ((97, "L16/8000"), (98, "PCMU/8000"))
    other = ((97, "PCMU/8000"), (98, "L16/8000"))
    owner, call = begin(line(CALLER, 4000, *codecs), line(CALLED, 5000, *other))
    one, two = (Sender(payload_type=97).send(cut(tone(each, LENGTH_S))).sent for each in (440.0, 620.0))
    linear = [(at_ns, packet[:12] + linear_of(packet[12:])) for at_ns, packet in two]
    channels = hear(call, *arrive(owner, one), *arrive(owner, linear, CALLER, 4000))
    for channel, frequency_hz in zip(channels, (440.0, 620.0), strict=True):
        assert_is_tone(channel, frequency_hz)


def linear_of(octets):
    """The same sound in 16 bits, in network order."""
    context = av.CodecContext.create("pcm_mulaw", "r")
    context.sample_rate, context.layout = 8000, "mono"
    return context.decode(av.Packet(octets))[0].to_ndarray().astype(">i2").tobytes()


def test_a_coding_that_remembers_what_was_before_is_heard_without_seams():
    owner, call = begin(line(CALLER, 4000, (9, "G722/8000")), line(CALLED, 5000, (9, "G722/8000")))
    sent = Sender(payload_type=9).send(cut(wide_tone(LENGTH_S))).sent
    left, _ = hear(call, *arrive(owner, sent))
    assert_is_tone(left)
    (loud,) = np.nonzero(np.abs(left) > 50)
    steady = left[loud[0] + 1600 : loud[-1] - 160]
    assert np.abs(np.diff(steady)).max() < 1.2 * np.abs(steady).max() * 2 * np.pi * 440 / 8000


def wide_tone(length_s):
    """A tone of 440 Hz in G.722."""
    samples = (np.sin(2 * np.pi * 440 * np.arange(round(length_s * 16000)) / 16000) * 8000).astype(np.int16)
    context = av.CodecContext.create("g722", "w")
    context.sample_rate, context.layout, context.format = 16000, "mono", "s16"
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = 16000
    return b"".join(bytes(packet) for given in (frame, None) for packet in context.encode(given))


def test_a_line_that_changes_its_coding_in_mid_call_is_heard_on():
    owner, call = begin(line(CALLER, 4000, (97, "PCMU/8000")), line(CALLED, 5000, (97, "PCMU/8000")))
    sender = Sender(payload_type=97).send(cut(tone(440.0, LENGTH_S / 2)))
    changed_ns = BEGAN_NS + round(sender.at_s * S) - 1
    again = {"tag": "b", "number": "2"}
    owner.take(request("INVITE", body=line(CALLER, 4000, (97, "L16/8000")), **again), changed_ns)
    owner.take(response("200 OK", body=line(CALLED, 5000, (97, "L16/8000")), number="2"), changed_ns)
    count = len(sender.sent)
    octets = tone(440.0, LENGTH_S)[round(LENGTH_S / 2 * 8000) :]
    sender.send([linear_of(each) for each in cut(octets)])
    assert len(sender.sent) == 2 * count
    left, _ = hear(call, *arrive(owner, sender.sent))
    assert_is_tone(left)
