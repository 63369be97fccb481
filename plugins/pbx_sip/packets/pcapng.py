"""Files in pcapng: sections, interfaces, packets of three kinds, and the TLS keys that may stand beside them.

Source: draft-ietf-opsawg-pcapng 4; A.1 (the obsolete packet block).
"""

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.packets.beginnings import SECTION_MAGIC, SECTION_ORDERS, is_beginning
from plugins.pbx_sip.packets.blocks import PacketBlock
from plugins.pbx_sip.packets.interface_clocks import InterfaceClocks
from plugins.pbx_sip.packets.records import (
    RUN_FROM,
    Chunk,
    Offsets,
    Portion,
    Stop,
    measure_run,
    read_columns,
)

_SECTION = 0x0A0D0D0A
_INTERFACE = 1
_OBSOLETE_PACKET = 2
_SIMPLE_PACKET = 3
_PACKET = 6
_SECRETS = 10
_LEAST_BYTES = {_SECTION: 28, _INTERFACE: 20, _OBSOLETE_PACKET: 32, _SIMPLE_PACKET: 16, _PACKET: 32, _SECRETS: 20}
_PACKETS = (_OBSOLETE_PACKET, _SIMPLE_PACKET, _PACKET)
_HEAD = (("kind", "u4"), ("total", "u4"), ("third", "u4"))
_PACKET_HEAD = (*_HEAD, ("time_high", "u4"), ("time_low", "u4"), ("captured", "u4"), ("wire", "u4"))
_TLS_KEY_LOG = 0x544C534B
_OPTION_RESOLUTION = 9
_OPTION_OFFSET = 14

BLOCK_BYTES_MAX = 16 << 20
INTERFACES_MAX = 4096
KEY_LOG_CHARS_MAX = 16 << 20

_Column = npt.NDArray[np.int64]
_Times = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class _Interface:
    """How packets of an interface are to be read.

    Times are in units of 1 / (10 ** resolution) or, if binary, 1 / (2 ** resolution) of a second.
    """

    link_type: int
    packet_bytes_max: int
    resolution: int = 6
    is_binary: bool = False
    offset_s: int = 0


class PcapngReader:
    """Reads the blocks of one file; key_log: the TLS keys that stood in it so far, as text."""

    def __init__(self) -> None:
        self._order = "<"
        self._interfaces: list[_Interface] = []
        self._time_ns = 0
        self._clocks = InterfaceClocks()
        self.key_log = ""

    @property
    def apart_ns(self) -> int:
        """How far the clocks of interfaces differed, which were set right."""
        return self._clocks.apart_ns

    def read(self, chunk: Chunk) -> Portion:
        """The whole blocks of a chunk, as far as one section goes."""
        offsets, stop = self._walk(chunk)
        if not len(offsets):
            return Portion(stop.at, None, stop.damage, stop.is_end)
        block, good = self._columns(chunk, offsets)
        if good < len(offsets):
            return Portion(int(offsets[good]), block, "a packet longer than its block or of an unknown interface")
        return Portion(stop.at, block, stop.damage, stop.is_end)

    def _walk(self, chunk: Chunk) -> tuple[npt.NDArray[np.int64], Stop]:
        """Where blocks with packets begin, and where the blocks that were read end."""
        view, offsets = chunk.data, Offsets()
        at = same = 0
        before = (0, 0)
        damage, has_packets = "", False
        while at + 28 <= len(chunk) or (at + 12 <= len(chunk) and bytes(view[at : at + 4]) != SECTION_MAGIC):
            kind, total = struct.unpack_from(f"{self._order}II", view, at)
            if kind not in _PACKETS and kind != _SECTION and (begins := is_beginning(view, at)) is not False:
                return offsets.take(), Stop(at, is_end=begins is True)
            if kind == _SECTION:
                if has_packets:  # those are read as their own section says
                    break
                total, damage = self._open_section(view, at)
            damage = damage or _check(kind, total)
            if damage or at + total > len(chunk):
                break
            if kind not in _PACKETS:
                damage = self._note(kind, view[at : at + total])
                if damage:
                    break
                at += total
                continue
            has_packets = True
            same = same + 1 if (kind, total) == before else 0
            before = (kind, total)
            count = measure_run(chunk, at, total, 0, "u8") if same >= RUN_FROM else 1
            if count > 1:
                offsets.add_run(at, total, count)
                same = 0
            else:
                offsets.single.append(at)
            at += total * count
        return offsets.take(), Stop(at, damage)

    def _open_section(self, view: memoryview, at: int) -> tuple[int, str]:
        """Begin a section: the length of its first block, or what is wrong with it."""
        order = SECTION_ORDERS.get(bytes(view[at + 8 : at + 12]))
        if order is None:
            return 0, "a section of no byte order"
        self._order = order
        self._interfaces = []
        self._clocks.restart()
        (total,) = struct.unpack_from(f"{order}I", view, at + 4)
        return total, ""

    def _note(self, kind: int, block: memoryview) -> str:
        """Remember what a block without packets says; what is wrong with it."""
        (total,) = struct.unpack_from(f"{self._order}I", block, len(block) - 4)
        if total != len(block):
            return "a block whose two lengths differ"
        if kind == _INTERFACE:
            if len(self._interfaces) >= INTERFACES_MAX:
                return f"more than {INTERFACES_MAX} interfaces"
            self._interfaces.append(_read_interface(block, self._order))
        elif kind == _SECRETS:
            secrets, length = struct.unpack_from(f"{self._order}II", block, 8)
            if secrets == _TLS_KEY_LOG and len(self.key_log) + length <= KEY_LOG_CHARS_MAX:
                text = bytes(block[16 : min(16 + length, len(block) - 4)]).decode("latin-1")
                self.key_log += text if text.endswith("\n") else text + "\n"
        return ""

    def _columns(self, chunk: Chunk, offsets: _Column) -> tuple[PacketBlock | None, int]:
        """The packets of blocks up to the first one that is damaged, and how many these are."""
        heads = read_columns(chunk, offsets, _layout(_HEAD, self._order))
        is_simple = heads["kind"] == _SIMPLE_PACKET
        timed = np.flatnonzero(~is_simple)
        fields = read_columns(chunk, offsets[timed], _layout(_PACKET_HEAD, self._order))
        interface, room = np.zeros(len(offsets), np.int64), heads["total"].astype(np.int64) - 32
        interface[timed] = self._interface_numbers(fields)
        captured = wire = heads["third"].astype(np.int64)
        if len(timed) < len(offsets):
            limit = self._interfaces[0].packet_bytes_max if self._interfaces else 0
            captured = np.minimum(np.minimum(wire, room + 16), limit or 1 << 32)
        captured[timed], wire = fields["captured"], wire.copy()
        wire[timed] = fields["wire"]
        is_good = (interface < len(self._interfaces)) & (is_simple | (captured <= room))
        good = len(offsets) if is_good.all() else int(is_good.argmin())
        if not good:
            return None, 0
        timed, fields = timed[timed < good], fields[timed < good]
        block = PacketBlock(
            buffer=chunk,
            offset=(offsets + np.where(is_simple, 12, 28))[:good],
            length=captured[:good].astype(np.int32),
            wire_length=np.clip(wire, captured, (1 << 31) - 1)[:good].astype(np.int32),
            time_ns=self._clocks.set_right(self._times(good, timed, fields, interface), interface[:good]),
            link_type=np.array([one.link_type for one in self._interfaces], np.int32)[interface[:good]],
        )
        return block, good

    def _interface_numbers(self, fields: npt.NDArray[np.void]) -> _Column:
        """By which interface packets came; in obsolete packets a count of lost ones shares the field."""
        numbers = fields["third"].astype(np.int64)
        short = numbers & 0xFFFF if self._order == "<" else numbers >> 16
        return np.where(fields["kind"] == _OBSOLETE_PACKET, short, numbers)

    def _times(self, count: int, timed: _Column, fields: npt.NDArray[np.void], interface: _Column) -> _Column:
        """Times of packets in ns; a packet without one has that of the packet before."""
        ticks = fields["time_high"].astype(np.uint64) << np.uint64(32) | fields["time_low"]
        known = _to_ns(ticks, interface[timed], self._interfaces)
        if len(timed) < count:
            rank = np.zeros(count, np.int64)
            rank[timed] = 1
            known = np.concatenate([np.array([self._time_ns], np.int64), known])[np.cumsum(rank)]
        self._time_ns = int(known[-1])
        return known


