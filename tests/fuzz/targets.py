"""What is fuzzed: functions of bytes that read them as the hub does, and let only those errors pass that are told of.

`python -m tests.fuzz.targets TARGET FILE` reads one input again, without the fuzzer.
"""

import io
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from math import ceil
from pathlib import Path

import numpy as np

from plugins.pbx_sip.packets.datagrams import Endpoints
from plugins.pbx_sip.packets.decoder import Decoder
from plugins.pbx_sip.packets.files import CaptureFile
from plugins.pbx_sip.packets.records import BadCapture
from plugins.pbx_sip.reading import Reading, advise
from plugins.pbx_sip.recorder.offers import check_accept, read_description, read_offer, refuse_lines
from plugins.pbx_sip.rtp.events import find_keys
from plugins.pbx_sip.rtp.packets import HEADER_BYTES, read_rtp
from plugins.pbx_sip.rtp.redundancy import unwrap
from plugins.pbx_sip.rtp.rtcp import is_rtcp, read_rtcp
from plugins.pbx_sip.rtp.runs import find_runs
from plugins.pbx_sip.sdp.answer import Place, answer_offer, can_record
from plugins.pbx_sip.sdp.description import Description, Origin
from plugins.pbx_sip.sdp.errors import BadDescription
from plugins.pbx_sip.sdp.reader import parse_description
from plugins.pbx_sip.sdp.writer import render_description
from plugins.pbx_sip.settings import SipCaptureSettings
from plugins.pbx_sip.sip.digest import DigestServer, find_unsupported
from plugins.pbx_sip.sip.errors import BadMessage, BadRequest, BadValue, SipError
from plugins.pbx_sip.sip.fields import parse_reason, parse_session_expires, parse_user_to_user
from plugins.pbx_sip.sip.framing import StreamFramer
from plugins.pbx_sip.sip.message import Message, Request, Response, read_message, write_message
from plugins.pbx_sip.sip.responses import build_response
from plugins.pbx_sip.sip.session_timer import agree_on_request, agree_on_response
from plugins.pbx_sip.sip.validity import check_request, check_response
from plugins.pbx_sip.siprec.contents import read_contents
from plugins.pbx_sip.siprec.markup import BadMetadata
from plugins.pbx_sip.siprec.multipart import BadMultipart
from plugins.pbx_sip.siprec.reader import read_metadata
from plugins.pbx_sip.siprec.session import RecordingSession

CPU_SECONDS_MAX = 5
"""No input of a few kilobytes may take longer."""

_NOW = datetime(2026, 1, 2, tzinfo=UTC)
_DOOR = DigestServer("hub", {"user": "secret"}.get)
_SETTINGS = SipCaptureSettings(folder=Path("/nowhere"))
_FIELDS: tuple[Callable[[Message], object], ...] = (
    lambda message: message.call_id,
    lambda message: (str(message.sender), str(message.to)),
    lambda message: str(message.cseq),
    lambda message: str(message.via),
    lambda message: str(message.contact),
    lambda message: str(message.content_type),
    lambda message: message.addresses("P-Asserted-Identity"),
    lambda message: message.addresses("Diversion"),
    lambda message: message.tokens("Require"),
    lambda message: message.number("Max-Forwards"),
    lambda message: [parse_reason(each) for each in message.headers.items("Reason")],
    lambda message: [parse_user_to_user(each) for each in message.headers.items("User-to-User")],
    lambda message: parse_session_expires(message.headers.get("Session-Expires") or "90"),
)


def read_sip(data: bytes) -> None:
    """A datagram: the message, its fields one by one, whether it can be served, and what is answered."""
    try:
        message = read_message(data)
    except BadMessage:
        return
    _look_at(message)
    again = read_message(write_message(message))
    assert again.headers.without("Content-Length") == message.headers.without("Content-Length")
    assert again.body == message.body


def _look_at(message: Request | Response) -> None:
    for field in _FIELDS:
        with suppress(BadValue):
            field(message)
    read_description(message)
    if isinstance(message, Response):
        with suppress(BadMessage):
            check_response(message)
            agree_on_response(message)
        return
    try:
        check_request(message, {"timer", "siprec"})
        find_unsupported(message)
        with suppress(BadRequest):
            _DOOR.authenticate(message)
        agree_on_request(message)
        check_accept(message)
        offer = read_offer(message)
        refused = refuse_lines(offer, message) if offer else None
        if refused:
            raise refused
    except BadRequest as error:
        write_message(build_response(error.request, error.status, error.reason, headers=error.headers))


def read_stream(data: bytes) -> None:
    """A connection: the same messages, however it cuts them; the first byte says how."""
    size, data = 1 + data[0] % 64 if data else 1, data[1:]
    whole = _frames([data])
    assert _frames([data[at : at + size] for at in range(0, len(data), size)]) == whole
    for message in whole:
        _look_at(message)


def _frames(chunks: list[bytes]) -> list[Request | Response]:
    framer = StreamFramer()
    found: list[Request | Response] = []
    with suppress(SipError):
        for chunk in chunks:
            found.extend(frame for frame in framer.feed(chunk) if isinstance(frame, Request | Response))
    return found


