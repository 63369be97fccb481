"""A journal as its last writer left it, whatever befell that."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.journal.addresses import read_ends
from plugins.pbx_sip.journal.batch import Batch
from plugins.pbx_sip.journal.entries import note_entries, unit_entries
from plugins.pbx_sip.journal.forgotten import Forgotten
from plugins.pbx_sip.journal.index import Index
from plugins.pbx_sip.journal.layout import SEGMENT_HEADER, Table, is_whole
from plugins.pbx_sip.journal.seals import Broken, Seals
from plugins.pbx_sip.journal.segment import SegmentReader, find_segments, segment_path
from plugins.pbx_sip.packets.datagrams import NO_KEY, Endpoints


@dataclass(slots=True, kw_only=True)
class Found:
    """What a journal holds. forgotten: what each segment says of that; sizes: bytes of each segment.

    serial: of the last note. damage: what was lost, in words.
    """

    index: Index = field(default_factory=Index)
    forgotten: dict[int, Forgotten] = field(default_factory=dict)
    sizes: dict[int, int] = field(default_factory=dict)
    serial: int = 0
    damage: list[str] = field(default_factory=list)


def recover(folder: Path, endpoints: Endpoints, seals: Seals) -> Found:
    """Read the tables of all segments, and cut off what the last writer began and did not finish.

    Raises: WrongKey, OtherVersion, before anything is changed; OSError.
    """
    numbers = find_segments(folder)
    for number in numbers:
        SegmentReader(folder, number, seals).close()
    found = Found()
    for number in numbers:
        reader = SegmentReader(folder, number, seals)
        try:
            found.sizes[number] = reader.size_bytes
            is_newest = number == numbers[-1]
            if _is_half_done(reader, found, seals):
                _cut(folder, number, SEGMENT_HEADER.size, found)
                continue
            _read(reader, found, endpoints, is_newest=is_newest)
            if is_newest and reader.salt and reader.end < reader.size_bytes:
                _cut(folder, number, reader.end, found)
        finally:
            reader.close()
    return found


def _cut(folder: Path, number: int, size_bytes: int, found: Found) -> None:
    os.truncate(segment_path(folder, number), size_bytes)
    found.sizes[number] = size_bytes


def _is_half_done(reader: SegmentReader, found: Found, seals: Seals) -> bool:
    """Whether a segment replaces others that are still there, and did not reach the disk as a whole."""
    data_at, batch = next(reader.batches(), (0, Batch()))
    if found.sizes.keys().isdisjoint(batch.replaced["segment"].tolist()):
        return False
    units = unit_entries(batch.units, reader.number, data_at)
    if not _find_whole(reader, units).all():
        return True
    notes = note_entries(batch.notes, reader.number, data_at + batch.units_bytes)
    try:
        for mark, (_, offset, length, _, _, serial) in zip(batch.notes["mark"], notes.tolist(), strict=True):
            seals.open_note(reader.read(offset, length), bytes(mark), serial)
    except Broken:
        return True
    return False


def _read(reader: SegmentReader, found: Found, endpoints: Endpoints, *, is_newest: bool) -> None:
    """Add a segment. Of the newest, the last batch may have reached the disk in parts, so its units are looked at."""
    before: tuple[int, Batch] | None = None
    for placed in reader.batches():
        if before is not None:
            _add(reader, before, found, endpoints)
        before = placed
    if before is not None:
        _add(reader, before, found, endpoints, looks=is_newest)
    gaps = list(reader.gaps)
    if not is_newest and reader.end < reader.size_bytes:
        gaps.append(reader.end)
    if is_newest and not reader.salt and reader.size_bytes > SEGMENT_HEADER.size:
        gaps.append(0)
    found.damage += [f"segment {reader.number} is damaged from byte {gap} on" for gap in gaps]


def _add(
    reader: SegmentReader, placed: tuple[int, Batch], found: Found, endpoints: Endpoints, *, looks: bool = False
) -> None:
    data_at, batch = placed
    index = found.index
    if len(batch.replaced):
        index.drop(batch.replaced["segment"].tolist())
    _forget(batch, index, endpoints)
    forgotten = Forgotten(batch.flows, batch.calls)
    if forgotten:
        found.forgotten[reader.number] = found.forgotten.get(reader.number, Forgotten()).join(forgotten)
    units = unit_entries(batch.units, reader.number, data_at)
    if len(units):
        source, target = read_ends(batch.units, endpoints)
        stays = (source != NO_KEY) & (target != NO_KEY)
        if looks:
            stays &= _find_whole(reader, units)
        if not stays.all():
            found.damage.append(f"segment {reader.number}: {np.count_nonzero(~stays)} units cannot be read")
        index.add_units(zip(source[stays].tolist(), target[stays].tolist(), strict=True), units[stays])
    if len(batch.notes):
        notes = note_entries(batch.notes, reader.number, data_at + batch.units_bytes)
        index.add_notes(batch.notes, notes)
        found.serial = max(found.serial, int(batch.notes["serial"].max()))


def _forget(batch: Batch, index: Index, endpoints: Endpoints) -> None:
    source, target = read_ends(batch.flows, endpoints)
    ways = zip(source.tolist(), target.tolist(), strict=True)
    for (*_, before_ns, _, segment, offset), way in zip(batch.flows.tolist(), ways, strict=True):
        index.forget_flow(*way, before_ns, (segment, offset))
    for mark, _, segment, offset in batch.calls.tolist():
        index.forget_call(bytes(mark), (segment, offset))


def _find_whole(reader: SegmentReader, units: Table) -> npt.NDArray[np.bool_]:
    places = zip(units["offset"].tolist(), units["length"].tolist(), strict=True)
    return np.array([is_whole(reader.read(offset, length)) for offset, length in places], np.bool_)
