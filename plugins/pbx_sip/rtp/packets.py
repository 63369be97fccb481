"""RTP packets as columns, one row a packet, so that a minute of a thousand calls is a handful of array operations."""

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

HEADER_BYTES = 12
_RTCP_FIRST, _RTCP_LAST = 192, 223
_SEQUENCES = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class RtpPackets:
    """Columns of shape (packets,) in the order of arrival.

    time_ns: arrival since 1970, UTC. timestamp: of the sender's clock, modulo 2**32. start: of the packet within
    `buffer`; offset and length: of its payload there.
    """

    buffer: Bytes
    time_ns: npt.NDArray[np.int64]
    payload_type: npt.NDArray[np.uint8]
    marker: Mask
    sequence: npt.NDArray[np.uint16]
    timestamp: npt.NDArray[np.uint32]
    ssrc: npt.NDArray[np.uint32]
    start: npt.NDArray[np.int64]
    offset: npt.NDArray[np.int64]
    length: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.time_ns)

    def take(self, rows: Rows | Mask) -> Self:
        """Some of the packets, in the order of `rows`."""
        columns = {field.name: getattr(self, field.name)[rows] for field in fields(self) if field.name != "buffer"}
        return type(self)(buffer=self.buffer, **columns)

    def payload(self, row: int) -> bytes:
        """The payload of one packet."""
        start = int(self.offset[row])
        return self.buffer[start : start + int(self.length[row])].tobytes()


def find_rtp(buffer: Bytes, offset: npt.NDArray[np.int64], length: npt.NDArray[np.int32]) -> Mask:
    """Which datagrams look like RTP: version 2, room for a header, and no RTCP.

    Source: RFC 3550 section 5.1, RFC 5761 section 4.
    """
    found: Mask = length >= HEADER_BYTES
    rows = np.flatnonzero(found)
    first, second = buffer[offset[rows]], buffer[offset[rows] + 1]
    found[rows] = (first >> 6 == 2) & ((second < _RTCP_FIRST) | (second > _RTCP_LAST))
    return found


def read_rtp(
    buffer: Bytes,
    time_ns: npt.NDArray[np.int64],
    offset: npt.NDArray[np.int64],
    length: npt.NDArray[np.int32],
) -> tuple[RtpPackets, Mask]:
    """Take the headers off datagrams; those that are no RTP, or whose header does not fit, are left out.

    Returns: the packets, and which of the datagrams they were.
    Source: RFC 3550 section 5.1.
    """
    is_rtp = find_rtp(buffer, offset, length)
    rows = np.flatnonzero(is_rtp)
    head = buffer[offset[rows, None] + np.arange(HEADER_BYTES)]
    payload, size = _payloads(buffer, head, offset[rows], length[rows])
    fits = size >= 0
    if not fits.all():
        is_rtp[rows[~fits]] = False
        rows, head, payload, size = rows[fits], head[fits], payload[fits], size[fits]
    words = np.ascontiguousarray(head).view(">u4")
    packets = RtpPackets(
        buffer=buffer,
        time_ns=time_ns[rows],
        payload_type=head[:, 1] & 0x7F,
        marker=head[:, 1] >= 0x80,
        sequence=(words[:, 0] & 0xFFFF).astype(np.uint16),
        timestamp=words[:, 1].astype(np.uint32),
        ssrc=words[:, 2].astype(np.uint32),
        start=offset[rows],
        offset=payload,
        length=size.astype(np.int32),
    )
    return packets, is_rtp


def _payloads(
    buffer: Bytes, head: Bytes, offset: npt.NDArray[np.int64], length: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Offset and size of each payload; the size is negative where the header does not fit."""
    skip = HEADER_BYTES + 4 * (head[:, 0] & 0x0F).astype(np.int64)
    total = length.astype(np.int64)
    for row in np.flatnonzero(head[:, 0] & 0x10).tolist():
        at = int(offset[row] + skip[row]) + 2
        has_head = skip[row] + 4 <= total[row]
        skip[row] += 4 + 4 * int.from_bytes(buffer[at : at + 2].tobytes(), "big") if has_head else total[row]
    size = total - skip
    padded = np.flatnonzero((head[:, 0] & 0x20).astype(bool) & (size > 0))
    size[padded] -= buffer[offset[padded] + total[padded] - 1]
    return offset + skip, size


def find_values(column: npt.NDArray[np.integer[Any]]) -> list[int]:
    """The different values in a column; mostly there is one, which is told without sorting."""
    if len(column) and (column == column[0]).all():
        return [int(column[0])]
    values: list[int] = np.unique(column).tolist()
    return values


def extend_sequence(sequence: npt.NDArray[np.uint16]) -> npt.NDArray[np.int64]:
    """Sequence numbers that go on past 65535, for packets in the order of arrival.

    Each is taken to be the one nearest to its predecessor, so reordering by less than half the range is understood.
    Source: RFC 3550 appendix A.1.
    """
    return _extend(sequence.astype(np.int64), _SEQUENCES)


def extend_timestamp(timestamp: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    """Timestamps that go on past 2**32 - 1, for packets in the order of arrival."""
    return _extend(timestamp.astype(np.int64), 1 << 32)


def _extend(values: npt.NDArray[np.int64], modulus: int) -> npt.NDArray[np.int64]:
    if not len(values):
        return values
    half = modulus // 2
    steps = (np.diff(values) + half) % modulus - half
    return np.concatenate([values[:1], values[0] + np.cumsum(steps)])
