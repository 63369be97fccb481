"""Capture files with calls in them, as a sniffer beside a telephone system would write them."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from struct import pack

from tests.doubles.rtp_stream import BEGAN_NS, Sender, cut

PBX = "192.0.2.1"
VIDEO = "m=video {port} RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n"


@dataclass(frozen=True, kw_only=True)
class WireCall:
    """One call between two phones through a PBX; said and heard: mu-law of caller and called, 160 octets a packet.

    tags: of caller and called.
    """

    call_id: str
    caller: str = "201"
    called: str = "+493012345678"
    name: str = "Ana Müller"
    port: int = 20000
    caller_host: str = "192.0.2.11"
    called_host: str = "192.0.2.12"
    said: bytes = b"\xff" * 800
    heard: bytes = b"\xff" * 800
    began_ns: int = BEGAN_NS
    headers: str = ""
    hangs_up: bool = True
    has_video: bool = False
    tags: tuple[str, str] = ("a", "b")


def frames_of(call: WireCall) -> list[tuple[int, bytes]]:
    """(time in ns, Ethernet frame) of all that the call sends."""
    caller_host, called_host = call.caller_host, call.called_host
    frames = []

    def signal(at_s: float, sender: str, target: str, text: str) -> None:
        frames.append((round(at_s * 1e9), udp(sender, 5060, target, 5060, text.encode())))

    video = VIDEO.format(port=call.port + 2) if call.has_video else ""
    signal(0, caller_host, PBX, _message(call, "INVITE", sdp_of(caller_host, call.port) + video))
    signal(0.05, PBX, caller_host, _response(call, "180 Ringing"))
    signal(0.2, PBX, caller_host, _response(call, "200 OK", sdp_of(called_host, call.port) + video))
    signal(0.21, caller_host, PBX, _message(call, "ACK"))
    for sound, ssrc, sender, target in (
        (call.said, 1, caller_host, called_host),
        (call.heard, 2, called_host, caller_host),
    ):
        stream = Sender(ssrc=ssrc + 10 * call.port, at_s=0.25).send(cut(sound))
        frames += [(at_ns, udp(sender, call.port, target, call.port, packet)) for at_ns, packet in stream.sent]
    if call.has_video:
        pictures = Sender(ssrc=3 + 10 * call.port, payload_type=97, clock_hz=90_000, at_s=0.25).send([bytes(900)] * 50)
        ports = (call.port + 2,) * 2
        frames += [(at_ns, udp(caller_host, ports[0], called_host, ports[1], each)) for at_ns, each in pictures.sent]
    if call.hangs_up:
        end_s = 0.3 + max(len(call.said), len(call.heard)) / 8000
        signal(end_s, caller_host, PBX, _message(call, "BYE"))
        signal(end_s + 0.01, PBX, caller_host, _response(call, "200 OK", method="BYE"))
    return [(call.began_ns + at_ns, frame) for at_ns, frame in frames]


def request_in(
    call: WireCall,
    at_s: float,
    method: str,
    *,
    number: int = 3,
    headers: str = "",
    body: str = "",
    content_type: str = "application/sdp",
    by_called: bool = False,
) -> tuple[int, bytes]:
    """A request within the dialog of a call, as a frame at its time; number: of its CSeq."""
    ends = (PBX, call.caller_host) if by_called else (call.caller_host, PBX)
    start = f"{method} sip:{call.caller if by_called else call.called}@{ends[1]} SIP/2.0"
    text = _assemble(call, start, ";tag=b", f"{number} {method}", body, headers, content_type, by_called=by_called)
    return call.began_ns + round(at_s * 1e9), udp(ends[0], 5060, ends[1], 5060, text.encode())


def agreed_in(call: WireCall, at_s: float, *, body: str, by_called: bool = False) -> list[tuple[int, bytes]]:
    """A re-INVITE and the 200 that agrees with the same description but for its address, a moment later."""
    asked = request_in(call, at_s, "INVITE", body=body, by_called=by_called)
    asks, answers = (PBX, call.caller_host) if by_called else (call.caller_host, PBX)
    mine, other = (call.called_host, call.caller_host) if by_called else (call.caller_host, call.called_host)
    agreed = body.replace(mine, other)
    text = _assemble(call, "SIP/2.0 200 OK", ";tag=b", "3 INVITE", agreed, "", "application/sdp", by_called=by_called)
    return [asked, (asked[0] + 50_000_000, udp(answers, 5060, asks, 5060, text.encode()))]


def pcap_of(*calls: WireCall) -> bytes:
    """A capture in which the calls take place."""
    return pcap_with(sorted((frame for call in calls for frame in frames_of(call)), key=lambda frame: frame[0]))


def pcap_with(frames: Sequence[tuple[int, bytes]]) -> bytes:
    """A capture of (time in ns, Ethernet frame)."""
    content = [pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)]
    for at_ns, frame in frames:
        content += [pack("<IIII", at_ns // 10**9, at_ns % 10**9, len(frame), len(frame)), frame]
    return b"".join(content)


def write_capture(path: Path, *calls: WireCall) -> Path:
    """Put a capture where it is looked for, whole at once."""
    return _put(path, pcap_of(*calls))


def write_frames(path: Path, frames: Sequence[tuple[int, bytes]]) -> Path:
    """Put a capture of frames, in time, where it is looked for, whole at once."""
    return _put(path, pcap_with(frames))


def _put(path: Path, content: bytes) -> Path:
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.rename(path)
    return path


def udp(sender: str, sender_port: int, target: str, target_port: int, payload: bytes) -> bytes:
    """A UDP datagram in an Ethernet frame."""
    udp = pack(">HHHH", sender_port, target_port, 8 + len(payload), 0) + payload
    addresses = ip_address(sender).packed + ip_address(target).packed
    ip = pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + addresses
    return b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0" + ip + udp


def sdp_of(host: str, port: int) -> str:
    """A description of one audio stream."""
    return f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"


def _message(call: WireCall, method: str, body: str = "") -> str:
    tag = "" if method == "INVITE" else f";tag={call.tags[1]}"
    number = 2 if method == "BYE" else 1
    return _assemble(call, f"{method} sip:{call.called}@{PBX} SIP/2.0", tag, f"{number} {method}", body)


def _response(call: WireCall, status: str, body: str = "", method: str = "INVITE") -> str:
    return _assemble(call, f"SIP/2.0 {status}", f";tag={call.tags[1]}", f"{2 if method == 'BYE' else 1} {method}", body)


def _assemble(  # noqa: PLR0917 - one field, one argument
    call: WireCall,
    start: str,
    tag: str,
    cseq: str,
    body: str,
    headers: str = "",
    content_type: str = "application/sdp",
    *,
    by_called: bool = False,
) -> str:
    ends = [f'"{call.name}" <sip:{call.caller}@{PBX}>;tag={call.tags[0]}', f"<sip:{call.called}@{PBX}>{tag}"]
    sender, target = reversed(ends) if by_called else ends
    lines = [
        start,
        f"Via: SIP/2.0/UDP {call.caller_host};branch=z9hG4bK{cseq.replace(' ', '')}",
        f"From: {sender}",
        f"To: {target}",
        f"Call-ID: {call.call_id}",
        f"CSeq: {cseq}",
        *call.headers.splitlines(),
        *headers.splitlines(),
        *([f"Content-Type: {content_type}"] if body else []),
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines) + "\r\n\r\n" + body
