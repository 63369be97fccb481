"""Datagrams put together by flow, in the form in which they lie on the disk."""

import mmap
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.journal.addresses import write_ends
from plugins.pbx_sip.journal.layout import LENGTH, TIME, UNIT, UNIT_PACKETS_MAX, WINDOW_NS, Table
from plugins.pbx_sip.packets.datagrams import Datagrams, Endpoints
from plugins.pbx_sip.rtp.packets import find_values

_Bytes = npt.NDArray[np.uint8]
_Column = npt.NDArray[np.int64]
_Keys = npt.NDArray[np.uint64]
_COPIED_AT_ONCE = 2_000  # rows, which is what a processor's cache holds
_HEAP_BYTES = 32 << 20  # as much the C library takes from what was freed before; for more it asks the kernel
_ROOM_BYTES = 96 << 20  # more is needed only for what was not read for a while; pages that are not used cost nothing
_ROOMS = 3  # one is filled while others are written
_HEAD_BYTES, _CRC_BYTES = UNIT.itemsize, UNIT["crc"].itemsize


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """Units, ready to be written. heads: their table. source, target: endpoint keys of each.

    content: all of them, one after the other, in a room of the packer's. packets: how many datagrams are in them.
    """

    heads: Table
    source: _Keys
    target: _Keys
    content: memoryview
    room: _Bytes
    packets: int


