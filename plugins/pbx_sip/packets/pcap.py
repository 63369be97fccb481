"""Files of libpcap: both byte orders, micro- and nanoseconds, and the longer records of Kuznetzov's libpcap.

Source: draft-ietf-opsawg-pcap 4 and 5; Wireshark, wiretap/libpcap.h (magic numbers).
"""

import struct

import numpy as np

from plugins.pbx_sip.packets.blocks import PacketBlock
from plugins.pbx_sip.packets.records import (
    PACKET_BYTES_MAX,
    RUN_FROM,
    Chunk,
    Offsets,
    Portion,
    measure_run,
    read_columns,
)

HEADER_BYTES = 24
_MICRO = 0xA1B2C3D4
_NANO = 0xA1B23C4D
_MODIFIED = 0xA1B2CD34
_SCALES_NS = {_MICRO: 1000, _NANO: 1, _MODIFIED: 1000}
_MAGICS = {struct.pack(f"{order}I", magic): (order, magic) for magic in _SCALES_NS for order in "<>"}


def is_pcap(head: bytes) -> bool:
    """Whether a file that begins so is one of libpcap."""
    return head[:4] in _MAGICS


class PcapReader:
    """Reads the records of one file."""

    def __init__(self, header: bytes) -> None:
        self._order, magic = _MAGICS[header[:4]]
        self._scale_ns = _SCALES_NS[magic]
        self._head_bytes = 24 if magic == _MODIFIED else 16
        (link_type,) = struct.unpack_from(f"{self._order}I", header, 20)
        self._link_type = link_type & 0xFFFF  # above it: whether frames end with a checksum
        names = ("seconds", "fraction", "captured", "wire")
        self._layout = np.dtype([(name, f"{self._order}u4") for name in names])
        self.key_log = ""

    def read(self, chunk: Chunk) -> Portion:
        """The whole records of a chunk."""
        offsets, used, damage = self._walk(chunk)
        if not len(offsets):
            return Portion(used, None, damage)
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
        return Portion(used, block, damage)

    def _walk(self, chunk: Chunk) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], int, str]:
        """Where the whole records begin, where they end, and what is wrong there."""
        unpack = struct.Struct(f"{self._order}I").unpack_from
        view, head, end = chunk.data, self._head_bytes, len(chunk)
        offsets = Offsets()
        append = offsets.single.append
        at = same = length_before = 0
        while at + head <= end:
            (length,) = unpack(view, at + 8)
            following = at + head + length
            if length > PACKET_BYTES_MAX:
                return offsets.take(), at, f"a packet of {length} bytes"
            if following > end:
                break
            if length != length_before:
                length_before, same = length, 0
            elif same >= RUN_FROM:
                count = measure_run(chunk, at, head + length, 8, f"{self._order}u4")
                offsets.add_run(at, head + length, count)
                at += (head + length) * count
                same = 0
                continue
            append(at)
            same += 1
            at = following
        return offsets.take(), at, ""
