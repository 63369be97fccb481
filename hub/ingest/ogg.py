"""The outer structure of an Ogg file: what is in it, and whether its end is there."""

from dataclasses import dataclass
from typing import BinaryIO

_HEADER_BYTES = 27
_PAGE_MAX_BYTES = _HEADER_BYTES + 255 + 255 * 255
_LAST_PAGE = 4
_CODECS = ((b"OpusHead", "opus"), (b"\x01vorbis", "vorbis"), (b"Speex   ", "speex"), (b"\x7fFLAC", "flac"))


@dataclass(frozen=True, slots=True)
class OggLayout:
    """codec: of the first stream, "" if unknown. flaw: what is wrong with the file, "" if nothing is."""

    codec: str
    flaw: str = ""


def read_layout(file: BinaryIO, size_bytes: int) -> OggLayout:
    """The layout of the Ogg `file` that has `size_bytes`.

    Source: RFC 3533 section 6.
    """
    file.seek(0)
    head = file.read(_HEADER_BYTES + 255 + 32)
    codec = next((name for magic, name in _CODECS if magic in head), "")
    file.seek(max(size_bytes - _PAGE_MAX_BYTES, 0))
    tail = file.read(_PAGE_MAX_BYTES)
    return OggLayout(codec, _find_flaw(tail))


def _find_flaw(tail: bytes) -> str:
    at = tail.rfind(b"OggS")
    while at >= 0:
        if end := _end_of_page(tail, at):
            if end > len(tail):
                return "its last page is cut off"
            return "" if tail[at + 5] & _LAST_PAGE else "it has no last page"
        at = tail.rfind(b"OggS", 0, at)
    return "it has no last page"


def _end_of_page(tail: bytes, at: int) -> int | None:
    """Where the page that starts at `at` ends; None if what is there is no page."""
    if tail[at + 4 : at + 5] not in {b"", b"\0"}:  # the version
        return None
    if len(tail) < at + _HEADER_BYTES:
        return len(tail) + 1
    segments = tail[at + 26]
    table = tail[at + _HEADER_BYTES : at + _HEADER_BYTES + segments]
    if len(table) < segments:
        return len(tail) + 1
    return at + _HEADER_BYTES + segments + sum(table)
