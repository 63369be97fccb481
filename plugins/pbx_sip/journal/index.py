"""What is in a journal and where, with 24 bytes in memory for each unit and note."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.journal.entries import (
    ENTRY,
    Place,
    first_segment,
    last_ns,
    lie_before,
    lie_within,
    read_entries,
    sizes,
)
from plugins.pbx_sip.journal.layout import Table
from plugins.pbx_sip.journal.unit import FlowSummary, Unit, UnitPlace

FlowKey: TypeAlias = tuple[int, int]


class Index:
    """Entries by flow and by call, a row of ENTRY each."""

    def __init__(self) -> None:
        self._flows: dict[FlowKey, bytearray] = {}
        self._calls: dict[bytes, bytearray] = {}
        self._by_endpoint: dict[int, set[FlowKey]] = {}
        self._live_bytes: Counter[int] = Counter()

    def live_bytes(self, segment: int) -> int:
        """How much of a segment is not forgotten."""
        return self._live_bytes[segment]

    def add_units(self, ways: Iterable[FlowKey], entries: Table) -> None:
        """Take in units, each with the endpoints of its flow, source and target."""
        rows = memoryview(entries.tobytes())
        for number, way in enumerate(ways):
            flow = self._flows.get(way)
            if flow is None:
                flow = self._flows[way] = bytearray()
                for endpoint in way:
                    self._by_endpoint.setdefault(endpoint, set()).add(way)
            flow += rows[number * ENTRY.itemsize : (number + 1) * ENTRY.itemsize]
        self._count(entries)

    def add_notes(self, notes: Table, entries: Table) -> None:
        """Take in the notes of a table."""
        for mark, entry in zip(notes["mark"], entries, strict=True):
            self._calls.setdefault(bytes(mark), bytearray()).extend(entry.tobytes())
        self._count(entries)

    def find(
        self, endpoints: Collection[int], from_ns: int, until_ns: int, without: Collection[FlowKey] = frozenset()
    ) -> list[Unit]:
        """Units of the flows from or to any of the endpoints, but for some, of a time, in the order of time."""
        ways = {way for endpoint in endpoints for way in self._by_endpoint.get(endpoint, ()) if way not in without}
        found = []
        for source, target in ways:
            entries = read_entries(self._flows[source, target])
            last = last_ns(entries)
            within = (entries["at"] < until_ns) & (last >= from_ns)
            found += [
                Unit(
                    segment=segment,
                    offset=offset,
                    length=length,
                    source=source,
                    target=target,
                    first_ns=at,
                    last_ns=latest,
                    packets=packets,
                )
                for (segment, offset, length, _, packets, at), latest in zip(
                    entries[within].tolist(), last[within].tolist(), strict=True
                )
            ]
        found.sort(key=lambda unit: (unit.first_ns, unit.segment, unit.offset))
        return found

    def last_ns_to(self, endpoint: int) -> int:
        """When the newest unit that went to an endpoint ended, 0 if there is none."""
        ways = (way for way in self._by_endpoint.get(endpoint, ()) if way[1] == endpoint)
        return max((int(last_ns(read_entries(self._flows[way][-ENTRY.itemsize :]))[0]) for way in ways), default=0)

    def flows(self) -> Iterator[FlowSummary]:
        """What there is of each flow."""
        for (source, target), rows in self._flows.items():
            entries = read_entries(rows)
            yield FlowSummary(
                source=source,
                target=target,
                first_ns=int(entries["at"].min()),
                last_ns=int(last_ns(entries).max()),
                packets=int(entries["packets"].sum(dtype=np.int64)),
                size_bytes=int(entries["length"].sum(dtype=np.int64)),
            )

    def notes(self) -> list[tuple[int, bytes, UnitPlace]]:
        """Serial number, mark of the call and place of each note, in order."""
        return sorted(
            (serial, mark, UnitPlace(segment, offset, length))
            for mark, rows in self._calls.items()
            for segment, offset, length, _, _, serial in read_entries(rows).tolist()
        )

    def forget_flow(self, source: int, target: int, before_ns: int, end: Place) -> int:
        """Forget the units of a flow that lie before a place and ended before a moment.

        Returns: the oldest segment with any of them, 0 if there are none.
        """
        way = source, target
        if way not in self._flows:
            return 0
        entries = read_entries(self._flows[way])
        return self._keep(way, entries, ~lie_before(entries, end) | (last_ns(entries) >= before_ns))

    def forget_call(self, mark: bytes, end: Place) -> int:
        """Forget the notes of a call that lie before a place.

        Returns: the oldest segment with any of them, 0 if there are none.
        """
        if mark not in self._calls:
            return 0
        entries = read_entries(self._calls[mark])
        return self._keep_notes(mark, entries, ~lie_before(entries, end))

    def within(
        self, segments: Sequence[int]
    ) -> tuple[list[tuple[UnitPlace, FlowKey]], list[tuple[UnitPlace, bytes, int]]]:
        """What lies in segments, in their order: units with their flow, notes with mark and serial number."""
        units = [(place, way) for way, rows in self._flows.items() for place, _ in _within(rows, segments)]
        notes = [(place, mark, at) for mark, rows in self._calls.items() for place, at in _within(rows, segments)]
        return sorted(units), sorted(notes)

    def drop(self, segments: Sequence[int]) -> None:
        """Forget all that lies in segments."""
        last = max(segments)
        for way in [way for way, rows in self._flows.items() if first_segment(rows) <= last]:
            entries = read_entries(self._flows[way])
            self._keep(way, entries, ~lie_within(entries, segments))
        for mark in [mark for mark, rows in self._calls.items() if first_segment(rows) <= last]:
            entries = read_entries(self._calls[mark])
            self._keep_notes(mark, entries, ~lie_within(entries, segments))

    def _keep(self, way: FlowKey, entries: Table, stays: npt.NDArray[np.bool_]) -> int:
        first = self._discount(entries[~stays])
        if stays.any():
            self._flows[way] = bytearray(entries[stays].tobytes())
            return first
        del self._flows[way]
        for endpoint in set(way):
            ways = self._by_endpoint[endpoint]
            ways.discard(way)
            if not ways:
                del self._by_endpoint[endpoint]
        return first

    def _keep_notes(self, mark: bytes, entries: Table, stays: npt.NDArray[np.bool_]) -> int:
        if stays.any():
            self._calls[mark] = bytearray(entries[stays].tobytes())
        else:
            del self._calls[mark]
        return self._discount(entries[~stays])

    def _count(self, entries: Table) -> None:
        for segment, size in sizes(entries):
            self._live_bytes[segment] += size

    def _discount(self, entries: Table) -> int:
        """Entries are no more; the oldest segment of theirs, 0 if there are none."""
        for segment, size in sizes(entries):
            self._live_bytes[segment] -= size
            if not self._live_bytes[segment]:
                del self._live_bytes[segment]
        return int(entries["segment"][0]) if len(entries) else 0


def _within(rows: bytearray, segments: Sequence[int]) -> Iterator[tuple[UnitPlace, int]]:
    if first_segment(rows) <= max(segments):
        entries = read_entries(rows)
        for segment, offset, length, _, _, at in entries[lie_within(entries, segments)].tolist():
            yield UnitPlace(segment, offset, length), at
