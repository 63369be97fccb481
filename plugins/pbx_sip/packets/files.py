"""Capture files as blocks of packets: pcap and pcapng, from a path or a pipe, gzip-compressed or not."""

from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from plugins.pbx_sip.packets.beginnings import HEADER_BYTES, SECTION_MAGIC, find_beginning
from plugins.pbx_sip.packets.blocks import PacketBlock
from plugins.pbx_sip.packets.inputs import BadCompression, Input, Readable
from plugins.pbx_sip.packets.other_files import tell_format
from plugins.pbx_sip.packets.pcap import PcapReader, is_pcap
from plugins.pbx_sip.packets.pcapng import PcapngReader
from plugins.pbx_sip.packets.records import BadCapture, Chunk, Portion, RecordReader

_HEAD_BYTES = 256 << 10  # the first packet lies within, whatever stands before it
CHUNK_BYTES = 16 << 20  # much less makes many pieces of each call, much more leaves no room in the caches

_SUSPECT_PACKETS = 8  # before damage: the first of them may be one that was cut off


class CaptureFile:
    """The packets of a capture, block by block, read once and never all in memory.

    Captures may stand one behind the other in it, and such a one is found behind damage.

    bytes_read and bytes_total: of the file itself, for progress; total is None for a pipe. note: "" or that the end is
    cut off or what stands before another capture. key_log: the TLS keys of a pcapng file so far, as text.
    """

    def __init__(self, stream: Readable, *, bytes_total: int | None = None) -> None:
        self._stream = stream
        self._input: Input | None = None
        self._reader: RecordReader | None = None
        self._keys_before = ""
        self._damage: BadCapture | None = None
        self._is_understood = False
        self._began = -1
        self.bytes_total = bytes_total
        self.note = ""

    @property
    def bytes_read(self) -> int:
        """How many bytes of the file or pipe were read so far."""
        return self._input.bytes_read if self._input else 0

    @property
    def is_understood(self) -> bool:
        """Whether it begins as a capture does."""
        return self._is_understood

    @property
    def key_log(self) -> str:
        """The TLS keys in the part read so far, in the format of SSLKEYLOGFILE."""
        return self._keys_before + (self._reader.key_log if self._reader else "")

    @property
    def apart_ns(self) -> int:
        """How far the clocks of interfaces differed, which were set right."""
        return self._reader.apart_ns if self._reader else 0

    def __iter__(self) -> Iterator[PacketBlock]:
        """The blocks in their order.

        Raises: BadCapture (after the last block that is whole); OSError.
        """
        self._input = Input(self._stream)
        chunk, filled, position = np.empty(CHUNK_BYTES, np.uint8), 0, 0
        is_over = False
        while not is_over:
            try:
                count = self._input.readinto(chunk.data[filled:])
            except EOFError:
                count, self.note = 0, "The compressed file is cut off."
            except BadCompression as error:
                raise BadCapture(f"damaged compression ({error})", position + filled) from error
            filled += count
            is_over = not count
            used = yield from self._read(chunk[:filled], position, is_over=is_over)
            position += used
            chunk = _advance(chunk, used, filled)
            filled -= used
        if self._damage is not None:
            raise self._damage
        if not self._is_understood:
            raise BadCapture("the file ends before its header does", filled)
        if filled and not self.note:
            self.note = f"The last packet is cut off at byte {position}."

    def _read(self, chunk: Chunk, position: int, *, is_over: bool) -> Generator[PacketBlock, None, int]:
        """The blocks of all that is whole in a chunk; returns how many bytes need not be seen again."""
        used = 0
        while True:
            if self._damage is not None or self._reader is None:
                self._reader, used = self._begin(chunk, used, position)
            if self._reader is None:
                return used
            portion = self._reader.read(chunk[used:])
            if is_over or portion.damage:
                portion = _cut_portion(chunk[used:], portion)
            if portion.block is not None:
                yield portion.block
            used += portion.used
            if portion.damage:
                self._damage = BadCapture(portion.damage, position + used)
            if portion.damage or portion.is_end:
                self._keys_before, self._reader = self.key_log, None
            elif not portion.used:
                return used

    def _begin(self, chunk: Chunk, at: int, position: int) -> tuple[RecordReader | None, int]:
        """The reader of the next capture, if it begins within a chunk, and how many bytes need not be seen again."""
        begins: int | None = at
        if self._damage is not None:
            behind = at + (position + at == self._began)  # what could not be read there does not begin there anew
            begins = find_beginning(chunk[behind:])
            begins = begins if begins is None else behind + begins
        if begins is None or len(chunk) - begins < HEADER_BYTES:
            return None, max(len(chunk) - HEADER_BYTES + 1, at)
        if self._damage is not None:
            self._damage, byte = None, position + begins
            if not self.note:
                self.note = f"It is damaged before byte {byte}; what comes behind was read."
        reader, header_bytes = _choose_reader(chunk[begins : begins + HEADER_BYTES].tobytes())
        self._is_understood = True
        self._began = position + begins
        return reader, begins + header_bytes

    def close(self) -> None:
        """Close the file or pipe."""
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_capture(path: Path) -> CaptureFile:
    """A capture file on disk.

    Raises: OSError.
    """
    return CaptureFile(path.open("rb", buffering=0), bytes_total=path.stat().st_size)


