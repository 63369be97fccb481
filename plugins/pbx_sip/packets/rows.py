"""Packets on their way through their headers: columns of where each stands, and names for what comes next there.

All packets that stand before the same kind of header are read at once; a kind is a number: an EtherType as it is, an IP
protocol above PROTOCOL, a link type above LINK, an end of the way above END, a refusal below zero.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.packets.windows import windows

Column: TypeAlias = npt.NDArray[np.int64]
Keys: TypeAlias = npt.NDArray[np.uint64]
Chosen: TypeAlias = npt.NDArray[np.bool_] | npt.NDArray[np.int64]

IPV4 = 0x0800
IPV6 = 0x86DD
ETHERNET_BRIDGED = 0x6558
PROTOCOL = 0x10000
LINK = 0x20000
ETHERNET = LINK + 1
RAW_IP = LINK + 101
INNER = 0x30000
LLC = INNER + 1
VXLAN = INNER + 2
GENEVE = INNER + 3
END = 0x40000
DATAGRAM = END + 1
SEGMENT = END + 2
FRAGMENT4 = END + 3
FRAGMENT6 = END + 4

TOO_SHORT = -1
TOO_DEEP = -2
NO_SNAP = -3
NO_IP = -4
BAD_PPPOE = -5
BAD_IPV4 = -6
BAD_IPV6 = -7
FULL = -8
BAD_GRE = -9
BAD_ERSPAN = -10
BAD_UDP = -11
BAD_TCP = -12
NO_FAMILY = -13

_REFUSALS: Mapping[int, str] = {
    TOO_SHORT: "shorter than its headers",
    TOO_DEEP: "too many headers",
    NO_SNAP: "802.3 without SNAP",
    NO_IP: "neither IPv4 nor IPv6",
    NO_FAMILY: "loopback of another family",
    BAD_PPPOE: "PPPoE without IP",
    BAD_IPV4: "wrong IPv4 header",
    BAD_IPV6: "wrong IPv6 header",
    FULL: "too many IPv6 addresses",
    BAD_GRE: "GRE of another version",
    BAD_ERSPAN: "wrong ERSPAN header",
    BAD_UDP: "wrong UDP header",
    BAD_TCP: "wrong TCP header",
}


def tell_kind(kind: int) -> str:
    """Why packets went no further than a header of this kind, for people."""
    if kind < 0:
        return _REFUSALS[kind]
    if kind < PROTOCOL:
        return f"EtherType 0x{kind:04x}"
    return f"IP protocol {kind - PROTOCOL}" if kind < LINK else f"link type {kind - LINK}"


@dataclass(frozen=True, slots=True)
class Rows:
    """Packets before the same kind of header.

    row: their numbers in the block. at: where that header begins in the buffer. end: where their bytes end, as far as
    captured and as far as the headers before say. source, target: endpoint keys; those of an IP header have port 0.
    """

    buffer: npt.NDArray[np.uint8]
    row: Column
    at: Column
    end: Column
    source: Keys
    target: Keys

    def __len__(self) -> int:
        return len(self.row)

    def pick(self, chosen: Chosen) -> "Rows":
        """Some of the packets."""
        return Rows(
            self.buffer, self.row[chosen], self.at[chosen], self.end[chosen], self.source[chosen], self.target[chosen]
        )

    def step(self, at: Column, end: Column | None = None) -> "Rows":
        """The same packets before their next header."""
        return Rows(self.buffer, self.row, at, self.end if end is None else end, self.source, self.target)

    def headers(self, layout: np.dtype[np.void]) -> npt.NDArray[np.void]:
        """A copy of the header of each packet; all of them must have that many bytes."""
        size = layout.itemsize
        if not len(self.at):
            return np.empty(0, layout)
        return windows(self.buffer, size)[self.at].view(layout)


class Step(NamedTuple):
    """What comes next in each packet, and where."""

    kinds: Column
    rows: Rows


class Header(NamedTuple):
    """How one kind of header is read: its fixed part, and what follows from that."""

    layout: np.dtype[np.void]
    read: Callable[[Rows, npt.NDArray[np.void]], Step]


def join_rows(parts: Sequence[Rows]) -> Rows:
    """Packets of one buffer that came to the same kind of header on different ways."""
    if len(parts) == 1:
        return parts[0]
    return Rows(
        parts[0].buffer,
        np.concatenate([part.row for part in parts]),
        np.concatenate([part.at for part in parts]),
        np.concatenate([part.end for part in parts]),
        np.concatenate([part.source for part in parts]),
        np.concatenate([part.target for part in parts]),
    )


def split_rows(step: Step, known: npt.NDArray[np.bool_]) -> tuple[list[tuple[int, Rows]], list[tuple[int, int]]]:
    """Packets by what comes next: each known kind with its rows, each other kind with their number.

    known: by kind, with room at its end for refusals, which are below zero.
    """
    kinds, rows = step
    if not len(rows):
        return [], []
    first = int(kinds[0])
    if (kinds == first).all():
        return ([(first, rows)], []) if known[first] else ([], [(first, len(rows))])
    is_known = known[kinds]
    left = np.flatnonzero(is_known)
    groups = []
    while len(left):
        kind = int(kinds[left[0]])
        is_same = kinds[left] == kind
        groups.append((kind, rows.pick(left[is_same])))
        left = left[~is_same]
    others, counts = np.unique(kinds[~is_known], return_counts=True)
    return groups, list(zip(others.tolist(), counts.tolist(), strict=True))


def make_table(kinds: Iterable[int]) -> npt.NDArray[np.bool_]:
    """The known kinds as a table for split_rows."""
    known = np.zeros(END + 64, np.bool_)
    known[list(kinds)] = True
    return known
