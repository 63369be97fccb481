"""Records of a ring are found, however they follow one another and whatever is in the packets."""

import struct

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from plugins.pbx_sip.capture.records import Stretch, read_records

_BLOCK_HEADER = 48
_PLACE = 82  # of an Ethernet header in its record


def block_of(packets, place: int = _PLACE) -> bytes:
    """What the kernel makes of packets: (seconds, nanoseconds, bytes on the wire, bytes captured)."""
    content = b"\xee" * _BLOCK_HEADER
    for number, (seconds, nanoseconds, wire, packet) in enumerate(packets):
        size = place + len(packet) + 7 & ~7
        following = 0 if number == len(packets) - 1 else size
        head = struct.pack("=6IHH", following, seconds, nanoseconds, len(packet), wire, 0, place, place + 14)
        content += (head.ljust(place, b"\0") + packet).ljust(size, b"\0")
    return content


def read(*blocks, **shape):
    content, stretches = b"", []
    for packets in blocks:
        made = block_of(packets, **shape)
        stretches.append(Stretch(len(content) + _BLOCK_HEADER, len(content) + len(made), len(packets)))
        content += made
    return read_records(np.frombuffer(bytearray(content), np.uint8), stretches, 1)


def packets_in(block):
    return [
        block.buffer[start : start + size].tobytes()
        for start, size in zip(block.offset.tolist(), block.length.tolist(), strict=True)
    ]


_LOOKS_LIKE_A_RECORD = block_of([(1, 2, 60, b"x" * 60)] * 3)[_BLOCK_HEADER:]
_PACKETS = st.lists(
    st.tuples(
        st.integers(0, 2**32 - 1),
        st.integers(0, 999_999_999),
        st.integers(0, 65535),
        st.one_of(
            st.binary(max_size=300),
            st.just(b"R" * 172),
            st.integers(0, 7).map(lambda shift: b"-" * shift + _LOOKS_LIKE_A_RECORD),
        ),
    ),
    min_size=1,
    max_size=12,
)


@given(st.lists(_PACKETS, min_size=1, max_size=3))
def test_every_packet_is_found_whatever_it_looks_like(blocks):
    found = read(*blocks)
    sent = [packet for block in blocks for packet in block]
    assert packets_in(found) == [packet for *_, packet in sent]
    assert found.time_ns.tolist() == [seconds * 10**9 + nanoseconds for seconds, nanoseconds, *_ in sent]
    assert found.wire_length.tolist() == [wire for _, _, wire, _ in sent]
    assert set(found.link_type.tolist()) == {1}


def test_packets_of_one_size_and_of_many_are_found():
    for sizes in ([172] * 50, [172, 92] * 25, range(20, 70)):
        packets = [(7, number, size, bytes([number]) * size) for number, size in enumerate(sizes)]
        assert packets_in(read(packets)) == [packet for *_, packet in packets]


def test_records_of_which_one_has_its_packet_elsewhere_are_found():
    block = bytearray(block_of([(1, 1, 60, b"a" * 60), (1, 2, 60, b"b" * 60), (1, 3, 60, b"c" * 60)]))
    size = (len(block) - _BLOCK_HEADER) // 3
    struct.pack_into("=HH", block, _BLOCK_HEADER + size + 24, _PLACE - 2, _PLACE + 12)
    found = read_records(np.frombuffer(block, np.uint8), [Stretch(_BLOCK_HEADER, len(block), 3)], 1)
    assert found.offset.tolist() == [_BLOCK_HEADER + _PLACE, _BLOCK_HEADER + size + 80, _BLOCK_HEADER + 2 * size + 82]
