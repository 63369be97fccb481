"""RTP packets as columns, one row a packet, so that a minute of a thousand calls is a handful of array operations."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.packets.windows import Bytes, gather, windows

Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

HEADER_BYTES = 12
_RTCP_FIRST, _RTCP_LAST = 192, 223
_HEADER = np.dtype([("first", "u1"), ("second", "u1"), ("sequence", ">u2"), ("timestamp", ">u4"), ("ssrc", ">u4")])


@dataclass(frozen=True, slots=True, kw_only=True)
class RtpPackets:
    """Columns of shape (packets,) in the order of arrival.

    time_ns: arrival since 1970, UTC. header: the fixed part of it, as sent. start: of the packet within `buffer`;
    offset and length: of its payload there.
    """

    buffer: Bytes
    time_ns: npt.NDArray[np.int64]
    header: npt.NDArray[np.void]
    start: npt.NDArray[np.int64]
    offset: npt.NDArray[np.int64]
    length: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.time_ns)

    @property
    def payload_type(self) -> npt.NDArray[np.uint8]:
        """Which coding the payload is in."""
        return (self._field("second") & 0x7F).astype(np.uint8, copy=False)

    @property
    def marker(self) -> Mask:
        """Whether a packet is the first after a pause."""
        found: Mask = self._field("second") >= 0x80
        return found

    @property
    def sequence(self) -> npt.NDArray[np.uint16]:
        """The number of each packet, modulo 2**16."""
        return self._field("sequence").astype(np.uint16)

    @property
    def timestamp(self) -> npt.NDArray[np.uint32]:
        """The sender's clock, modulo 2**32."""
        return self._field("timestamp").astype(np.uint32)

    @property
    def ssrc(self) -> npt.NDArray[np.uint32]:
        """Which sender."""
        return self._field("ssrc").astype(np.uint32)

    def _field(self, name: str) -> npt.NDArray[Any]:
        return self.header.view(_HEADER)[name]

    def take(self, rows: Rows | Mask) -> Self:
        """Some of the packets, in the order of `rows`."""
        columns = {name: getattr(self, name)[rows] for name in COLUMNS}
        return type(self)(buffer=self.buffer, **columns)

    def with_timestamps(self, timestamp: npt.NDArray[np.uint32]) -> Self:
        """The same packets, sent at other times by their sender's clock."""
        header = self.header.view(_HEADER).copy()
        header["timestamp"] = timestamp
        return replace(self, header=header.view(self.header.dtype))

    def compact(self) -> Self:
        """The same packets in a buffer of their own, where they stand in their order."""
        length = self.offset + self.length - self.start
        start = np.cumsum(length) - length
        return type(self)(
            buffer=gather(self.buffer, self.start, length),
            time_ns=self.time_ns,
            header=self.header,
            start=start,
            offset=start + (self.offset - self.start),
            length=self.length,
        )

    def split(self, first: Rows) -> list[Self]:
        """Compact columns in parts, each from one of the rows to the next, with their pieces of the buffer."""
        begins = self.start[first]
        moved = np.repeat(begins, np.diff(first, append=len(self)))
        start, offset = self.start - moved, self.offset - moved
        rows, places = [*first.tolist(), len(self)], [*begins.tolist(), len(self.buffer)]
        return [
            type(self)(
                buffer=self.buffer[place:end_place],
                time_ns=self.time_ns[row:end],
                header=self.header[row:end],
                start=start[row:end],
                offset=offset[row:end],
                length=self.length[row:end],
            )
            for (row, end), (place, end_place) in zip(pairwise(rows), pairwise(places), strict=True)
        ]

    def payload(self, row: int) -> bytes:
        """The payload of one packet."""
        start = int(self.offset[row])
        return self.buffer[start : start + int(self.length[row])].tobytes()


COLUMNS = ("time_ns", "header", "start", "offset", "length")


def find_rtp(buffer: Bytes, offset: npt.NDArray[np.int64], length: npt.NDArray[np.int32]) -> Mask:
    """Which datagrams look like RTP: version 2, room for a header, and no RTCP.

    Source: RFC 3550 section 5.1, RFC 5761 section 4.
    """
    return _read_headers(buffer, offset, length)[0]


