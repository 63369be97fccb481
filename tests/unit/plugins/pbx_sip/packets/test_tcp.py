from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.packets import tcp
from plugins.pbx_sip.packets.datagrams import Endpoints
from plugins.pbx_sip.packets.decoder import Decoder
from plugins.pbx_sip.packets.tcp import ACK, FIN, RST, SYN, StreamData, TcpSegment, TcpStreams
from tests.unit.plugins.pbx_sip.packets import frames as f

A, B = 1001, 1002
SECOND = 1_000_000_000


def seg(sequence: int, payload: bytes = b"", flags: int = ACK, *, time_s: float = 0, back: bool = False) -> TcpSegment:
    source, target = (B, A) if back else (A, B)
    return TcpSegment(
        source=source,
        target=target,
        time_ns=int(time_s * SECOND),
        sequence=sequence & 0xFFFFFFFF,
        flags=flags,
        payload=payload,
    )


def feed(*segments: TcpSegment, streams: TcpStreams | None = None) -> list[StreamData]:
    streams = TcpStreams() if streams is None else streams
    return [data for segment in segments for data in streams.add(segment)]


def text(given: list[StreamData], source: int = A) -> bytes:
    return b"".join(data.data for data in given if data.source == source)


def test_a_connection_is_read_in_both_directions_from_its_beginning_to_its_end() -> None:
    given = feed(
        seg(99, flags=SYN),
        seg(499, flags=SYN | ACK, back=True),
        seg(100, b"INVITE "),
        seg(107, b"sip:b"),
        seg(500, b"SIP/2.0 100", back=True),
        seg(112, flags=FIN | ACK),
        seg(511, b" Trying", FIN | ACK, back=True),
    )
    assert (text(given), text(given, B)) == (b"INVITE sip:b", b"SIP/2.0 100 Trying")
    assert {data.connection for data in given} == {1}
    assert [(data.source, data.is_last) for data in given if data.is_last] == [(A, True), (B, True)]
    assert not any(data.lost_bytes for data in given)


def test_segments_in_any_order_give_the_same_bytes() -> None:
    pieces = [seg(100, b"abc"), seg(103, b"defg"), seg(107, b"h"), seg(108, b"ijklm")]
    for order in permutations(pieces):
        assert text(feed(seg(99, flags=SYN), *order)) == b"abcdefghijklm"


def test_what_was_sent_again_is_read_once() -> None:
    given = feed(
        seg(100, b"abcdef"), seg(100, b"abcdef"), seg(103, b"defghi"), seg(99, b"?"), seg(104, b"efg"), seg(109, b"j")
    )
    assert text(given) == b"abcdefghij"


def test_what_was_seen_first_of_a_byte_stands() -> None:
    assert text(feed(seg(100, b"abc"), seg(102, b"XYZ"), seg(103, b"yz"))) == b"abcYZ"


def test_a_capture_may_begin_in_the_middle() -> None:
    assert text(feed(seg(4_000_000_000, b"in the middle"))) == b"in the middle"


def test_sequence_numbers_wrap() -> None:
    given = feed(seg(0xFFFFFFFC, b"abcd"), seg(4, b"ijkl"), seg(0, b"efgh"), seg(8, b"m"))
    assert text(given) == b"abcdefghijklm"
    streams = TcpStreams()
    sent = 0
    for number in range(12_000):
        given = streams.add(seg(sent, bytes(600_000), time_s=number / 1000))
        assert len(given) == 1
        sent += 600_000


def test_a_gap_is_given_up_after_a_while() -> None:
    streams = TcpStreams()
    given = feed(seg(100, b"abc"), seg(108, b"ijk", time_s=1), seg(111, b"l", time_s=3.9), streams=streams)
    assert text(given) == b"abc"
    (first, second) = feed(seg(1, b"x", time_s=4.1, back=True), streams=streams)[1:]
    assert (first.data, first.lost_bytes, first.time_ns) == (b"ijk", 5, SECOND)
    assert (second.data, second.lost_bytes) == (b"l", 0)


def test_a_gap_is_given_up_by_the_clock_alone_too() -> None:
    streams = TcpStreams()
    feed(seg(100, b"abc"), seg(108, b"ijk"), streams=streams)
    assert streams.expire(2 * SECOND) == []
    (data,) = streams.expire(4 * SECOND)
    assert (data.data, data.lost_bytes) == (b"ijk", 5)


