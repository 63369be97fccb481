"""Ogg with Opus, Vorbis or Speex: tags, and whether its last page says that the stream ends there.

Source: RFC 3533 (Ogg), RFC 7845 (Opus in Ogg), Xiph "Ogg Vorbis I format specification: comment field".
"""

import struct
from dataclasses import dataclass

from plugins.ipoffice.vrl.audio import Audio
from plugins.ipoffice.vrl.content import Content
from plugins.ipoffice.vrl.facts import Facts
from plugins.ipoffice.vrl.riff import decode

MAGIC = b"OggS"
PAGE_BYTES_MAX = 27 + 255 + 255 * 255
HEADER_BYTES_MAX = 512 * 1024
PAGES_MAX = 64
COMMENTS_MAX = 500
LAST_PAGE = 0x04
OPUS_RATE_HZ = 48_000


@dataclass(frozen=True, slots=True)
class Ogg:
    """What the first and the last page say; whole: the last page ends the stream and the file."""

    whole: bool
    audio: Audio | None
    comments: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """One page: flags, position in samples, stream number, its packets' bytes and where it ends."""

    flags: int
    granule: int
    serial: int
    lacing: bytes
    body: bytes
    end: int


def is_ogg(head: bytes) -> bool:
    """Whether a file that begins with `head` is Ogg."""
    return head[:4] == MAGIC


def read_ogg(content: Content) -> Ogg:
    """Read the header packets and the last page."""
    notes: list[str] = []
    packets = _header_packets(content)
    if not packets:
        return Ogg(whole=False, audio=None, comments=(), notes=("the first page is not whole",))
    last = _last_page(content)
    whole = last is not None and bool(last.flags & LAST_PAGE)
    if not whole:
        notes.append("the last page does not end the stream: cut off or unfinished")
    comments, vendor = _comments(packets[1] if len(packets) > 1 else b"", notes)
    if vendor:
        comments = (("vendor", vendor), *comments)
    return Ogg(whole, _audio(packets[0], last), comments, tuple(notes))


def add_ogg_facts(facts: Facts, ogg: Ogg) -> None:
    """Facts of the comment header."""
    for name, value in ogg.comments:
        if name.upper() == "METADATA_BLOCK_PICTURE":
            continue
        facts.add_text("ogg", name, value)


def _page(content: Content, offset: int) -> Page | None:
    head = content.read(offset, 27)
    if len(head) < 27 or head[:4] != MAGIC or head[4] != 0:
        return None
    flags, granule, serial, _sequence, _checksum, count = struct.unpack("<xBqIIIB", head[4:])
    lacing = content.read(offset + 27, count)
    body = content.read(offset + 27 + count, sum(lacing))
    if len(lacing) < count or len(body) < sum(lacing):
        return None
    return Page(flags, granule, serial, lacing, body, offset + 27 + count + len(body))


def _header_packets(content: Content) -> list[bytes]:
    """The first two packets of the first stream: identification and comments."""
    packets: list[bytes] = []
    packet = bytearray()
    serial = None
    offset = 0
    for _ in range(PAGES_MAX):
        page = _page(content, offset)
        if page is None:
            break
        offset = page.end
        serial = page.serial if serial is None else serial
        if page.serial != serial:
            continue
        start = 0
        for size in page.lacing:
            packet += page.body[start : start + size]
            start += size
            if size < 255:
                packets.append(bytes(packet))
                packet.clear()
            if len(packets) == 2 or len(packet) > HEADER_BYTES_MAX:
                return packets
    return packets


def _last_page(content: Content) -> Page | None:
    """The page that ends where the file ends, if there is one."""
    start = max(0, content.size - PAGE_BYTES_MAX)
    tail = content.read(start, PAGE_BYTES_MAX)
    at = len(tail)
    for _ in range(PAGES_MAX):
        at = tail.rfind(MAGIC, 0, at)
        page = _page(content, start + at) if at >= 0 else None
        if page is not None and page.end == content.size:
            return page
    return None


def _audio(head: bytes, last: Page | None) -> Audio | None:
    granule = last.granule if last is not None and last.granule > 0 else None
    if head[:8] == b"OpusHead" and len(head) >= 19:
        channels, skip, rate = struct.unpack("<BHI", head[9:16])
        seconds = max(0, granule - skip) / OPUS_RATE_HZ if granule is not None else None
        return Audio("Opus", channels, rate, 0, seconds)
    if head[:7] == b"\x01vorbis" and len(head) >= 28:
        channels, rate, _highest, nominal = struct.unpack("<BIii", head[11:24])
        return Audio("Vorbis", channels, rate, max(nominal, 0), granule / rate if granule and rate else None)
    if head[:8] == b"Speex   " and len(head) >= 52:
        rate, _mode, _version, channels = struct.unpack("<IIII", head[36:52])
        return Audio("Speex", channels, rate, 0, granule / rate if granule and rate else None)
    return None


def _comments(packet: bytes, notes: list[str]) -> tuple[tuple[tuple[str, str], ...], str]:
    """Comments and the vendor's name of a comment header."""
    for magic in (b"OpusTags", b"\x03vorbis", b""):
        if packet.startswith(magic):
            break
    data = packet[len(magic) :]
    if len(data) < 8:
        return (), ""
    (size,) = struct.unpack("<I", data[:4])
    vendor = data[4 : 4 + size]
    offset = 4 + size
    found: list[tuple[str, str]] = []
    count = int.from_bytes(data[offset : offset + 4], "little")
    offset += 4
    for _ in range(min(count, COMMENTS_MAX)):
        size = int.from_bytes(data[offset : offset + 4], "little")
        text = data[offset + 4 : offset + 4 + size]
        if len(text) < size or offset + 4 > len(data):
            notes.append("the comment header is cut off")
            break
        name, equals, value = decode(text).partition("=")
        if equals and name:
            found.append((name, value))
        offset += 4 + size
    if count > COMMENTS_MAX:
        notes.append(f"more than {COMMENTS_MAX} comments: the rest was not read")
    return tuple(found), decode(vendor)
