"""What the fuzzer begins with: small inputs of every kind, and words that it would be long in finding."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from struct import pack

from tests.doubles.capture_file import WireCall, frames_of, pcap_with, sdp_of
from tests.doubles.recording_client import METADATA
from tests.doubles.rtp_stream import Sender
from tests.doubles.shared_data import FOLDER
from tests.unit.plugins.pbx_sip.packets import frames as f
from tests.unit.plugins.pbx_sip.sip import torture

_CAPTURE_BYTES = 6000
_SDP = sdp_of("192.0.2.11", 20000).encode()
_SRTP = (
    _SDP.replace(b"RTP/AVP 0", b"RTP/SAVP 0 96 101")
    + b"a=rtpmap:96 opus/48000/2\r\na=fmtp:101 0-16\r\na=rtpmap:101 telephone-event/8000\r\na=label:1\r\na=sendonly\r\n"
    + b"a=rtcp:20001 IN IP4 192.0.2.11\r\na=rtcp-mux\r\na=ptime:20\r\n"
    + b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + b"A" * 40 + b"|2^20|1:4\r\n"
)  # fmt: skip
_METADATA = METADATA.format(call_id="c1", one="201", other="305").encode()

WORDS: dict[str, tuple[str, ...]] = {
    "sip": (
        "INVITE ", "BYE ", "REGISTER ", "SIP/2.0", "SIP/2.0 200 OK", "\r\n", "\r\n ", "\r\n\r\n", "Via: ", "From: ", "To: ",
        "Call-ID: ", "CSeq: ", "Contact: ", "Content-Length: ", "Content-Type: ", "Authorization: Digest ", "Require: ",
        "Session-Expires: ", "Min-SE: ", "Reason: ", "User-to-User: ", "P-Asserted-Identity: ", "Diversion: ", "Accept: ",
        "<sip:", "sips:", "tel:", ";tag=", ";branch=z9hG4bK", ";lr", "[::1]", "%00", '"', "\\", "application/sdp", "l: ",
    ),
    "sdp": (
        "v=0", "m=audio ", "m=video ", "RTP/AVP ", "RTP/SAVP ", "UDP/TLS/RTP/SAVP ", "c=IN IP4 ", "c=IN IP6 ", "a=rtpmap:",
        "a=fmtp:", "a=crypto:", "a=acap:1 crypto:", "inline:", "a=label:", "a=rtcp:", "a=rtcp-mux", "a=ptime:", "a=inactive",
        "a=fingerprint:", "opus/48000/2", "telephone-event/8000", "AEAD_AES_256_GCM", "|2^", "\r\n",
    ),
    "metadata": (
        "<recording>", "</recording>", "<participant ", "<session ", "<stream ", "<nameID ", "<send>", "<extensiondata>",
        "<associate-time>", "2026-01-02T03:04:05Z", "<!DOCTYPE ", "<!ENTITY ", "<![CDATA[", "]]>", "<?xml ", "encoding=",
        "UTF-16", "&amp;", "&#0;", "xmlns:a=", "<ac:", "participant_id=", "<datamode>partial</datamode>", "<ucid>",
    ),
    "bodies": (
        "multipart/mixed;boundary=", "Content-Type: ", "Content-Disposition: recording-session", "application/sdp",
        "Content-Transfer-Encoding: base64", "quoted-printable", "application/rs-metadata+xml", "\r\n--", "--\r\n", "v=0",
    ),
    "media": (
        "\x80\x00", "\x80\xc8", "\x80\xc9", "\x81\xca", "\x81\xcb", "\x80\xcf", "\x80\x79", "\x90\x00", "\xa0\x00", "\xbe\xde",
    ),
    "capture": (
        "\xd4\xc3\xb2\xa1", "\xa1\xb2\xc3\xd4", "\x4d\x3c\xb2\xa1", "\x0a\x0d\x0d\x0a", "\x1a\x2b\x3c\x4d", "\x1f\x8b\x08",
        "\x08\x00\x45", "\x81\x00", "\x86\xdd", "\x88\x64", "\x88\xbe", "\x65\x58", "\x12\xb5", "\x17\xc1", "\x20\x00", "\x3f\xff",
    ),
}  # fmt: skip
WORDS |= {"stream": WORDS["sip"], "calls": WORDS["capture"] + WORDS["sip"] + WORDS["sdp"]}


def make_seeds(name: str) -> Iterator[bytes]:
    """The inputs that the fuzzer of a target begins with."""
    yield from _MAKERS.get(name, lambda: iter([b"seed"]))()


def write_words(name: str, path: Path) -> Path | None:
    """The words of a target in the form that libFuzzer reads; None if it has none, for an empty file is an error."""
    lines = ("".join(f"\\x{ord(sign):02x}" for sign in word) for word in WORDS.get(name, ()))
    text = "".join(f'"{line}"\n' for line in lines)
    return path if text and path.write_text(text) else None


def _shared(pattern: str) -> Iterator[bytes]:
    """What others made, where it is there."""
    for path in sorted(FOLDER.glob(pattern)):
        yield path.read_bytes()


def _messages() -> Iterator[bytes]:
    for messages in (torture.VALID, torture.FORGIVEN, torture.INVALID, torture.DROPPED):
        for made in messages.values():
            yield from (each for each in (made if isinstance(made, tuple) else (made,)) if isinstance(each, bytes))
    yield from _shared("siprec/*.msg")


def _streams() -> Iterator[bytes]:
    messages = list(_messages())
    for place, pair in enumerate(pairwise(messages)):
        yield bytes([place % 64]) + b"\r\n\r\n".join(pair)


def _descriptions() -> Iterator[bytes]:
    yield from (_SDP, _SRTP)
    for message in _shared("siprec/*.msg"):
        if (at := message.find(b"v=0")) >= 0:
            yield message[at : at + 1500]


def _documents() -> Iterator[bytes]:
    yield _METADATA
    for message in _shared("siprec/*.msg"):
        begins, ends = message.find(b"<recording"), message.rfind(b">")
        if 0 <= begins < ends:
            yield message[begins : ends + 1]


def _bodies() -> Iterator[bytes]:
    parts = ((b"application/sdp", _SRTP), (b"application/rs-metadata+xml", _METADATA))
    body = b"".join(b"--x\r\nContent-Type: " + kind + b"\r\n\r\n" + part + b"\r\n" for kind, part in parts)
    yield b"multipart/mixed;boundary=x\r\n" + body + b"--x--\r\n"
    yield b"application/sdp\r\n" + _SDP
    for message in _shared("siprec/*.msg"):
        head, _, body = message.partition(b"\r\n\r\n")
        kinds = [line[13:] for line in head.split(b"\r\n") if line.lower().startswith(b"content-type:")]
        yield from (kind + b"\r\n" + body for kind in kinds)


def _datagrams() -> Iterator[bytes]:
    sound = Sender().send([b"\x7f" * 40] * 4).pause(1.0).send([b"\x7f" * 40] * 2)
    keys = Sender(payload_type=101).send([pack(">BBH", 5, 10, 160 * turn) for turn in range(4)])
    head = pack(">I", 0x80000000 | 160 << 10 | 20)
    redundant = Sender(payload_type=121).send([head + b"\0" + bytes(20) + b"\1" * 20] * 3)
    for sender in (sound, keys, redundant):
        yield _behind_lengths(packet for _, packet in sender.sent)
    block = pack(">IIIIII", 7, 64 << 24 | 0xFFFFFE, 1000, 80, 0xAABBCCDD, 65536 * 2)
    report = pack(">BBHIQIII", 0x81, 200, 12, 5, 1 << 40, 1600, 10, 1600) + block
    names = pack(">BBHI", 0x81, 202, 3, 5) + b"\x01\x05a@b.c\0"
    extended = pack(">BBHI", 0x80, 207, 10, 9) + pack(">BBHI", 7, 0, 8, 7) + bytes(28)
    yield _behind_lengths([report + names + pack(">BBHI", 0x81, 203, 1, 5), extended])
    extension = pack(">BBHII", 0xB2, 0, 1, 1, 1) + bytes(8) + pack(">HH", 0xBEDE, 1) + bytes(8) + b"\2\2"
    yield _behind_lengths([extension] * 2)


def _behind_lengths(datagrams: Iterator[bytes] | list[bytes]) -> bytes:
    return b"".join(len(each).to_bytes(2, "big") + each for each in datagrams)


def _captures() -> Iterator[bytes]:
    plain = f.ethernet(f.ipv4(f.udp()))
    ways = (
        plain,
        f.ethernet(f.vlan(f.ipv4(f.udp())), 0x8100),
        f.ethernet(f.mpls(f.ipv4(f.udp())), 0x8847),
        f.ethernet(f.pppoe(f.ipv4(f.udp())), 0x8864),
        f.ethernet(f.ipv4(f.gre(plain, 0x6558), 47)),
        f.ethernet(f.ipv4(f.erspan2(plain), 47)),
        f.ethernet(f.ipv4(f.erspan3(plain, more=True), 47)),
        f.ethernet(f.ipv4(f.vxlan(plain))),
        f.ethernet(f.ipv4(f.geneve(plain))),
        f.ethernet(f.ipv6(f.udp()), 0x86DD),
        f.ethernet(f.ipv4(f.tcp(b"BYE sip:a SIP/2.0\r\n\r\n"), 6)),
    )
    datagram = f.udp(b"0123456789" * 4)
    pieces = (
        f.ethernet(f.ipv4(datagram[:24], fragment=0x2000)),
        f.ethernet(f.ipv4(datagram[24:], fragment=3)),
        f.ethernet(f.ipv6(f.fragment6(datagram[:24], 0, more=True), 44), 0x86DD),
        f.ethernet(f.ipv6(f.fragment6(datagram[24:], 24, more=False), 44), 0x86DD),
    )
    yield from (f.pcap(way) for way in ways)
    yield f.pcap(*pieces)
    yield f.pcap(*ways, *pieces, order=">", magic=0xA1B23C4D)
    yield f.pcap(f.cooked(f.ipv4(f.udp())), link_type=113)
    yield f.pcap(f.cooked_v2(f.ipv4(f.udp())), link_type=276)
    yield f.pcap(f.ipv4(f.udp()), link_type=101)
    head = f.ng_section() + f.ng_interface(options=f.ng_option(9, b"\x09") + f.ng_option(0, b""))
    yield head + f.ng_packet(plain, 1) + f.ng_simple(plain, 60) + f.ng_obsolete(plain, 3) + f.ng_secrets(b"keys")
    yield f.pcap(plain) + head + f.ng_packet(plain, 5)
    for path in sorted(FOLDER.glob("pcaps/*.*cap*")):
        with path.open("rb") as capture:
            yield capture.read(_CAPTURE_BYTES)


def _calls() -> Iterator[bytes]:
    yield _short(WireCall(call_id="c1@pbx", said=b"\x7f" * 320, heard=b"\x80" * 320))
    yield _short(WireCall(call_id="c2@pbx", said=b"\x7f" * 160, hangs_up=False))
    yield from _captures()


def _short(call: WireCall) -> bytes:
    return pcap_with(sorted(frames_of(call), key=lambda frame: frame[0])[:12])


_MAKERS = {
    "sip": _messages,
    "stream": _streams,
    "sdp": _descriptions,
    "metadata": _documents,
    "bodies": _bodies,
    "media": _datagrams,
    "capture": _captures,
    "calls": _calls,
}
