"""Capture files with calls in them, as a sniffer beside a telephone system would write them."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from struct import pack

from tests.doubles.rtp_stream import BEGAN_NS, Sender, cut

PBX = "192.0.2.1"


@dataclass(frozen=True, kw_only=True)
class WireCall:
    """One call between two phones through a PBX; said and heard: mu-law of caller and called, 160 octets a packet."""

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


def frames_of(call: WireCall) -> list[tuple[int, bytes]]:
    """(time in ns, Ethernet frame) of all that the call sends."""
    caller_host, called_host = call.caller_host, call.called_host
    frames = []

    def signal(at_s: float, sender: str, target: str, text: str) -> None:
        frames.append((round(at_s * 1e9), _udp(sender, 5060, target, 5060, text.encode())))

    signal(0, caller_host, PBX, _message(call, "INVITE", _sdp(caller_host, call.port)))
    signal(0.05, PBX, caller_host, _response(call, "180 Ringing"))
    signal(0.2, PBX, caller_host, _response(call, "200 OK", _sdp(called_host, call.port)))
    signal(0.21, caller_host, PBX, _message(call, "ACK"))
    for sound, ssrc, sender, target in (
        (call.said, 1, caller_host, called_host),
        (call.heard, 2, called_host, caller_host),
    ):
        stream = Sender(ssrc=ssrc + 10 * call.port, at_s=0.25).send(cut(sound))
        frames += [(at_ns, _udp(sender, call.port, target, call.port, packet)) for at_ns, packet in stream.sent]
    if call.hangs_up:
        end_s = 0.3 + max(len(call.said), len(call.heard)) / 8000
        signal(end_s, caller_host, PBX, _message(call, "BYE"))
        signal(end_s + 0.01, PBX, caller_host, _response(call, "200 OK", method="BYE"))
    return [(call.began_ns + at_ns, frame) for at_ns, frame in frames]


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


def _udp(sender: str, sender_port: int, target: str, target_port: int, payload: bytes) -> bytes:
    udp = pack(">HHHH", sender_port, target_port, 8 + len(payload), 0) + payload
    addresses = ip_address(sender).packed + ip_address(target).packed
    ip = pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + addresses
    return b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0" + ip + udp


def _sdp(host: str, port: int) -> str:
    return f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"


def _message(call: WireCall, method: str, body: str = "") -> str:
    tag = "" if method == "INVITE" else ";tag=b"
    number = 2 if method == "BYE" else 1
    return _assemble(call, f"{method} sip:{call.called}@{PBX} SIP/2.0", tag, f"{number} {method}", body)


def _response(call: WireCall, status: str, body: str = "", method: str = "INVITE") -> str:
    return _assemble(call, f"SIP/2.0 {status}", ";tag=b", f"{2 if method == 'BYE' else 1} {method}", body)


def _assemble(call: WireCall, start: str, tag: str, cseq: str, body: str) -> str:
    lines = [
        start,
        f"Via: SIP/2.0/UDP 192.0.2.11;branch=z9hG4bK{cseq.replace(' ', '')}",
        f'From: "{call.name}" <sip:{call.caller}@{PBX}>;tag=a',
        f"To: <sip:{call.called}@{PBX}>{tag}",
        f"Call-ID: {call.call_id}",
        f"CSeq: {cseq}",
        *call.headers.splitlines(),
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines) + "\r\n\r\n" + body
