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
GTPU = INNER + 4
GTPU_MORE = INNER + 5
TZSP = INNER + 6
TZSP_TAG = INNER + 7
WIRELESS = INNER + 8
LOG_FIELD = INNER + 9
VXLAN_GPE = INNER + 10
L2TP = INNER + 11
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
NO_DATA_FRAME = -14
UNREAD_L2TP = -15

_REFUSALS: Mapping[int, str] = {
    TOO_SHORT: "shorter than its headers",
    TOO_DEEP: "too many headers",
    NO_SNAP: "802.3 without SNAP",
    NO_IP: "neither IPv4 nor IPv6",
    NO_FAMILY: "loopback of another family",
    NO_DATA_FRAME: "wireless frames that are encrypted or hold no data",
    BAD_PPPOE: "PPPoE without IP",
    BAD_IPV4: "wrong IPv4 header",
    BAD_IPV6: "wrong IPv6 header",
    FULL: "too many IPv6 addresses",
    BAD_GRE: "GRE of another version",
    BAD_ERSPAN: "wrong ERSPAN header",
    BAD_UDP: "wrong UDP header",
    BAD_TCP: "wrong TCP header",
    UNREAD_L2TP: "tunnel of L2TPv3",
}


_TUNNEL_NAMES: Mapping[int, str] = {
    50: "tunnel of IPsec",
    94: "tunnel of KA9Q",
    97: "tunnel of EtherIP",
    137: "tunnel of MPLS in IP",
}
FOREIGN = ("link type", "tunnel", _REFUSALS[NO_DATA_FRAME])
"""What reasons begin with that no ordinary traffic gives: the capture was made where no calls can be read."""

# ARP, IPX, flow control, link aggregation, LLDP, 802.1X, time, storage and machines: what a network has beside IP.
# Source: IEEE, Ethertype registry.
_ORDINARY_TYPES = (
    0x0806, 0x0842, 0x22EA, 0x22F0, 0x6002, 0x8035, 0x809B, 0x80F3, 0x8137, 0x8808, 0x8809, 0x8863, 0x886D, 0x8874,
    0x887B, 0x888E, 0x8892, 0x8899, 0x88A4, 0x88AB, 0x88B5, 0x88B6, 0x88B7, 0x88B8, 0x88BA, 0x88C7, 0x88CC, 0x88CD,
    0x88D9, 0x88E1, 0x88F5, 0x88F7, 0x88FB, 0x8902, 0x8906, 0x8912, 0x8914, 0x8915, 0x891D, 0x893A, 0x9000,
)  # fmt: skip
ORDINARY = (
    "IP protocol",
    *(_REFUSALS[kind] for kind in (NO_SNAP, FULL, BAD_PPPOE, NO_FAMILY)),
    *(f"EtherType 0x{kind:04x}" for kind in _ORDINARY_TYPES),
)
"""What reasons begin with that every traffic gives."""
_TYPE_NAMES: Mapping[int, str] = {0x22F3: "TRILL", 0x88E5: "MACsec, encrypted", 0x892F: "HSR", 0x894F: "NSH"}

# Source: tcpdump.org/linktypes.html.
_LINK_NAMES: Mapping[int, str] = {
    6: "Token Ring",
    7: "ARCNET",
    8: "SLIP",
    10: "FDDI",
    51: "PPPoE",
    100: "ATM",
    107: "Frame Relay",
    117: "pflog of OpenBSD",
    119: "802.11 with Prism headers",
    122: "IP over Fibre Channel",
    123: "ATM of SunATM",
    129: "ARCNET of Linux",
    137: "Juniper",
    138: "IP over IEEE 1394",
    140: "MTP2",
    141: "MTP3",
    142: "SCCP",
    143: "DOCSIS",
    163: "802.11 with AVS headers",
    187: "Bluetooth",
    189: "USB of Linux",
    192: "PPI",
    195: "IEEE 802.15.4",
    204: "PPP with direction",
    205: "Cisco HDLC with direction",
    220: "USB of Linux",
    231: "D-Bus",
    249: "USB of Windows",
    252: "exported PDUs of Wireshark",
    253: "netlink of Linux",
    258: "PKTAP of macOS",
}


def tell_kind(kind: int) -> str:
    """Why packets went no further than a header of this kind, for people."""
    if kind < 0:
        return _REFUSALS[kind]
    if kind < PROTOCOL:
        name = _TYPE_NAMES.get(kind, "")
        return f"EtherType 0x{kind:04x} ({name})" if name else f"EtherType 0x{kind:04x}"
    if kind < LINK:
        return _TUNNEL_NAMES.get(kind - PROTOCOL, f"IP protocol {kind - PROTOCOL}")
    name = _LINK_NAMES.get(kind - LINK, "")
    return f"link type {kind - LINK} ({name})" if name else f"link type {kind - LINK}"


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
