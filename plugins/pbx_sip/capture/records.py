"""Records of a TPACKET_V3 ring: from the bytes of its blocks to columns.

Source: Linux Documentation/networking/packet_mmap.rst; linux/if_packet.h (tpacket_block_desc, tpacket3_hdr).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.packets.blocks import PacketBlock
from plugins.pbx_sip.packets.records import read_columns

_RECORD = np.dtype(
    {
        "names": ["next", "seconds", "nanoseconds", "captured", "length", "link"],
        "formats": ["=u4", "=u4", "=u4", "=u4", "=u4", "=u2"],
        "offsets": [0, 4, 8, 12, 16, 24],
        "itemsize": 32,
    }
)
_UNIT_BYTES = 8  # every record begins at a multiple of it
_MARK = 3  # units from the beginning of a record to where its link and network layer stand in it

Column = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Records that came out of one block of the ring: where in a buffer they begin and end, and how many there are."""

    start: int
    end: int
    count: int


def read_records(buffer: npt.NDArray[np.uint8], stretches: list[Stretch], link_type: int) -> PacketBlock:
    """The packets of a buffer that holds the records of several blocks of the ring.

    Each stretch begins and ends at a multiple of 8 bytes.
    """
    units = buffer.view(np.uint64)
    at = np.concatenate([_find_records(units, stretch) for stretch in stretches])
    records = read_columns(buffer, at, _RECORD)
    return PacketBlock(
        buffer=buffer,
        offset=at + records["link"],
        length=records["captured"].astype(np.int32),
        wire_length=records["length"].astype(np.int32),
        time_ns=records["seconds"] * np.int64(1_000_000_000) + records["nanoseconds"],
        link_type=np.full(len(at), link_type, np.int32),
    )


def _find_records(units: npt.NDArray[np.uint64], stretch: Stretch) -> Column:
    """Where the records begin.

    Wherever the mark of the first one is found again, another may begin; they all do if each leads to the next. Where
    packets look like records, or not all records bear one mark, they are followed one by one.
    """
    first, end = stretch.start // _UNIT_BYTES, stretch.end // _UNIT_BYTES
    marks = units[first + _MARK : end]
    found: Column = np.flatnonzero(marks == marks[0]) + first
    distances = units.view(np.uint32)[::2]
    if len(found) == stretch.count and (found[:-1] + distances[found[:-1]] // _UNIT_BYTES == found[1:]).all():
        return found * _UNIT_BYTES
    follow, position = distances.data, first
    positions = [first]
    for _ in range(stretch.count - 1):
        position += follow[position] // _UNIT_BYTES
        positions.append(position)
    return np.array(positions, np.int64) * _UNIT_BYTES
