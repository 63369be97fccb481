"""The journal on the disk.

A segment file is a header and batches; nothing in it changes once it is written. A batch is its header; its tables:
units, notes, flows forgotten, calls forgotten, segments replaced; zeros, where much follows, up to a page of the disk;
then the units and the notes themselves, in the order of the tables. It begins with the salt of its segment, a random
number by which batches are found behind damaged ones. A batch that replaces segments, because it holds what is alive of
them, is alone in its own.

unit: UNIT, as in the table, then columns: times (u32, ns after first_ns), lengths (u16), payloads.
note: nonce (12 bytes), then sealed with AES-256-GCM.
All numbers are little-endian; addresses are in network order, those of IPv4 mapped into IPv6.
Source: RFC 4291 section 2.5.5.2 (mapped addresses).
"""

import zlib
from struct import Struct
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Table: TypeAlias = npt.NDArray[np.void]
Bytes: TypeAlias = bytes | memoryview

VERSION = 1
MAGIC = b"HUBJRNL\n"
MARK_BYTES = 16
CHECK_BYTES = 16
NONCE_BYTES = 12
SALT_BYTES = 8
WINDOW_NS = 4_000_000_000  # a unit spans less, so that its times fit into 32 bits
UNIT_PACKETS_MAX = (1 << 16) - 1
PAGE_BYTES = 4096  # no disk that is known has larger blocks
BATCH_BYTES_MAX = 1 << 31  # offsets have 32 bits

# magic, version, number of the segment, salt, check with the key, CRC-32 of all that.
SEGMENT_HEADER = Struct(f"<8sII{SALT_BYTES}s{CHECK_BYTES}sI")
# the segment's salt, rows of the five tables, bytes after the tables (zeros too), check.
BATCH_HEADER = Struct(f"<{SALT_BYTES}s5IQ{CHECK_BYTES}s")
TIME, LENGTH = np.dtype("<u4"), np.dtype("<u2")
UNIT = np.dtype(
    [
        ("crc", "<u4"),  # CRC-32 of the unit behind this field
        ("length", "<u4"),  # of the unit with this header, in bytes
        ("packets", "<u4"),
        ("span_ns", "<u4"),
        ("first_ns", "<i8"),
        ("source", "V16"),
        ("target", "V16"),
        ("source_port", "<u2"),
        ("target_port", "<u2"),
    ]
)
NOTE = np.dtype([("mark", f"V{MARK_BYTES}"), ("serial", "<u8"), ("length", "<u4")])
# What is forgotten lies before a place: end_segment, end_offset. The oldest of it is in first_segment.
_REACH = [("first_segment", "<u4"), ("end_segment", "<u4"), ("end_offset", "<u4")]
FORGOTTEN_FLOW = np.dtype(
    [
        ("source", "V16"),
        ("target", "V16"),
        ("source_port", "<u2"),
        ("target_port", "<u2"),
        ("before_ns", "<i8"),
        *_REACH,
    ]
)
FORGOTTEN_CALL = np.dtype([("mark", f"V{MARK_BYTES}"), *_REACH])
REPLACED = np.dtype([("segment", "<u4")])
_CRC_BYTES = UNIT["crc"].itemsize


def is_whole(unit: Bytes) -> bool:
    """Whether a unit is as it was written."""
    if len(unit) < UNIT.itemsize:
        return False
    return zlib.crc32(memoryview(unit)[_CRC_BYTES:]) == int.from_bytes(unit[:_CRC_BYTES], "little")
