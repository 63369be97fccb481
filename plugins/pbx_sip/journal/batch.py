"""What is written at once: tables that say what follows them."""

from dataclasses import dataclass, field, replace
from struct import pack

import numpy as np

from plugins.pbx_sip.journal.layout import (
    BATCH_HEADER,
    CHECK_BYTES,
    FORGOTTEN_CALL,
    FORGOTTEN_FLOW,
    NOTE,
    PAGE_BYTES,
    REPLACED,
    UNIT,
    Table,
)
from plugins.pbx_sip.journal.seals import Seals

_LAYOUTS = (UNIT, NOTE, FORGOTTEN_FLOW, FORGOTTEN_CALL, REPLACED)
_FEW = 16  # as in a batch of notes: so many are added up faster without NumPy
_UNCHECKED_BYTES = BATCH_HEADER.size - CHECK_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The tables of one write. replaced: the segments of which nothing counts any more.

    padding_bytes: zeros between the tables and what follows, so that it begins where a page of the disk does.
    """

    units: Table = field(default_factory=lambda: np.empty(0, UNIT))
    notes: Table = field(default_factory=lambda: np.empty(0, NOTE))
    flows: Table = field(default_factory=lambda: np.empty(0, FORGOTTEN_FLOW))
    calls: Table = field(default_factory=lambda: np.empty(0, FORGOTTEN_CALL))
    replaced: Table = field(default_factory=lambda: np.empty(0, REPLACED))
    padding_bytes: int = 0

    @property
    def units_bytes(self) -> int:
        """The size of the units that follow."""
        return _sum_lengths(self.units)

    @property
    def data_bytes(self) -> int:
        """The size of all that follows the tables."""
        return self.padding_bytes + self.units_bytes + _sum_lengths(self.notes)

    @property
    def head_bytes(self) -> int:
        """The size of header and tables."""
        return BATCH_HEADER.size + sum(table.nbytes for table in self._tables)

    def encode(self, salt: bytes, segment: int, offset: int, seals: Seals) -> bytes:
        """Header, tables and padding, for one place of one segment only."""
        rows = [len(table) for table in self._tables]
        header = BATCH_HEADER.pack(salt, *rows, self.data_bytes, bytes(CHECK_BYTES))
        tables = b"".join(table.tobytes() for table in self._tables)
        header = header[:_UNCHECKED_BYTES]
        return header + seals.check(_place(salt, segment, offset), header, tables) + tables + bytes(self.padding_bytes)

    @property
    def _tables(self) -> tuple[Table, ...]:
        return self.units, self.notes, self.flows, self.calls, self.replaced


def size_of(header: bytes) -> tuple[int, int]:
    """What a header says of its batch: bytes of header and tables, bytes of all."""
    _, *rows, data_bytes, _ = BATCH_HEADER.unpack(header)
    head_bytes = BATCH_HEADER.size + sum(count * layout.itemsize for count, layout in zip(rows, _LAYOUTS, strict=True))
    return head_bytes, head_bytes + data_bytes


def decode(head: bytes, salt: bytes, segment: int, offset: int, seals: Seals) -> Batch | None:
    """The batch whose header and tables these are; None if they are not as they were written, or from elsewhere."""
    begin, *rows, data_bytes, check = BATCH_HEADER.unpack_from(head)
    header, tables = head[:_UNCHECKED_BYTES], head[BATCH_HEADER.size :]
    if begin != salt or check != seals.check(_place(salt, segment, offset), header, tables):
        return None
    found, at = [], 0
    for count, layout in zip(rows, _LAYOUTS, strict=True):
        found.append(np.frombuffer(tables, layout, count, at))
        at += count * layout.itemsize
    units, notes, flows, calls, replaced = found
    batch = Batch(units=units, notes=notes, flows=flows, calls=calls, replaced=replaced)
    padding_bytes = data_bytes - batch.data_bytes
    return replace(batch, padding_bytes=padding_bytes) if 0 <= padding_bytes < PAGE_BYTES else None


def _sum_lengths(table: Table) -> int:
    lengths = table["length"]
    return sum(lengths.tolist()) if len(table) < _FEW else int(lengths.sum(dtype=np.int64))


def _place(salt: bytes, segment: int, offset: int) -> bytes:
    return salt + pack("<IQ", segment, offset)