def read_sdp(data: bytes) -> None:
    """A description, the answer to it, and what the answer says to its reader."""
    try:
        offer = parse_description(data)
    except BadDescription:
        return
    with suppress(BadDescription):
        render_description(offer)
    places = {
        index: Place(address="192.0.2.1", port=20000 + 2 * index, material=bytes(46))
        for index, media in enumerate(offer.media)
        if can_record(media)
    }
    answer = answer_offer(offer, places, origin=Origin(address="192.0.2.1"))
    said = parse_description(render_description(answer))
    assert _lines(said) == _lines(answer)
    assert len(said.media) == len(offer.media)


def _lines(description: Description) -> list[tuple[str, int]]:
    return [(media.kind, media.port) for media in description.media]


def read_recording_metadata(data: bytes) -> None:
    """Metadata alone, then as all that a session is told, twice."""
    with suppress(BadMetadata):
        read_metadata(data)
    _record(data, data)


def read_bodies(data: bytes) -> None:
    """The body of a message, whose Content-Type is the first line."""
    kind, _, body = data.partition(b"\n")
    try:
        contents = read_contents(body, kind.decode("utf-8", "surrogateescape").strip())
    except BadMultipart:
        return
    with suppress(BadDescription):
        parse_description(contents.sdp or b"")
    _record(contents.metadata)


def _record(*updates: bytes | None) -> None:
    session = RecordingSession()
    for metadata in updates:
        session.update(metadata, received_at=_NOW, lines={0: "1", 1: "2"}, headers={"from": ("<sip:201@pbx>",)})
    session.describe()


def read_media(data: bytes) -> None:
    """Datagrams behind their lengths, of two bytes each: as RTP, as redundant packets, keys and runs, and as RTCP."""
    datagrams = list(_cut(data))
    for datagram in datagrams:
        if is_rtcp(datagram):
            read_rtcp(datagram)
    buffer = np.frombuffer(b"".join(datagrams) or bytes(HEADER_BYTES), np.uint8)
    length = np.array([len(each) for each in datagrams], np.int32)
    offset = np.cumsum(length, dtype=np.int64) - length
    time_ns = 10**18 + 20_000_000 * np.arange(len(datagrams), dtype=np.int64)
    packets, is_rtp = read_rtp(buffer, time_ns, offset, length)
    assert int(is_rtp.sum()) == len(packets)
    for each in (packets, unwrap(packets, 8000)):
        assert ((each.offset >= each.start) & (each.length >= 0)).all()
        assert (each.offset + each.length <= len(each.buffer)).all()
        assert len(each.compact()) == len(each)
        find_keys(each, 8000, 10**18, 0.02)
        if len(each):
            find_runs(each, 8000, 10**18)


def _cut(data: bytes) -> Iterator[bytes]:
    at = 0
    while at + 2 <= len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big") % 1500
        yield data[at + 2 : end]
        at = end


def read_capture(data: bytes) -> None:
    """The packets of a capture, and what the decoder finds in them; each lies within what was read."""
    decoder = Decoder(Endpoints())
    with suppress(BadCapture):
        for block in CaptureFile(io.BytesIO(data)):
            assert ((block.offset >= 0) & (block.length >= 0)).all()
            assert (block.offset + block.length <= len(block.buffer)).all()
            for part in decoder.decode(block).datagrams:
                assert (part.offset + part.length <= len(part.buffer)).all()


def read_calls(data: bytes) -> None:
    """The calls of a capture, as it is imported: none fails to be put together."""
    reading = Reading(_SETTINGS)
    calls = [call for some in reading.steps(CaptureFile(io.BytesIO(data))) for call in some]
    advise(reading.note)
    assert [call.failure for call in [*calls, *reading.rest()] if call.failure] == []


TARGETS: dict[str, Callable[[bytes], None]] = {
    "sip": read_sip,
    "stream": read_stream,
    "sdp": read_sdp,
    "metadata": read_recording_metadata,
    "bodies": read_bodies,
    "media": read_media,
    "capture": read_capture,
    "calls": read_calls,
}


def _crash(data: bytes) -> None:
    if data[:1] == b"n" and data[1:2] == b"o":
        raise RuntimeError("planted")


def _stall(data: bytes) -> None:
    while data[:1] == b"n":
        pass


PLANTED: dict[str, Callable[[bytes], None]] = {"planted-crash": _crash, "planted-stall": _stall}
"""Faulty ones, to see that the fuzzer sees."""


def main() -> None:
    """Read one input, which has some seconds of processor time for it."""
    name, path = sys.argv[1:]
    data = Path(path).read_bytes()
    signal.signal(signal.SIGXCPU, _give_up)
    resource.setrlimit(resource.RLIMIT_CPU, (ceil(time.process_time() + CPU_SECONDS_MAX), resource.RLIM_INFINITY))
    (TARGETS | PLANTED)[name](data)


def _give_up(*_: object) -> None:
    raise TimeoutError(f"it takes more than {CPU_SECONDS_MAX} s of processor time")


if __name__ == "__main__":
    main()
