"""Packets as they were captured: columns that point into one buffer."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PacketBlock:
    """Columns, one row a packet, in the order captured; every offset + length lies within the buffer.

    offset and length: the captured bytes of a packet, from its link layer on. wire_length: what it had on the wire.
    time_ns: since 1970, UTC. link_type: LINKTYPE_ values, as capture files have them.
    """

    buffer: npt.NDArray[np.uint8]
    offset: npt.NDArray[np.int64]
    length: npt.NDArray[np.int32]
    wire_length: npt.NDArray[np.int32]
    time_ns: npt.NDArray[np.int64]
    link_type: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.offset)