def _layout(fields: tuple[tuple[str, str], ...], order: str) -> np.dtype[np.void]:
    return np.dtype([(name, order + kind) for name, kind in fields])


def _check(kind: int, total: int) -> str:
    if total % 4 or total < _LEAST_BYTES.get(kind, 12) or total > BLOCK_BYTES_MAX:
        return f"a block of {total} bytes"
    return ""


def _read_interface(block: memoryview, order: str) -> _Interface:
    """An interface as its block describes it; options that are damaged are as if they were not there."""
    link_type, _, packet_bytes_max = struct.unpack_from(f"{order}HHI", block, 8)
    resolution, offset_s = 6, 0
    at, end = 16, len(block) - 4
    while at + 4 <= end:
        code, length = struct.unpack_from(f"{order}HH", block, at)
        value = bytes(block[at + 4 : at + 4 + length])
        if code == 0 or at + 4 + length > end:
            break
        if code == _OPTION_RESOLUTION and length == 1:
            resolution = value[0]
        elif code == _OPTION_OFFSET and length == 8:
            (offset_s,) = struct.unpack(f"{order}q", value)
        at += 4 + (length + 3) // 4 * 4
    return _Interface(link_type, packet_bytes_max, resolution & 0x7F, resolution > 0x7F, offset_s)


def _to_ns(ticks: _Times, interface: _Column, interfaces: list[_Interface]) -> _Column:
    """Times in ns since 1970, from units of the interfaces; times that no clock shows wrap around."""
    largest = (1 << 64) - 1
    divisor = np.array([min(10 ** max(0, one.resolution - 9), largest) for one in interfaces], np.uint64)
    factor = np.array([10 ** max(0, 9 - one.resolution) for one in interfaces], np.uint64)
    offset = np.array([one.offset_s * 1_000_000_000 & largest for one in interfaces], np.uint64)
    ns = ticks // divisor[interface] * factor[interface]
    if any(one.is_binary for one in interfaces):
        shift = np.array([min(one.resolution, 63) for one in interfaces], np.uint64)[interface]
        rest = ticks & ((np.uint64(1) << shift) - np.uint64(1))
        fine = np.minimum(shift, np.uint64(32))  # more bits than these are less than a nanosecond
        rest = (rest >> (shift - fine)) * np.uint64(1_000_000_000) >> fine
        is_binary = np.array([one.is_binary for one in interfaces], np.bool_)[interface]
        ns = np.where(is_binary, (ticks >> shift) * np.uint64(1_000_000_000) + rest, ns)
    return (ns + offset[interface]).view(np.int64)
