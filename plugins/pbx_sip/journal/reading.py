"""What lies in a journal, read by any process; nothing is locked, nothing is changed."""

import os
from collections.abc import Collection, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.journal.addresses import read_ends
from plugins.pbx_sip.journal.layout import LENGTH, TIME, UNIT, Table, is_whole
from plugins.pbx_sip.journal.segment import open_segment
from plugins.pbx_sip.journal.unit import UnitPlace
from plugins.pbx_sip.packets.datagrams import NO_KEY, Datagrams, Endpoints

_COLUMNS_BYTES = TIME.itemsize + LENGTH.itemsize


class OpenSegments:
    """Segments that can be read until they are closed, even when they are reclaimed meanwhile."""

    def __init__(self, folder: Path, numbers: Iterable[int]) -> None:
        """Raises: OSError."""
        self._files: dict[int, int] = {}
        with ExitStack() as opened:
            for number in set(numbers):
                self._files[number] = open_segment(folder, number)
                opened.callback(os.close, self._files[number])
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._opened.close()

    def read(self, place: UnitPlace) -> bytes:
        """The bytes of a unit or a note, fewer where the file ends. Raises: OSError."""
        return os.pread(self._files[place.segment], place.length, place.offset)


def read_units(folder: Path, places: Collection[UnitPlace], endpoints: Endpoints) -> tuple[Datagrams, int]:
    """The datagrams of units, in the order of time; of one flow, as they were appended.

    Returns: the datagrams, with keys of `endpoints`, and how many units were damaged and are left out.
    Raises: FileNotFoundError (a segment was reclaimed since the units were found: find them anew); OSError.
    """
    contents = []
    with OpenSegments(folder, (place.segment for place in places)) as segments:
        for place in places:
            content = segments.read(place)
            if is_whole(content) and _fits(content):
                contents.append(content)
    heads = np.frombuffer(b"".join(content[: UNIT.itemsize] for content in contents), UNIT)
    packets = heads["packets"]
    source, target = read_ends(heads, endpoints)
    after_ns, length = _columns(contents, packets.tolist())
    time_ns = np.repeat(heads["first_ns"], packets) + after_ns.astype(np.int64)
    order = np.argsort(time_ns, kind="stable")
    is_known = (source != NO_KEY) & (target != NO_KEY)
    if not is_known.all():
        order = order[np.repeat(is_known, packets)[order]]
    datagrams = Datagrams(
        buffer=np.frombuffer(b"".join(contents), np.uint8),
        time_ns=time_ns[order],
        source=np.repeat(source, packets)[order],
        target=np.repeat(target, packets)[order],
        offset=_offsets(heads, length)[order],
        length=length[order],
    )
    return datagrams, len(places) - int(np.count_nonzero(is_known))


def _columns(contents: list[bytes], packets: list[int]) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int32]]:
    """Times and lengths of all packets."""
    times, lengths = [], []
    for content, count in zip(contents, packets, strict=True):
        middle = UNIT.itemsize + TIME.itemsize * count
        times.append(content[UNIT.itemsize : middle])
        lengths.append(content[middle : middle + LENGTH.itemsize * count])
    return np.frombuffer(b"".join(times), TIME), np.frombuffer(b"".join(lengths), LENGTH).astype(np.int32)


def _offsets(heads: Table, length: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Where each payload begins, with the units one after the other: behind all columns up to its unit's."""
    columns = np.cumsum(UNIT.itemsize + _COLUMNS_BYTES * heads["packets"].astype(np.int64))
    before = np.cumsum(length, dtype=np.int64) - length
    offsets: npt.NDArray[np.int64] = np.repeat(columns, heads["packets"]) + before
    return offsets


def _fits(content: bytes) -> bool:
    """Whether the lengths in a unit add up to its own."""
    head = np.frombuffer(content, UNIT, 1)[0]
    count = int(head["packets"])
    columns = UNIT.itemsize + _COLUMNS_BYTES * count
    if len(content) < columns:
        return False
    lengths = np.frombuffer(content, LENGTH, count, columns - LENGTH.itemsize * count)
    return columns + int(lengths.sum(dtype=np.int64)) == len(content)