def _read_headers(
    buffer: Bytes, offset: npt.NDArray[np.int64], length: npt.NDArray[np.int32]
) -> tuple[Mask, npt.NDArray[np.void]]:
    """Which datagrams look like RTP, and the headers of those that do."""
    found: Mask = length >= HEADER_BYTES
    header = windows(buffer, HEADER_BYTES)[offset[found]]
    first, second = header.view(_HEADER)["first"], header.view(_HEADER)["second"]
    is_rtp = (first >> 6 == 2) & ((second < _RTCP_FIRST) | (second > _RTCP_LAST))
    if not is_rtp.all():
        found[found] = is_rtp
        header = header[is_rtp]
    return found, header


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
    is_rtp, header = _read_headers(buffer, offset, length)
    start = offset[is_rtp]
    payload, size = _payloads(buffer, header.view(_HEADER)["first"], start, length[is_rtp])
    packets = RtpPackets(
        buffer=buffer,
        time_ns=time_ns[is_rtp],
        header=header,
        start=start,
        offset=payload,
        length=size.astype(np.int32),
    )
    fits = size >= 0
    if not fits.all():
        is_rtp[is_rtp] = fits
        packets = packets.take(fits)
    return packets, is_rtp


def _payloads(
    buffer: Bytes, first: Bytes, offset: npt.NDArray[np.int64], length: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Offset and size of each payload; the size is negative where the header does not fit."""
    skip = HEADER_BYTES + 4 * (first & 0x0F).astype(np.int64)
    total = length.astype(np.int64)
    for row in np.flatnonzero(first & 0x10).tolist():
        at = int(offset[row] + skip[row]) + 2
        has_head = skip[row] + 4 <= total[row]
        skip[row] += 4 + 4 * int.from_bytes(buffer[at : at + 2].tobytes(), "big") if has_head else total[row]
    size = total - skip
    padded = np.flatnonzero((first & 0x20).astype(bool) & (size > 0))
    size[padded] -= buffer[offset[padded] + total[padded] - 1]
    return offset + skip, size


def find_senders(packets: RtpPackets) -> dict[int, Rows]:
    """The rows of each sender, in the order of arrival; mostly there is one."""
    ssrc = packets.ssrc
    values = find_values(ssrc)
    if len(values) == 1:
        return {values[0]: np.arange(len(packets))}
    return {value: np.flatnonzero(ssrc == value) for value in values}


def find_values(column: npt.NDArray[np.integer[Any]]) -> list[int]:
    """The different values in a column; mostly there is one, which is told without sorting."""
    if len(column) and (column == column[0]).all():
        return [int(column[0])]
    values: list[int] = np.unique(column).tolist()
    return values


def step_sequence(sequence: npt.NDArray[np.uint16]) -> npt.NDArray[np.int64]:
    """How far each sequence number is from the one before; each is taken to be the one nearest to it.

    So reordering by less than half the range is understood. Source: RFC 3550 appendix A.1.
    """
    return (sequence[1:] - sequence[:-1]).view(np.int16).astype(np.int64)


def step_timestamp(timestamp: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    """How far each timestamp is from the one before."""
    return (timestamp[1:] - timestamp[:-1]).view(np.int32).astype(np.int64)


def extend_sequence(sequence: npt.NDArray[np.uint16]) -> npt.NDArray[np.int64]:
    """Sequence numbers that go on past 65535, for packets in the order of arrival."""
    return _sum_up(sequence, step_sequence(sequence))


def extend_timestamp(timestamp: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    """Timestamps that go on past 2**32 - 1, for packets in the order of arrival."""
    return _sum_up(timestamp, step_timestamp(timestamp))


def _sum_up(values: npt.NDArray[np.unsignedinteger[Any]], steps: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Whole numbers that begin as some modulo their size do and go on in the same steps."""
    return np.concatenate([values[:1].astype(np.int64), steps]).cumsum()
