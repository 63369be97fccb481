"""What redundant packets carry fills the place of those that were lost."""

from struct import pack

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from plugins.pbx_sip.rtp.redundancy import unwrap
from tests.doubles.rtp_stream import Sender, received


def redundant(contents: list[bytes]) -> list[tuple[int, bytes]]:
    """Packets each of which holds its own content and that of the one before."""
    payloads = []
    for place, content in enumerate(contents):
        before = contents[place - 1] if place else b""
        head = pack(">I", 0x80000000 | 160 << 10 | len(before)) if place else b""
        payloads.append(head + b"\0" + before + content)
    return Sender(payload_type=121).send(payloads).sent


CONTENTS = [bytes([number]) * 160 for number in range(50)]


def test_what_was_sent_is_there_once_in_its_place() -> None:
    packets = unwrap(received(redundant(CONTENTS)), 8000)
    assert [packets.payload(row) for row in range(len(packets))] == CONTENTS
    assert set(packets.payload_type.tolist()) == {0}


def test_a_lost_packet_is_taken_from_the_one_behind_it() -> None:
    sent = redundant(CONTENTS)
    del sent[20], sent[10]
    packets = unwrap(received(sent), 8000)
    order = np.argsort(packets.timestamp.astype(np.int64) + (packets.timestamp < 1 << 31).astype(np.int64) * (1 << 32))
    assert [packets.payload(row) for row in order.tolist()] == CONTENTS
    assert set(np.diff(packets.timestamp[order]).tolist()) == {160}
    assert set(np.diff(packets.time_ns[order]).tolist()) == {20_000_000}


def test_a_lost_packet_is_found_though_its_number_was_used_before() -> None:
    sent = redundant(CONTENTS)
    earlier = Sender(payload_type=121, timestamp=Sender().timestamp - 65_536 * 160, at_s=-65_536 * 0.02)
    del sent[20]
    packets = unwrap(received(earlier.send([b"\0" + content for content in CONTENTS]).sent + sent), 8000)
    assert len(packets) == 2 * len(CONTENTS)


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_whatever_comes_is_read_without_harm(payloads: list[bytes]) -> None:
    packets = unwrap(received(Sender(payload_type=121).send(payloads).sent), 8000)
    assert int(packets.length.sum()) <= sum(map(len, payloads))
