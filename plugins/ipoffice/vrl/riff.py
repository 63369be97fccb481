"""RIFF/WAVE: its chunks, whether it is whole, and the metadata in it.

Source: Microsoft "Multimedia Programming Interface and Data Specifications 1.0"; RF64: EBU Tech 3306; bext: EBU Tech
3285; iXML: the iXML specification 3.
"""

import struct
from dataclasses import dataclass

from plugins.ipoffice.vrl.audio import Audio, name_wave_codec
from plugins.ipoffice.vrl.content import Content
from plugins.ipoffice.vrl.facts import RAW_ONE_BYTES_MAX, Facts
from plugins.ipoffice.vrl.id3 import add_id3
from plugins.ipoffice.vrl.markup import Unreadable, add_xml

FORMS = (b"RIFF", b"RIFX", b"RF64", b"BW64")
CHUNKS_MAX = 500
UNKNOWN_SIZE = 0xFFFFFFFF
STRUCTURAL = {"fmt ", "data", "fact", "ds64", "PEAK", "JUNK", "junk", "PAD ", "FLLR", "filr", "slnt"}
EXTENSIBLE = 0xFFFE
G722_TAGS = {0x0065, 0x028F}


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk: its id as text, where its bytes start, how long it says it is."""

    id: str
    offset: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Riff:
    """The chunks of a file; whole: every byte that the sizes promise is there, and no other."""

    form: str
    kind: str
    chunks: tuple[Chunk, ...]
    whole: bool
    audio: Audio | None
    notes: tuple[str, ...]


def is_riff(head: bytes) -> bool:
    """Whether a file that begins with `head` is of the RIFF family."""
    return head[:4] in FORMS


def read_riff(content: Content) -> Riff:
    """Walk through the chunks without reading the audio; sizes that lie are noted, never believed."""
    head = content.read(0, 12).ljust(12, b"\0")
    order = ">" if head[:4] == b"RIFX" else "<"
    (declared,) = struct.unpack(order + "I", head[4:8])
    notes: list[str] = []
    chunks, end, data_size = _walk(content, order, notes)
    if declared == UNKNOWN_SIZE and head[:4] in {b"RF64", b"BW64"}:
        declared = data_size.get("riff", declared)
    whole = _is_whole(content.size, declared + 8, end, notes)
    kind = _text(head[8:12])
    return Riff(_text(head[:4]), kind, tuple(chunks), whole, _read_format(content, order, chunks), tuple(notes))


def _walk(content: Content, order: str, notes: list[str]) -> tuple[list[Chunk], int, dict[str, int]]:
    """Chunks, where the last one ends, and the 64-bit sizes of RF64."""
    chunks: list[Chunk] = []
    sizes: dict[str, int] = {}
    offset = 12
    while offset + 8 <= content.size and len(chunks) < CHUNKS_MAX:
        head = content.read(offset, 8)
        (size,) = struct.unpack(order + "I", head[4:])
        name = _text(head[:4])
        if name == "ds64":
            large = content.read(offset + 8, 16)
            if len(large) == 16:
                sizes["riff"], sizes["data"] = struct.unpack("<QQ", large)
        if name == "data" and size == UNKNOWN_SIZE:
            size = sizes.get("data", size)
        chunks.append(Chunk(name, offset + 8, size))
        if offset + 8 + size > content.size:
            notes.append(f"chunk {name!r} says {size} bytes, {content.size - offset - 8} are there")
        offset += 8 + size + (size & 1)
    if len(chunks) == CHUNKS_MAX:
        notes.append(f"more than {CHUNKS_MAX} chunks: the rest was not read")
    return chunks, offset, sizes


def _is_whole(size: int, declared: int, end: int, notes: list[str]) -> bool:
    if size < 12:
        notes.append(f"only {size} bytes")
    elif declared > size + 1:
        notes.append(f"the header says {declared} bytes, the file has {size}")
    elif declared < size - 1:
        notes.append(f"the header says {declared} bytes, the file has {size}: something follows, or it is unfinished")
    else:
        return end in {size, size + 1} and not notes
    return False


def _read_format(content: Content, order: str, chunks: list[Chunk]) -> Audio | None:
    place = next((chunk for chunk in chunks if chunk.id == "fmt "), None)
    raw = content.read(place.offset, 40) if place else b""
    if len(raw) < 16:
        return None
    tag, channels, rate, bytes_per_s, _align, bits = struct.unpack(order + "HHIIHH", raw[:16])
    if tag == EXTENSIBLE and len(raw) >= 26:
        (tag,) = struct.unpack(order + "H", raw[24:26])
    if tag in G722_TAGS:
        # Some writers state the rate of the decoded sound; G.722 is 64 kbit/s a channel.
        bytes_per_s = 8000 * max(1, channels)
    data = next((chunk for chunk in chunks if chunk.id == "data"), None)
    duration_s = None
    if data and bytes_per_s:
        duration_s = max(0, min(data.size_bytes, content.size - data.offset)) / bytes_per_s
    return Audio(name_wave_codec(tag, bits), channels, rate, bytes_per_s * 8, duration_s)


def add_riff_facts(facts: Facts, content: Content, riff: Riff) -> None:
    """Facts of all metadata chunks; what is not understood is kept raw."""
    for chunk in riff.chunks:
        if chunk.id in STRUCTURAL:
            continue
        data = content.read(chunk.offset, min(chunk.size_bytes, RAW_ONE_BYTES_MAX))
        if chunk.id == "LIST" and data[:4] == b"INFO":
            _add_info(facts, data, ">" if riff.form == "RIFX" else "<")
        elif chunk.id == "bext":
            _add_bext(facts, data)
        elif chunk.id in {"id3 ", "ID3 "}:
            add_id3(facts, "riff", data)
        else:
            _add_unknown(facts, chunk, data)


def _add_info(facts: Facts, data: bytes, order: str) -> None:
    offset = 4
    while offset + 8 <= len(data):
        (size,) = struct.unpack(order + "I", data[offset + 4 : offset + 8])
        text = data[offset + 8 : offset + 8 + size]
        facts.add_text("riff", f"INFO.{_text(data[offset : offset + 4]).strip()}", decode(text))
        offset += 8 + size + (size & 1)


def _add_bext(facts: Facts, data: bytes) -> None:
    fields = (("Description", 0, 256), ("Originator", 256, 288), ("OriginatorReference", 288, 320))
    for name, start, end in fields:
        facts.add_text("riff", f"bext.{name}", decode(data[start:end]))
    date, time = decode(data[320:330]), decode(data[330:338])
    if date.strip("\0 ") and time.strip("\0 "):
        # EBU Tech 3285 allows several separators here; ours are those of ISO 8601.
        facts.add("riff", "bext.OriginationTime", f"{date[:4]}-{date[5:7]}-{date[8:10]} {time.replace('-', ':')}")
    facts.add_text("riff", "bext.CodingHistory", decode(data[602:]))


def _add_unknown(facts: Facts, chunk: Chunk, data: bytes) -> None:
    name = chunk.id.strip()
    is_known = name == "iXML"
    start = data.lstrip(b"\0 \r\n\t\xef\xbb\xbf")[:1]
    if start == b"<":
        try:
            add_xml(facts, "riff", name if is_known else f"{name}.xml", data.lstrip(b"\xef\xbb\xbf"))
        except Unreadable as reason:
            facts.note(f"chunk {chunk.id!r}: {reason}")
            is_known = False
    elif is_text(data):
        facts.add_text("riff", name, decode(data))
    if not is_known:
        facts.keep_raw(f"riff:{name}", data, chunk.size_bytes)


def is_text(data: bytes) -> bool:
    """Whether `data` reads as a text of at least one character, with padding at its end."""
    body = data.rstrip(b"\0")
    return bool(body.strip()) and all(byte >= 0x20 or byte in b"\r\n\t" for byte in body) and decode(body).isprintable()


def decode(data: bytes) -> str:
    """Text of a tag: UTF-8 if it is, else Windows-1252, which is what the tools of the trade write."""
    data = data.split(b"\0", 1)[0] if b"\0" in data else data
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _text(data: bytes) -> str:
    """A chunk id as text that can be shown."""
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}" for byte in data)
