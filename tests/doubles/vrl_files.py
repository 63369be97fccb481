"""Files as a Voicemail Pro might leave them, built byte by byte: containers, metadata, nothing that needs a codec."""

import struct

from tests.doubles.audio import MU_LAW, chunk, wav_of


def wave(data: bytes = b"\xff" * 1600, chunks: bytes = b"", tail: bytes = b"") -> bytes:
    """A G.711 µ-law WAV file; chunks: before the sound; tail: chunks after it."""
    if not tail:
        return wav_of(data, tag=MU_LAW, chunks=chunks)
    whole = wav_of(data, tag=MU_LAW, chunks=chunks) + tail
    return whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:]


def info(**texts: str) -> bytes:
    """A LIST/INFO chunk; names are the four letters of the tags."""
    return chunk(b"LIST", b"INFO" + b"".join(chunk(k.encode(), v.encode() + b"\0") for k, v in texts.items()))


def bext(originator: str, date: str, time: str) -> bytes:
    """A broadcast extension chunk."""
    fields = (b"", 256), (originator.encode(), 32), (b"", 32), (date.encode(), 10), (time.encode(), 8)
    return chunk(b"bext", b"".join(text.ljust(size, b"\0") for text, size in fields) + bytes(264))


def id3(version: int = 4, **texts: str) -> bytes:
    """An ID3 tag with text frames in UTF-8."""
    frames = b""
    for name, text in texts.items():
        body = b"\x03" + text.encode()
        size = struct.pack(">I", len(body)) if version == 3 else _sync_safe(len(body))
        frames += name.encode() + size + b"\0\0" + body
    return b"ID3" + bytes([version, 0, 0]) + _sync_safe(len(frames)) + frames


def _sync_safe(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def opus_file(comments: dict[str, str] | None = None, length_s: float = 2.0, *, ended: bool = True) -> bytes:
    """An Ogg file with Opus headers and one page of sound that nobody can hear."""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 312, 16_000, 0, 0)
    texts = [f"{name}={text}".encode() for name, text in (comments or {}).items()]
    tags = b"OpusTags" + struct.pack("<I", 4) + b"test" + struct.pack("<I", len(texts))
    tags += b"".join(struct.pack("<I", len(text)) + text for text in texts)
    granule = round(length_s * 48_000) + 312
    return (
        ogg_page(head, flags=2, sequence=0)
        + ogg_page(tags, sequence=1)
        + ogg_page(b"\xf8" * 100, flags=4 if ended else 0, granule=granule, sequence=2)
    )


def ogg_page(packet: bytes, *, flags: int = 0, granule: int = 0, sequence: int = 0, serial: int = 7) -> bytes:
    """One page with one packet of less than 64 KB; its checksum is left out."""
    lacing = b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255])
    assert len(lacing) <= 255
    head = b"OggS" + struct.pack("<BBqIIIB", 0, flags, granule, serial, sequence, 0, len(lacing))
    return head + lacing + packet
