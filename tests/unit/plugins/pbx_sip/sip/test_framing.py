import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.sip.errors import BadMessage, BadRequest
from plugins.pbx_sip.sip.framing import BODY_BYTES_MAX, HEAD_BYTES_MAX, Frame, KeepAlive, StreamFramer
from plugins.pbx_sip.sip.message import Request, Response

BYE = b"BYE sip:a@b SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 0\r\n\r\n"
INFO = b"INFO sip:a@b SIP/2.0\r\nCall-ID: 2\r\nl: 5\r\n\r\nab\r\n\r"
OK = b"SIP/2.0 200 OK\r\nCall-ID: 3\r\n\r\n"


def frames(*chunks: bytes) -> list[Frame]:
    framer = StreamFramer()
    return [frame for chunk in chunks for frame in framer.feed(chunk)]


def names(found: list[Frame]) -> list[str]:
    return [
        frame.name if isinstance(frame, KeepAlive) else frame.method if isinstance(frame, Request) else "response"
        for frame in found
    ]


def test_messages_are_cut_where_their_lengths_say() -> None:
    found = frames(BYE + INFO + OK + BYE)
    assert names(found) == ["BYE", "INFO", "response", "BYE"]
    assert isinstance(found[1], Request)
    assert found[1].body == b"ab\r\n\r"


def test_messages_may_come_byte_by_byte() -> None:
    assert names(frames(*(bytes([byte]) for byte in BYE + INFO + OK))) == ["BYE", "INFO", "response"]


def test_two_line_ends_are_a_ping_and_one_is_a_pong() -> None:
    assert frames(b"\r\n\r\n") == [KeepAlive.PING]
    assert frames(b"\r\n") == [KeepAlive.PONG]
    assert names(frames(b"\r\n\r\n" + BYE + b"\r\n\r\n")) == ["PING", "BYE", "PING"]
    assert frames(b"\r\n\r", b"\n") == [KeepAlive.PONG, KeepAlive.PING]
    assert names(frames(b"\r\n" * 5001)) == ["PING"]


def test_a_line_end_before_a_message_is_no_keep_alive() -> None:
    assert names(frames(b"\r\n" + BYE)) == ["BYE"]


def test_junk_before_a_message_is_passed_over() -> None:
    assert names(frames(b"half of something\r\nVia: x\r\n" + BYE)) == ["BYE"]
    assert names(frames(b"v=0\r\no=- 1 1 IN IP4 x\r\n\r\n\0\0" + BYE)) == ["BYE"]


@pytest.mark.parametrize("length", [b"Content-Length: -1", b"l: x", b"l: 4\r\nl: 5", b"Content-Type: application/sdp"])
def test_a_request_without_a_usable_length_is_refused_and_ends_the_stream(length: bytes) -> None:
    framer = StreamFramer()
    with pytest.raises(BadRequest) as refused:
        list(framer.feed(b"INVITE sip:a@b SIP/2.0\r\nCall-ID: 9\r\n" + length + b"\r\n\r\nv=0\r\n"))
    assert refused.value.status == 400
    assert refused.value.request.call_id == "9"
    with pytest.raises(BadMessage):
        list(StreamFramer().feed(b"SIP/2.0 200 OK\r\n" + length + b"\r\n\r\n"))


def test_what_came_before_an_error_is_not_lost() -> None:
    found = StreamFramer().feed(BYE + BYE.replace(b": 0", b": 0x"))
    assert names([next(found)]) == ["BYE"]
    with pytest.raises(BadRequest):
        next(found)


def test_sizes_are_bounded() -> None:
    large = f"BYE sip:a@b SIP/2.0\r\nContent-Length: {BODY_BYTES_MAX + 1}\r\n\r\n".encode()
    with pytest.raises(BadRequest, match="413"):
        frames(large)
    with pytest.raises(BadMessage):
        frames(large.replace(b"BYE sip:a@b SIP/2.0", b"SIP/2.0 200 OK"))
    with pytest.raises(BadMessage):
        frames(b"BYE sip:a@b SIP/2.0\r\n", b"X: y\r\n" * (HEAD_BYTES_MAX // 6))
    with pytest.raises(BadMessage):
        frames(*[b"junk\r\n" * 100 + b"\r\n"] * 120)


def test_many_lines_of_almost_sip_cost_no_time() -> None:
    block = b"A @ SIP/2.0\r\n" * (HEAD_BYTES_MAX // 14)
    assert names(frames(block + b"\r\n" + BYE)) == ["A", "BYE"]
    assert names(frames(block.replace(b"A", b"@") + b"\r\n" + BYE)) == ["BYE"]
    assert names(frames(block.replace(b"0\r", b"0\r\n x\r")[: HEAD_BYTES_MAX - 99] + b"\r\n\r\n" + BYE)) == ["BYE"]


@settings(max_examples=100)
@given(st.lists(st.sampled_from([BYE, INFO, OK, b"\r\n\r\n"]), max_size=5), st.lists(st.integers(1, 60), min_size=1))
def test_the_chunks_make_no_difference(messages: list[bytes], sizes: list[int]) -> None:
    data = b"".join(messages)
    chunks: list[bytes] = []
    place = 0
    while place < len(data):
        size = sizes[len(chunks) % len(sizes)]
        chunks.append(data[place : place + size])
        place += size
    whole = [frame for frame in frames(data) if not isinstance(frame, KeepAlive)]
    assert [frame for frame in frames(*chunks) if not isinstance(frame, KeepAlive)] == whole
    assert len(whole) == sum(message != b"\r\n\r\n" for message in messages)


@settings(max_examples=100)
@given(st.lists(st.one_of(st.binary(max_size=30), st.sampled_from([BYE[:30], BYE[30:], b"\r\n", b"l: 3\r\n\r\n"]))))
def test_whatever_bytes_come_they_are_frames_or_end_the_stream(chunks: list[bytes]) -> None:
    try:
        found = frames(*chunks)
    except (BadMessage, BadRequest):
        return
    assert all(isinstance(frame, Request | Response | KeepAlive) for frame in found)
