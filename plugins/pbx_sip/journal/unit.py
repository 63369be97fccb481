"""What a journal keeps and gives back."""

from dataclasses import dataclass, field
from typing import NamedTuple


class UnitPlace(NamedTuple):
    """Where a unit lies, for any process: the number of the file, and which bytes of it."""

    segment: int
    offset: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Where the datagrams of one flow lie that were appended together, about a second of them.

    segment: number of the file; offset and length: its bytes there. source, target: endpoint keys of this process.
    last_ns: when the last came, rounded up by less than 0.1 ms.
    """

    segment: int
    offset: int
    length: int
    source: int
    target: int
    first_ns: int
    last_ns: int
    packets: int

    @property
    def place(self) -> UnitPlace:
        """Where it lies, for other processes."""
        return UnitPlace(self.segment, self.offset, self.length)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSummary:
    """All that is kept of the datagrams from one endpoint to another. size_bytes: on the disk."""

    source: int
    target: int
    first_ns: int
    last_ns: int
    packets: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A small record of a call beside its media, such as a SIP message; on the disk it is encrypted.

    call: notes are forgotten by it. at_ns: since 1970, UTC. kind: 0 to 255, the writer's affair.
    """

    call: str
    at_ns: int
    kind: int
    content: bytes = field(repr=False)
