"""Rooms that recvmmsg fills with datagrams, socket by socket, and that are emptied into columns at once.

Source: recvmmsg(2), cmsg(3), socket(7), ip(7), ipv6(7).
"""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.packets.datagrams import NO_KEY, Datagrams, Endpoints

ROOMS = 1024
DATAGRAM_BYTES_MAX = 4096
SO_TIMESTAMPNS = 35
IP_PKTINFO = 8

MESSAGE = np.dtype(
    {
        "names": ["name", "name_size", "parts", "part_count", "control", "control_size", "size"],
        "formats": ["u8", "u4", "u8", "u8", "u8", "u8", "u4"],
        "offsets": [0, 8, 16, 24, 32, 40, 56],
        "itemsize": 64,
    }
)
PART = np.dtype([("place", "u8"), ("size", "u8")])
_NAME = np.dtype(
    {
        "names": ["port", "address4", "address6"],
        "formats": [">u2", ">u4", "V16"],
        "offsets": [2, 4, 8],
        "itemsize": 28,
    }
)
# The time that SO_TIMESTAMPNS asks for comes first, then the address that IP_PKTINFO or IPV6_RECVPKTINFO asks for.
_CONTROL = np.dtype(
    {
        "names": ["seconds", "nanoseconds", "address4", "address6"],
        "formats": ["i8", "i8", ">u4", "V16"],
        "offsets": [16, 24, 56, 48],
        "itemsize": 96,
    }
)
_DONT_WAIT = 0x40
_PORT_BITS = np.uint64(16)

Keys = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Batch:
    """Datagrams that one socket gave at once.

    key: its endpoint; of one that is bound to every address, the port alone, as each datagram says to which it went.
    """

    key: int
    count: int
    is_ipv6: bool
    is_everywhere: bool


class Inbox:
    """Room for 1024 datagrams; what is longer than 4096 bytes is cut."""

    def __init__(self) -> None:
        self._receive = ctypes.CDLL(None, use_errno=True).recvmmsg
        self._receive.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p)
        self._data = np.zeros((ROOMS, DATAGRAM_BYTES_MAX), np.uint8)
        self._names = np.zeros(ROOMS, _NAME)
        self._controls = np.zeros(ROOMS, _CONTROL)
        self._parts = np.zeros(ROOMS, PART)
        self._parts["place"] = places(self._data)
        self._parts["size"] = DATAGRAM_BYTES_MAX
        self._messages = np.zeros(ROOMS, MESSAGE)
        self._messages["name"] = places(self._names)
        self._messages["parts"] = places(self._parts)
        self._messages["part_count"] = 1
        self._messages["control"] = places(self._controls)
        self._place = self._messages.ctypes.data
        self._used = 0
        self._make_room(ROOMS)

    def receive(self, fd: int, at_most: int) -> int:
        """Take what waits at a socket, without waiting for more.

        Returns: how many datagrams came; 0 if there is no room.
        """
        count: int = self._receive(
            fd, self._place + MESSAGE.itemsize * self._used, min(at_most, ROOMS - self._used), _DONT_WAIT, None
        )
        self._used += max(0, count)
        return max(0, count)

    def empty(self, batches: Sequence[Batch], endpoints: Endpoints) -> Datagrams:
        """All that was received, in the order in which it came to the machine."""
        used = self._used
        length = self._messages["size"][:used].astype(np.int32)
        width = max(1, int(length.max()))
        time_ns = self._controls["seconds"][:used] * 1_000_000_000 + self._controls["nanoseconds"][:used]
        source, target = self._find_ends(batches, endpoints)
        order = np.argsort(time_ns, kind="stable")
        known = order[(source[order] != NO_KEY) & (target[order] != NO_KEY)]
        datagrams = Datagrams(
            buffer=self._data[:used, :width].flatten(),  # a copy, also of a single row: the rooms are used again
            time_ns=time_ns[known],
            source=source[known],
            target=target[known],
            offset=known * width,
            length=length[known],
        )
        self._make_room(used)
        return datagrams

    def _find_ends(self, batches: Sequence[Batch], endpoints: Endpoints) -> tuple[Keys, Keys]:
        counts = [batch.count for batch in batches]
        names, controls = self._names[: self._used], self._controls[: self._used]
        source = names["address4"].astype(np.uint64) << _PORT_BITS
        target = np.repeat(np.array([batch.key for batch in batches], np.uint64), counts)
        is_ipv6 = np.repeat([batch.is_ipv6 for batch in batches], counts)
        is_open = np.repeat([batch.is_everywhere for batch in batches], counts)
        if is_ipv6.any():
            source[is_ipv6] = endpoints.keys(names["address6"][is_ipv6])
        if is_open.any():
            told4, told6 = is_open & ~is_ipv6, is_open & is_ipv6
            target[told4] |= controls["address4"][told4].astype(np.uint64) << _PORT_BITS
            if told6.any():
                target[told6] |= endpoints.keys(controls["address6"][told6])
        return source | names["port"], target

    def _make_room(self, used: int) -> None:
        """The kernel writes over the sizes that it was given."""
        self._messages["name_size"][:used] = _NAME.itemsize
        self._messages["control_size"][:used] = _CONTROL.itemsize
        self._used = 0


def places(rooms: npt.NDArray[np.generic]) -> Keys:
    """Where in memory each row lies."""
    return np.uint64(rooms.ctypes.data) + np.arange(len(rooms), dtype=np.uint64) * np.uint64(rooms.strides[0])
