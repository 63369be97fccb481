"""Packets that carry what earlier ones carried once more, so that a loss does no harm.

Source: RFC 2198 sections 3 (blocks and their headers) and 4 (numbers of what is repeated).
"""

from collections.abc import Iterator
from struct import pack

import numpy as np

from plugins.pbx_sip.rtp.packets import HEADER_BYTES, RtpPackets, read_rtp

_BLOCKS_MAX = 8
_MARKER = 0x80
_NS = 10**9

_Block = tuple[int, int, bytes]


def unwrap(packets: RtpPackets, clock_hz: int) -> RtpPackets:
    """The packets that were sent in packets of redundant ones, in the order of arrival.

    What is repeated is taken where the packet that had it first did not come. It is as much older than what is new
    beside it as its timestamp says, and came as late as that. clock_hz: of the timestamps.
    """
    # By timestamps, as numbers come again after 65536 packets.
    known = set(zip(packets.ssrc.tolist(), packets.timestamp.tolist(), strict=True))
    found: list[bytes] = []
    times_ns: list[int] = []
    columns = (packets.ssrc, packets.sequence, packets.timestamp, packets.marker, packets.time_ns)
    rows = zip(*(each.tolist() for each in columns), strict=True)
    for row, (ssrc, sequence, timestamp, marker, at_ns) in enumerate(rows):
        blocks = list(_read_blocks(packets.payload(row)))
        for place, (payload_type, before, content) in enumerate(blocks):
            back = len(blocks) - 1 - place
            number, sent_at = (sequence - back) & 0xFFFF, (timestamp - before) & 0xFFFFFFFF
            if back and (not content or (ssrc, sent_at) in known):
                continue
            known.add((ssrc, sent_at))
            second = payload_type | (_MARKER if marker and not back else 0)
            found.append(pack(">BBHII", 0x80, second, number, sent_at, ssrc) + content)
            times_ns.append(at_ns - before * _NS // clock_hz)
    length = np.array([len(each) for each in found], np.int32)
    offset = np.cumsum(length, dtype=np.int64) - length
    buffer = np.frombuffer(b"".join(found) or bytes(HEADER_BYTES), np.uint8)
    return read_rtp(buffer, np.array(times_ns, np.int64), offset, length)[0]


def _read_blocks(payload: bytes) -> Iterator[_Block]:
    """Payload type, how many ticks older, and content of each block, the newest last; none of damaged ones."""
    heads: list[tuple[int, int, int]] = []
    at = 0
    while at < len(payload) and payload[at] & 0x80 and len(heads) < _BLOCKS_MAX:
        head = int.from_bytes(payload[at : at + 4], "big")
        heads.append((head >> 24 & 0x7F, head >> 10 & 0x3FFF, head & 0x3FF))
        at += 4
    if at >= len(payload) or payload[at] & 0x80 or at + 1 + sum(size for _, _, size in heads) > len(payload):
        return
    newest = payload[at] & 0x7F
    at += 1
    for payload_type, before, size in heads:
        yield payload_type, before, payload[at : at + size]
        at += size
    yield newest, 0, payload[at:]