def is_capture(path: Path) -> bool:
    """Whether a file begins as a capture does, compressed or not.

    Raises: OSError.
    """
    head = bytearray(HEADER_BYTES)
    with path.open("rb", buffering=0) as stream:
        source, filled = Input(stream), 0
        try:
            while filled < HEADER_BYTES and (count := source.readinto(memoryview(head)[filled:])):
                filled += count
        except (BadCompression, EOFError):
            return False
    return filled == HEADER_BYTES and (is_pcap(bytes(head)) or head.startswith(SECTION_MAGIC))


def read_first_time(path: Path) -> int | None:
    """When the first packet of a capture was captured, ns since 1970, UTC; None if that cannot be told.

    Raises: OSError.
    """
    with path.open("rb", buffering=0) as stream, CaptureFile(_Head(stream)) as capture:
        try:
            return next((int(block.time_ns[0]) for block in capture), None)
        except BadCapture:
            return None


class _Head:
    """The first bytes of a stream, as if it ended there."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._left = _HEAD_BYTES

    def readinto(self, buffer: memoryview, /) -> int:
        """Put some bytes into a buffer; their number, 0 at the end."""
        count = self._stream.readinto(buffer[: self._left]) or 0
        self._left -= count
        return count

    def close(self) -> None:
        """The stream stays open."""


def _choose_reader(head: bytes) -> tuple[RecordReader, int]:
    """The reader for a file that begins so, and how many bytes of it that reader does not want to see."""
    if is_pcap(head):
        return PcapReader(head), HEADER_BYTES
    if head.startswith(SECTION_MAGIC):
        return PcapngReader(), 0
    told = tell_format(head)
    raise BadCapture(f"neither pcap nor pcapng, but {told}" if told else "neither pcap nor pcapng", 0)


def _cut_portion(chunk: Chunk, portion: Portion) -> Portion:
    """What was read without that which is no packet: one that was cut off seems to go on in the capture behind it."""
    is_stuck = not (portion.used or portion.is_end) and len(chunk) > 0
    if not portion.damage and not is_stuck:
        return portion
    block = portion.block
    from_byte = portion.used if block is None else int(block.offset[-_SUSPECT_PACKETS:][0])
    begins = find_beginning(chunk[max(from_byte, 1) :])
    if begins is None:
        return portion
    begins += max(from_byte, 1)
    count = 0 if block is None else int(np.searchsorted(block.offset + block.length, begins, "right"))
    return Portion(begins, _take(block, count) if block is not None and count else None, "a packet that is cut off")


def _take(block: PacketBlock, count: int) -> PacketBlock:
    """The first packets of a block."""
    return replace(
        block,
        offset=block.offset[:count],
        length=block.length[:count],
        wire_length=block.wire_length[:count],
        time_ns=block.time_ns[:count],
        link_type=block.link_type[:count],
    )


def _advance(chunk: Chunk, used: int, filled: int) -> Chunk:
    """A chunk to go on with: bytes that were given are never written again; one without room for more is doubled."""
    if not used and filled < len(chunk):
        return chunk
    rest = chunk[used:filled]
    following = np.empty(max(CHUNK_BYTES, 2 * len(rest)), np.uint8)
    following[: len(rest)] = rest
    return following