def test_a_gap_is_given_up_when_too_much_waits_behind_it() -> None:
    streams = TcpStreams()
    feed(seg(100, b"abc"), streams=streams)
    given = feed(*(seg(200 + 2 * n, b"x") for n in range(tcp.HELD_SEGMENTS_MAX + 1)), streams=streams)
    assert given[0].lost_bytes == 97
    given = feed(*(seg(5000 + 60_001 * n, bytes(60_000)) for n in range(6)), streams=streams)
    assert len(given) > tcp.HELD_SEGMENTS_MAX


def test_memory_for_all_connections_is_bounded() -> None:
    streams = TcpStreams()
    for number in range(1000):
        for sequence in (100, 300, 70_000):
            streams.add(
                TcpSegment(source=number, target=9999, time_ns=0, sequence=sequence, flags=ACK, payload=bytes(65_000))
            )
    assert streams._held_bytes <= tcp.HELD_TOTAL_BYTES_MAX
    assert streams._held_bytes == sum(
        way.held_bytes for one in streams._connections.values() for way in one.ways.values()
    )


def test_the_connection_that_was_silent_longest_makes_room() -> None:
    streams = TcpStreams()
    for number in range(tcp.CONNECTIONS_MAX + 10):
        given = streams.add(TcpSegment(source=number, target=99_999, time_ns=0, sequence=1, flags=ACK, payload=b"x"))
    assert [(data.source, data.is_last) for data in given][-1] == (9, True)
    assert len(streams._connections) == tcp.CONNECTIONS_MAX


def test_a_connection_long_silent_is_over() -> None:
    streams = TcpStreams()
    feed(seg(100, b"abc"), streams=streams)
    (data,) = streams.expire(4000 * SECOND)
    assert data.is_last
    assert streams.close() == []


def test_at_the_end_of_a_capture_all_is_given() -> None:
    streams = TcpStreams()
    feed(seg(100, b"abc"), seg(105, b"f"), seg(110, b"k"), streams=streams)
    given = streams.close()
    assert [(data.data, data.lost_bytes, data.is_last) for data in given] == [
        (b"f", 2, False),
        (b"k", 4, False),
        (b"", 0, True),
    ]
    assert streams.close() == []


def test_a_reset_ends_both_directions() -> None:
    streams = TcpStreams()
    given = feed(seg(100, b"abc"), seg(500, b"x", back=True), seg(105, b"f"), seg(106, flags=RST), streams=streams)
    assert [(data.source, data.data, data.is_last) for data in given[2:]] == [
        (A, b"f", False),
        (A, b"", True),
        (B, b"", True),
    ]
    assert feed(seg(501, b"late", back=True), streams=streams) == []


def test_a_reset_that_does_not_fit_changes_nothing() -> None:
    assert text(feed(seg(100, b"abc"), seg(1_000_000_000, flags=RST), seg(103, b"d"))) == b"abcd"


def test_a_new_connection_between_the_same_endpoints_is_another() -> None:
    opened = feed(
        seg(99, flags=SYN),
        seg(499, flags=SYN | ACK, back=True),
        seg(100, b"one"),
        seg(9999, flags=SYN),
        seg(777, flags=SYN | ACK, back=True),
        seg(10_000, b"two"),
        seg(778, b"yes", back=True),
    )
    assert [(data.connection, data.data) for data in opened if data.data] == [(1, b"one"), (2, b"two"), (2, b"yes")]
    assert [data.connection for data in opened if data.is_last] == [1, 1]


def test_the_same_opening_seen_again_is_no_new_connection() -> None:
    syn, answer = seg(99, flags=SYN), seg(499, flags=SYN | ACK, back=True)
    given = feed(answer, syn, syn, answer, seg(100, b"abc"), seg(500, b"x", back=True), syn, answer, seg(103, b"d"))
    assert {data.connection for data in given} == {1}
    assert not any(data.is_last for data in given)
    assert text(given) == b"abcd"


@pytest.mark.parametrize("back", [True, False])
def test_after_a_refusal_either_side_may_try_again(back: bool) -> None:
    refused = [seg(99, flags=SYN), seg(0, flags=RST | ACK, back=True)]
    again = [seg(4000, flags=SYN, back=back), seg(4001, b"hello", back=back)]
    given = feed(*refused, seg(99, flags=SYN), *again)
    assert [(data.connection, data.data) for data in given if data.data] == [(2, b"hello")]


