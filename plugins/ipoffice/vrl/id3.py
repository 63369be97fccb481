"""ID3 version 2 tags, as some recorders put them into a RIFF chunk or before MP3 frames.

Source: id3.org, "ID3 tag version 2.4.0 - Main Structure" and "- Native Frames", "ID3 tag version 2.3.0".
"""

from plugins.ipoffice.vrl.facts import Facts

FRAMES_MAX = 200
ENCODINGS = {0: "latin-1", 1: "utf-16", 2: "utf-16-be", 3: "utf-8"}


def add_id3(facts: Facts, source: str, data: bytes) -> None:
    """Facts of the text frames of an ID3v2.3 or 2.4 tag that starts at the start of `data`."""
    if len(data) < 10 or data[:3] != b"ID3" or data[3] not in (3, 4):
        facts.keep_raw(f"{source}:id3", data, len(data))
        return
    whole_sizes = data[3] == 3
    end = min(len(data), 10 + unsync(data[6:10]))
    offset = 10
    if data[5] & 0x40:
        extended = int.from_bytes(data[10:14]) + 4 if whole_sizes else unsync(data[10:14])
        offset += max(extended, 4)
    for _ in range(FRAMES_MAX):
        if offset + 10 > end or not data[offset : offset + 4].isalnum():
            break
        size = int.from_bytes(data[offset + 4 : offset + 8]) if whole_sizes else unsync(data[offset + 4 : offset + 8])
        frame = data[offset : offset + 4].decode("latin-1")
        _add_frame(facts, source, frame, data[offset + 10 : min(end, offset + 10 + size)])
        offset += 10 + size


def unsync(data: bytes) -> int:
    """A size of four times seven bits."""
    return sum((byte & 0x7F) << shift for byte, shift in zip(data, (21, 14, 7, 0), strict=False))


def _add_frame(facts: Facts, source: str, frame: str, data: bytes) -> None:
    prefix = "id3." if source != "id3" else ""
    if frame in {"TXXX", "COMM"} and data:
        body = data[4:] if frame == "COMM" else data[1:]
        name, _, value = _decode(data[0], body).partition("\0")
        facts.add_text(source, f"{prefix}{frame}.{name.strip()}" if name.strip() else prefix + frame, value)
    elif frame.startswith("T") and data:
        facts.add_text(source, prefix + frame, _decode(data[0], data[1:]).partition("\0")[0])
    elif data:
        facts.keep_raw(f"{source}:id3.{frame}" if prefix else f"id3:{frame}", data, len(data))


def _decode(encoding: int, data: bytes) -> str:
    text = data.decode(ENCODINGS.get(encoding, "latin-1"), errors="replace")
    return text.replace("\ufeff", "")
