"""How capture files begin, so that one is found behind another: whole ones that were written one behind the other.

Source: draft-ietf-opsawg-pcap 4; Wireshark, wiretap/libpcap.h (magic numbers); draft-ietf-opsawg-pcapng 4.1.
"""

import re
import struct
from collections.abc import Iterator
from itertools import islice

import numpy as np
import numpy.typing as npt

HEADER_BYTES = 24
MICRO, NANO, LONGER = 0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34
MAGICS = {struct.pack(f"{order}I", magic): (order, magic) for magic in (MICRO, NANO, LONGER) for order in "<>"}
SECTION_MAGIC = b"\x0a\x0d\x0d\x0a"
SECTION_ORDERS = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}

_LOOK_BYTES = 256
_VERSION, _NO_ZONE = (2, 4), (0, 0)
_PATTERNS = [
    *(re.compile(re.escape(magic + struct.pack(f"{order}HH", *_VERSION))) for magic, (order, _) in MAGICS.items()),
    *(re.compile(re.escape(SECTION_MAGIC) + b".{4}" + re.escape(order), re.DOTALL) for order in SECTION_ORDERS),
]


def is_beginning(data: memoryview, at: int) -> bool | None:
    """Whether a file begins at a byte, as hardly a packet does; None if more bytes must be seen to tell."""
    magic = bytes(data[at : at + 4])
    if magic not in MAGICS and magic != SECTION_MAGIC:
        return False
    if at + HEADER_BYTES > len(data):
        return None
    if magic == SECTION_MAGIC:
        return bytes(data[at + 8 : at + 12]) in SECTION_ORDERS
    return struct.unpack_from(f"{MAGICS[magic][0]}HHII", data, at + 4) == _VERSION + _NO_ZONE


def find_beginning(data: npt.NDArray[np.uint8]) -> int | None:
    """Where in some bytes the first file begins, whose header is whole; None if none does.

    The look goes further each time: of thousands of files one behind the other the next one is found at once.
    """
    view, start, size = data.data, 0, _LOOK_BYTES
    while start < len(view):
        end = start + size
        found = [at for pattern in _PATTERNS for at in islice(_matches(pattern, view, start, end), 1)]
        if found:
            return min(found)
        start, size = end, 2 * size
    return None


def _matches(pattern: re.Pattern[bytes], view: memoryview, start: int, end: int) -> Iterator[int]:
    places = (match.start() for match in pattern.finditer(view, start, end + HEADER_BYTES))
    return (at for at in places if at < end and is_beginning(view, at))
