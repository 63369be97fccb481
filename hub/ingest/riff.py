"""The layout of a WAV file, also of one whose sizes lie."""

import struct
from dataclasses import dataclass
from typing import BinaryIO

PCM, FLOAT, A_LAW, MU_LAW, EXTENSIBLE = 0x0001, 0x0003, 0x0006, 0x0007, 0xFFFE
_CHUNKS_MAX = 1000
_UNKNOWN_SIZE = 0xFFFFFFFF
_FORMAT_BYTES_MAX = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class WavLayout:
    """Where the audio of a WAV file is, and in which coding.

    format_tag: of the fmt chunk, that of the sub-format for WAVE_FORMAT_EXTENSIBLE. data_bytes: what is really there.
    is_sized: whether the header says truly how much that is. flaw: what is missing, "" if nothing is.
    """

    format_tag: int
    channels: int
    sample_rate_hz: int
    block_bytes: int
    sample_bits: int
    data_offset: int
    data_bytes: int
    is_sized: bool = True
    flaw: str = ""


def read_layout(file: BinaryIO, size_bytes: int) -> WavLayout | None:
    """The layout of the WAV `file` that has `size_bytes`; None if it has no usable fmt or data chunk.

    Source: Multimedia Programming Interface and Data Specifications 1.0 (1991); EBU Tech 3306 (RF64).
    """
    file.seek(0)
    if len(file.read(12)) < 12:
        return None
    at = 12
    form: tuple[int, int, int, int, int] | None = None
    long_data_bytes: int | None = None
    for _ in range(_CHUNKS_MAX):
        file.seek(at)
        header = file.read(8)
        if len(header) < 8:
            return None
        name, length = struct.unpack("<4sI", header)
        if name == b"ds64":
            long_data_bytes = _read_long_size(file.read(16))
        elif name == b"fmt ":
            form = _read_format(file.read(min(length, _FORMAT_BYTES_MAX)))
        elif name == b"data":
            return _locate(form, at + 8, _true_length(length, long_data_bytes), size_bytes)
        at += 8 + length + (length & 1)
    return None


def _read_long_size(content: bytes) -> int | None:
    return int(struct.unpack("<Q", content[8:16])[0]) if len(content) >= 16 else None


def _read_format(content: bytes) -> tuple[int, int, int, int, int] | None:
    if len(content) < 14:
        return None
    tag, channels, rate, _, block_bytes = struct.unpack("<HHIIH", content[:14])
    bits = struct.unpack("<H", content[14:16])[0] if len(content) >= 16 else 8
    if tag == EXTENSIBLE and len(content) >= 26:
        tag = struct.unpack("<H", content[24:26])[0]
    return tag, channels, rate, block_bytes, bits


def _true_length(length: int, long_data_bytes: int | None) -> int | None:
    """What the header says, None if it says nothing: a recorder that died had no time to write it."""
    if length == _UNKNOWN_SIZE:
        return long_data_bytes
    return length or None


def _locate(
    form: tuple[int, int, int, int, int] | None, offset: int, said_bytes: int | None, size_bytes: int
) -> WavLayout | None:
    if form is None:
        return None
    tag, channels, rate, block_bytes, bits = form
    rest = max(size_bytes - offset, 0)
    is_short = said_bytes is not None and said_bytes > rest
    return WavLayout(
        format_tag=tag,
        channels=channels,
        sample_rate_hz=rate,
        block_bytes=block_bytes,
        sample_bits=bits,
        data_offset=offset,
        data_bytes=rest if said_bytes is None else min(said_bytes, rest),
        is_sized=not is_short and (said_bytes is not None or not rest),
        flaw=f"its header promises {said_bytes} bytes of audio, {rest} are there" if is_short else "",
    )
