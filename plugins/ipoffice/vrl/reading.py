"""All that one file says about itself: container, sound, whether it is whole, facts, and what could not be read."""

import math
from collections import Counter
from dataclasses import dataclass, field

from plugins.ipoffice.vrl.audio import Audio
from plugins.ipoffice.vrl.content import Content
from plugins.ipoffice.vrl.facts import Facts
from plugins.ipoffice.vrl.id3 import add_id3, unsync
from plugins.ipoffice.vrl.ogg import add_ogg_facts, is_ogg, read_ogg
from plugins.ipoffice.vrl.riff import Chunk, add_riff_facts, is_riff, read_riff

PARSE_ERROR = "FILE_PARSE_ERROR"
HEAD_BYTES = 4096
RANDOM_BITS = 7.6
OTHER_CONTAINERS = (
    (0, b"fLaC", "FLAC"),
    (0, b"#!AMR", "AMR"),
    (0, b".snd", "Sun audio"),
    (0, b"caff", "Core Audio"),
    (0, b"\x1aE\xdf\xa3", "Matroska"),
    (4, b"ftyp", "MPEG-4"),
)


@dataclass(slots=True)
class Reading:
    """What a file holds; whole: None where its container does not tell."""

    container: str
    size_bytes: int
    audio: Audio | None = None
    whole: bool | None = None
    chunks: tuple[Chunk, ...] = ()
    facts: Facts = field(default_factory=Facts)
    problem: tuple[str, str] | None = None


def read_content(content: Content) -> Reading:
    """Read `content`, however hostile; what is not understood becomes the reading's problem."""
    head = content.read(0, HEAD_BYTES)
    if is_riff(head):
        reading = _read_riff(content)
    elif is_ogg(head):
        reading = _read_ogg(content)
    elif head[:3] == b"ID3" or _is_mp3(head):
        reading = Reading("MP3", content.size, Audio("MP3"))
        if head[:3] == b"ID3":
            add_id3(reading.facts, "id3", content.read(0, min(content.size, 10 + unsync(head[6:10]), 256 * 1024)))
    else:
        name = next((name for at, magic, name in OTHER_CONTAINERS if head[at : at + len(magic)] == magic), "")
        reading = Reading(name or "unknown", content.size)
        if not name:
            reading.problem = (PARSE_ERROR, _describe_unknown(head))
    return reading


def is_whole(content: Content) -> bool | None:
    """Whether the container says that all of it is there; None where it does not tell."""
    head = content.read(0, 12)
    if is_riff(head):
        return read_riff(content).whole
    if is_ogg(head):
        return read_ogg(content).whole
    return None


def _read_riff(content: Content) -> Reading:
    riff = read_riff(content)
    reading = Reading(f"{riff.form}/{riff.kind}", content.size, riff.audio, riff.whole, riff.chunks)
    add_riff_facts(reading.facts, content, riff)
    for note in riff.notes:
        reading.facts.note(note)
    if riff.kind != "WAVE":
        reading.problem = (PARSE_ERROR, f"A {riff.form} file of the kind {riff.kind!r}, not WAVE.")
    elif riff.audio is None:
        reading.problem = (PARSE_ERROR, "A WAVE file without a description of its sound (fmt chunk).")
    return reading


def _read_ogg(content: Content) -> Reading:
    ogg = read_ogg(content)
    reading = Reading("Ogg", content.size, ogg.audio, ogg.whole)
    add_ogg_facts(reading.facts, ogg)
    for note in ogg.notes:
        reading.facts.note(note)
    if ogg.audio is None:
        reading.problem = (PARSE_ERROR, "An Ogg file that begins with no known sound (Opus, Vorbis, Speex).")
    return reading


def _is_mp3(head: bytes) -> bool:
    """Whether an MPEG audio layer III frame header stands at the start."""
    return len(head) > 3 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2 and head[2] & 0xF0 not in {0, 0xF0}


def _describe_unknown(head: bytes) -> str:
    if not head:
        return "The file is empty."
    start = head[:8].hex(" ")
    if len(head) >= 1024 and _entropy_bits(head) > RANDOM_BITS:
        return f"Neither WAV nor Ogg: it looks encrypted or compressed (starts with {start})."
    return f"Neither WAV nor Ogg nor another known format (starts with {start})."


def _entropy_bits(data: bytes) -> float:
    """Bits of information in each byte of `data`, 8 for pure chance."""
    return -sum(n / len(data) * math.log2(n / len(data)) for n in Counter(data).values())