class Packer:
    """Packs datagrams; takes back the memory of what was packed before, from any thread."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._rooms: list[_Bytes] = []
        # Odd and random: nobody can choose addresses that fall together.
        self._factors = np.array([secrets.randbits(64) | 1, secrets.randbits(64) | 1], np.uint64)

    def pack(self, parts: Sequence[Datagrams]) -> Packed:
        """Units of the datagrams of each flow, in the order given; at least one datagram is needed.

        Raises: ValueError (a datagram longer than UDP can carry).
        """
        source, target, time_ns, length = (
            np.concatenate(columns) if len(parts) > 1 else columns[0]
            for columns in zip(*((part.source, part.target, part.time_ns, part.length) for part in parts), strict=True)
        )
        if length.max() > np.iinfo(LENGTH).max or length.min() < 0:
            raise ValueError(f"a datagram of {length.max()} bytes")
        order = self._order(source, target)
        source, target, time_ns, length = source[order], target[order], time_ns[order], length[order].astype(np.int64)
        start = _find_starts(source, target, time_ns)
        packets = np.diff(start, append=len(order))
        heads = np.zeros(len(start), UNIT)
        heads["packets"] = packets
        heads["length"] = sizes = _HEAD_BYTES + 6 * packets + np.add.reduceat(length, start)
        heads["first_ns"] = first_ns = np.minimum.reduceat(time_ns, start)
        heads["span_ns"] = np.maximum.reduceat(time_ns, start) - first_ns
        write_ends(heads, source[start], target[start], self._endpoints)
        begin = np.cumsum(sizes) - sizes
        room = self._find_room(int(sizes.sum()))
        content = room[: int(sizes.sum())]
        ahead = np.cumsum(length) - length
        times_at, lengths_at = begin + _HEAD_BYTES, begin + _HEAD_BYTES + TIME.itemsize * packets
        payloads_at = lengths_at + LENGTH.itemsize * packets - ahead[start]
        after_ns = (time_ns - np.repeat(first_ns, packets)).astype(TIME)
        lengths = length.astype(LENGTH)
        for count, units in _by_value(packets):
            _copy_runs(after_ns, start[units], content, times_at[units], count)
            _copy_runs(lengths, start[units], content, lengths_at[units], count)
        at = np.empty(len(order), np.int64)
        at[order] = np.repeat(payloads_at, packets) + ahead
        _copy_payloads(parts, content, at)
        _close_units(content, begin, heads)
        return Packed(
            heads=heads,
            source=source[start],
            target=target[start],
            content=content.data,
            room=room,
            packets=len(order),
        )

    def take_back(self, packed: Packed) -> None:
        """Nobody needs the content any more."""
        if len(self._rooms) < _ROOMS and len(packed.room) == _ROOM_BYTES:
            self._rooms.append(packed.room)

    def _order(self, source: _Keys, target: _Keys) -> _Column:
        """The rows, those of a flow together and in their order.

        Sorted by a hash of the flow with the row's number in its low bits, which is twice as fast as sorting rows by
        their keys. Flows whose hashes are the same would be mixed, and make more units than needed, no wrong ones.
        """
        low = np.uint64((1 << len(source).bit_length()) - 1)
        mixed = source * self._factors[0] + target * self._factors[1]
        mixed = (mixed & ~low) | np.arange(len(source), dtype=np.uint64)
        mixed.sort()
        order: _Column = (mixed & low).view(np.int64)
        return order

    def _find_room(self, size_bytes: int) -> _Bytes:
        if not _HEAP_BYTES < size_bytes <= _ROOM_BYTES:
            return np.empty(size_bytes, np.uint8)
        return self._rooms.pop() if self._rooms else _make_room()


def _make_room() -> _Bytes:
    """Memory that begins with a page, as what is written past the kernel's cache must."""
    room = mmap.mmap(-1, _ROOM_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(OSError):  # a kernel without large pages
        room.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(room, np.uint8)


def _find_starts(source: _Keys, target: _Keys, time_ns: _Column) -> _Column:
    """The rows at which units begin, of rows that lie together by flow."""
    begins = np.ones(len(source), np.bool_)
    begins[1:] = (source[1:] != source[:-1]) | (target[1:] != target[:-1])
    earliest_ns = time_ns.min()
    if time_ns.max() - earliest_ns >= WINDOW_NS:
        window = (time_ns - earliest_ns) // WINDOW_NS
        begins[1:] |= window[1:] != window[:-1]
    start = np.flatnonzero(begins)
    packets = np.diff(start, append=len(source))
    if packets.max() > UNIT_PACKETS_MAX:
        begins |= (np.arange(len(source)) - np.repeat(start, packets)) % UNIT_PACKETS_MAX == 0
        start = np.flatnonzero(begins)
    return start


def _copy_payloads(parts: Sequence[Datagrams], content: _Bytes, at: _Column) -> None:
    """Copy the payload of each datagram to its place in `content`."""
    done = 0
    for part in parts:
        for length, rows in _by_value(part.length):
            source = _windows(part.buffer, np.dtype(f"V{length}"))
            target = _windows(content, source.dtype)
            for first in range(0, len(rows), _COPIED_AT_ONCE):
                some = rows[first : first + _COPIED_AT_ONCE]
                target[at[done + some]] = source[part.offset[some]]
        done += len(part)


def _copy_runs(values: npt.NDArray[Any], first: _Column, content: _Bytes, at: _Column, count: int) -> None:
    """Copy so many values from each first one on, without a gap between them, to a place in `content`."""
    run = np.dtype(f"V{values.itemsize * count}")
    _windows(content, run)[at] = _windows(values.view(np.uint8), run)[values.itemsize * first]


def _by_value(column: npt.NDArray[np.integer[Any]]) -> Iterator[tuple[int, _Column]]:
    """The values in a column that are not 0, and which rows have them."""
    if len(values := find_values(column)) == 1:
        if values[0]:
            yield values[0], np.arange(len(column))
        return
    order = np.argsort(column.astype(LENGTH), kind="stable")
    ends = np.searchsorted(column[order], values, side="right")
    first = 0
    for value, end in zip(values, ends.tolist(), strict=True):
        if value:
            yield value, order[first:end]
        first = end


def _close_units(content: _Bytes, begin: _Column, heads: Table) -> None:
    """Write the headers and their checksums, into `heads` also."""
    _windows(content, np.dtype(f"V{_HEAD_BYTES}"))[begin] = heads.view(f"V{_HEAD_BYTES}")
    view = content.data
    ends = begin + heads["length"]
    heads["crc"] = [
        crc32(view[start + _CRC_BYTES : end]) for start, end in zip(begin.tolist(), ends.tolist(), strict=True)
    ]
    _copy_runs(np.ascontiguousarray(heads["crc"]), np.arange(len(heads)), content, begin, 1)


def _windows(content: _Bytes, item: np.dtype[np.void]) -> Table:
    """What begins at every byte."""
    return np.ndarray((len(content) - item.itemsize + 1,), item, content, 0, (1,))