def test_a_segment_far_off_begins_a_new_connection() -> None:
    given = feed(seg(100, b"abc"), seg(2_000_000_000, b"new"))
    assert [(data.connection, data.data) for data in given if data.data] == [(1, b"abc"), (2, b"new")]


def test_an_end_before_its_last_bytes_waits_for_them() -> None:
    given = feed(seg(100, b"abc"), seg(106, flags=FIN), seg(103, b"def"), seg(106, flags=FIN), seg(107, b"late"))
    assert [(data.data, data.is_last) for data in given] == [(b"abc", False), (b"def", True)]


def test_streams_come_out_of_packets() -> None:
    endpoints = Endpoints()
    packets = [
        f.ipv4(f.tcp(sequence=9, flags=SYN, options=b"\2\4\5\xb4"), 6),
        f.ipv4(f.tcp(b"OPTIONS", 10), 6),
        f.ipv4(f.tcp(sequence=17, flags=ACK), 6),
        f.ethernet(f.ipv6(f.tcp(b"six"), 6), 0x86DD)[14:],
    ]
    decoded = Decoder(endpoints).decode(f.block(*packets, link_type=101))
    assert len(decoded.segments) == 3
    given = feed(*decoded.segments)
    assert [(endpoints.text(data.source), data.data) for data in given] == [
        ("192.0.2.1:5060", b""),
        ("192.0.2.1:5060", b"OPTIONS"),
        ("[2001:db8::1]:5060", b"six"),
    ][1:]


@settings(max_examples=150, deadline=None)
@given(st.binary(min_size=1, max_size=300), st.integers(0, 2**32 - 1), st.data())
def test_any_cuts_sent_in_any_order_and_again_give_the_stream(stream: bytes, first: int, data: st.DataObject) -> None:
    spans = data.draw(st.lists(st.tuples(st.integers(0, len(stream)), st.integers(1, 40)), max_size=12))
    even = [(start, 32) for start in range(0, len(stream), 32)]
    pieces = [
        seg(first + start, stream[start : start + size]) for start, size in data.draw(st.permutations(even + spans))
    ]
    streams = TcpStreams()
    given = feed(seg(first - 1, flags=SYN), *pieces, seg(first + len(stream), flags=FIN), streams=streams)
    assert text(given) == stream
    assert given[-1].is_last
    assert streams._held_bytes == 0


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=20), st.integers(0, 2**32 - 1), st.data())
def test_whatever_was_lost_the_rest_stands_in_its_place(sizes: list[int], first: int, data: st.DataObject) -> None:
    stream = bytes(range(1, 256)) * 3
    starts = [sum(sizes[:number]) for number in range(len(sizes))]
    pieces = [seg(first + start, stream[start : start + size]) for start, size in zip(starts, sizes, strict=True)]
    seen = data.draw(st.permutations(pieces))[: data.draw(st.integers(0, len(pieces)))]
    expected = bytearray(sum(sizes))
    for piece in seen:
        start = (piece.sequence - first) % 2**32
        expected[start : start + len(piece.payload)] = piece.payload
    streams = TcpStreams()
    given = [*feed(seg(first - 1, flags=SYN), *seen, streams=streams), *streams.close()]
    assert b"".join(bytes(one.lost_bytes) + one.data for one in given) == expected.rstrip(b"\0")
    assert streams._held_bytes == 0


@settings(max_examples=200, deadline=None)
@given(st.lists(st.builds(
    seg,
    st.integers(0, 300) | st.integers(0, 2**32 - 1) | st.integers(2**32 - 100, 2**32 - 1),
    st.binary(max_size=30),
    st.integers(0, 31),
    time_s=st.integers(0, 10) | st.integers(-5000, 5000),
    back=st.booleans(),
), max_size=60))  # fmt: skip
def test_no_segments_do_harm(segments: list[TcpSegment]) -> None:
    streams = TcpStreams()
    ended = set()
    for data in [*feed(*segments, streams=streams), *streams.close()]:
        assert (data.connection, data.source) not in ended
        assert data.lost_bytes >= 0
        if data.is_last:
            ended.add((data.connection, data.source))
    assert streams._held_bytes == 0
    assert streams._gaps == {}


@pytest.mark.parametrize("flags", [ACK, SYN, FIN, RST])
def test_an_endpoint_may_talk_to_itself(flags: int) -> None:
    streams = TcpStreams()
    itself = TcpSegment(source=A, target=A, time_ns=0, sequence=5, flags=flags, payload=b"x")
    feed(itself, itself, streams=streams)
    streams.close()
