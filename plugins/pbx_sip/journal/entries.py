"""Rows of the index: where a unit or a note lies, in 24 bytes."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.journal.layout import Table

# at: of a unit, when its first packet came, in ns since 1970; of a note, its serial number. span: of a unit, in ticks.
ENTRY = np.dtype(
    [("segment", "<u4"), ("offset", "<u4"), ("length", "<u4"), ("span", "<u2"), ("packets", "<u2"), ("at", "<i8")]
)
_TICK_NS = 1 << 16

Place: TypeAlias = tuple[int, int]  # segment and offset


def unit_entries(units: Table, segment: int, offset: int) -> Table:
    """Entries for the table of units that lie one after the other from an offset on."""
    entries = _lay_out(units, segment, offset)
    entries["at"] = units["first_ns"]
    entries["span"] = (units["span_ns"].astype(np.int64) + _TICK_NS - 1) // _TICK_NS
    entries["packets"] = units["packets"]
    return entries


def note_entries(notes: Table, segment: int, offset: int) -> Table:
    """Entries for the table of notes that lie one after the other from an offset on."""
    entries = _lay_out(notes, segment, offset)
    entries["at"] = notes["serial"]
    return entries


def read_entries(rows: bytearray) -> Table:
    """The entries that are in memory that grows; a copy, because it cannot grow as long as somebody looks at it."""
    return np.frombuffer(bytes(rows), ENTRY)


def first_segment(rows: bytearray) -> int:
    """The oldest segment that entries are in; they are in the order in which they were written."""
    return int.from_bytes(rows[: ENTRY["segment"].itemsize], "little")


def lie_before(entries: Table, end: Place) -> npt.NDArray[np.bool_]:
    """Which entries lie before a place of the log."""
    segment, offset = end
    before: npt.NDArray[np.bool_] = (entries["segment"] < segment) | (
        (entries["segment"] == segment) & (entries["offset"] < offset)
    )
    return before


def lie_within(entries: Table, segments: Sequence[int]) -> npt.NDArray[np.bool_]:
    """Which entries lie in some segments."""
    return np.isin(entries["segment"], np.array(segments, np.uint32))


def last_ns(entries: Table) -> npt.NDArray[np.int64]:
    """When the last packet of each unit came, rounded up to a tick."""
    last: npt.NDArray[np.int64] = entries["at"] + entries["span"] * np.int64(_TICK_NS)
    return last


def sizes(entries: Table) -> Iterator[tuple[int, int]]:
    """Segments, and how many bytes of each the entries are about."""
    if len(entries) == 1:
        yield int(entries["segment"][0]), int(entries["length"][0])
        return
    segments, places = np.unique(entries["segment"], return_inverse=True)
    counted = np.bincount(places, entries["length"], len(segments)).astype(np.int64)
    yield from zip(segments.tolist(), counted.tolist(), strict=True)


def _lay_out(table: Table, segment: int, offset: int) -> Table:
    entries = np.zeros(len(table), ENTRY)
    lengths = table["length"].astype(np.int64)
    entries["segment"] = segment
    entries["offset"] = offset + np.cumsum(lengths) - lengths
    entries["length"] = lengths
    return entries
