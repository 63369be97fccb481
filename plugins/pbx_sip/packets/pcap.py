"""Files of libpcap: both byte orders, micro- and nanoseconds, and the longer records of Kuznetzov's libpcap.

Source: draft-ietf-opsawg-pcap 4 and 5; Wireshark, wiretap/libpcap.h (magic numbers).
"""

import struct

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.packets.beginnings import (
    LONGER,
    MAGICS,
    MICRO,
    NANO,
    find_beginning,
    is_beginning,
)
from plugins.pbx_sip.packets.blocks import PacketBlock
from plugins.pbx_sip.packets.records import (
    PACKET_BYTES_MAX,
    RUN_FROM,
    Chunk,
    Offsets,
    Portion,
    Stop,
    measure_run,
    read_columns,
)

_Offsets = npt.NDArray[np.int64]

_SUSPECT_PACKETS = 8  # that look like some before one that cannot be
_SCALES_NS = {MICRO: 1000, NANO: 1, LONGER: 1000}


def is_pcap(head: bytes) -> bool:
    """Whether a file that begins so is one of libpcap."""
    return head[:4] in MAGICS


class PcapReader:
    """Reads the records of one file."""

    def __init__(self, header: bytes) -> None:
        self._order, magic = MAGICS[header[:4]]
        self._scale_ns = _SCALES_NS[magic]
        self._head_bytes = 24 if magic == LONGER else 16
        self._usual_max, link_type = struct.unpack_from(f"{self._order}II", header, 16)
        self._link_type = link_type & 0xFFFF  # above it: whether frames end with a checksum
        names = ("seconds", "fraction", "captured", "wire")
        self._layout = np.dtype([(name, f"{self._order}u4") for name in names])
        self.key_log = ""
        self.apart_ns = 0

    def read(self, chunk: Chunk) -> Portion:
        """The whole records of a chunk."""
        offsets, stop = self._walk(chunk)
        begins = None if stop.is_end else self._find_swallowed(chunk, offsets, stop.at)
        if begins is not None:
            ends = np.append(offsets, stop.at)[1:]
            offsets, stop = offsets[ends <= begins], Stop(begins, "a packet that is cut off")
        if not len(offsets):
            return Portion(stop.at, None, stop.damage, stop.is_end)
        fields = read_columns(chunk, offsets, self._layout)
        captured = fields["captured"].astype(np.int32)
        block = PacketBlock(
            buffer=chunk,
            offset=offsets + self._head_bytes,
            length=captured,
            wire_length=np.maximum(fields["wire"], fields["captured"]).astype(np.int32),
            time_ns=fields["seconds"].astype(np.int64) * 1_000_000_000
            + fields["fraction"].astype(np.int64) * self._scale_ns,
            link_type=np.full(len(offsets), self._link_type, np.int32),
        )
        return Portion(stop.at, block, stop.damage, stop.is_end)

    def _find_swallowed(self, chunk: Chunk, offsets: _Offsets, end: int) -> int | None:
        """Where another file begins within what seems to be a packet: one that was cut off; None if none does."""
        heads = np.append(offsets, end) if end + 16 <= len(chunk) else offsets
        fields = read_columns(chunk, heads, self._layout)
        is_odd = (fields["fraction"] >= 1_000_000_000 // self._scale_ns) | (fields["wire"] < fields["captured"])
        odd = np.flatnonzero(is_odd | (fields["captured"] > (self._usual_max or PACKET_BYTES_MAX)))
        if not len(odd):
            return None
        from_byte = int(heads[max(int(odd[0]) - _SUSPECT_PACKETS, 0)]) + 1
        begins = find_beginning(chunk[from_byte : from_byte + 2 * PACKET_BYTES_MAX])
        return None if begins is None else from_byte + begins

    def _walk(self, chunk: Chunk) -> tuple[_Offsets, Stop]:
        """Where the whole records begin, and where they end."""
        unpack = struct.Struct(f"{self._order}I").unpack_from
        view, head, end = chunk.data, self._head_bytes, len(chunk)
        offsets = Offsets()
        append = offsets.single.append
        at = same = length_before = 0
        while at + head <= end:
            (length,) = unpack(view, at + 8)
            following = at + head + length
            if not 0 < length <= PACKET_BYTES_MAX:  # as also where another file begins, in either format
                begins = is_beginning(view, at)
                if begins is None:
                    break
                if begins:
                    return offsets.take(), Stop(at, is_end=True)
                if length:
                    return offsets.take(), Stop(at, f"a packet of {length} bytes")
            if following > end:
                break
            if length != length_before:
                length_before, same = length, 0
            elif same >= RUN_FROM and length:
                count = measure_run(chunk, at, head + length, 8, f"{self._order}u4")
                offsets.add_run(at, head + length, count)
                at += (head + length) * count
                same = 0
                continue
            append(at)
            same += 1
            at = following
        return offsets.take(), Stop(at)
