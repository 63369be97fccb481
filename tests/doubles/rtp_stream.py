"""RTP as a phone would send it, and as a network delivers it: delayed, lost, doubled, out of order."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from struct import pack

import numpy as np

from plugins.pbx_sip.rtp.packets import RtpPackets, read_rtp

BEGAN_NS = 1_790_000_000_000_000_000


@dataclass
class Sender:
    """One RTP sender. clock: how fast its clock runs beside ours. ptime_s: how much sound a packet holds."""

    payload_type: int = 0
    clock_hz: int = 8000
    ptime_s: float = 0.02
    ssrc: int = 0x1234
    sequence: int = 65_500  # soon runs over
    timestamp: int = (1 << 32) - 4000
    clock: float = 1.0
    at_s: float = 0.0
    sent: list[tuple[int, bytes]] = field(default_factory=list)

    def send(self, payloads: Sequence[bytes], marker: bool = True) -> "Sender":
        """Send one after the other, in time."""
        for payload in payloads:
            self.sent.append((round(self.at_s * 1e9), self._packet(payload, marker)))
            marker = False
            self.sequence = (self.sequence + 1) & 0xFFFF
            self.timestamp = (self.timestamp + round(self.ptime_s * self.clock_hz)) & 0xFFFFFFFF
            self.at_s += self.ptime_s / self.clock
        return self

    def pause(self, length_s: float, *, clock_stands: bool = False) -> "Sender":
        """Send nothing for a while; the clock of some systems stands still meanwhile."""
        self.at_s += length_s
        if not clock_stands:
            self.timestamp = (self.timestamp + round(length_s * self.clock * self.clock_hz)) & 0xFFFFFFFF
        return self

    def _packet(self, payload: bytes, marker: bool) -> bytes:
        second = self.payload_type | (0x80 if marker else 0)
        return pack(">BBHII", 0x80, second, self.sequence, self.timestamp, self.ssrc) + payload


def cut(octets: bytes, size: int = 160) -> list[bytes]:
    """Sound in payloads of one size."""
    return [octets[start : start + size] for start in range(0, len(octets) - size + 1, size)]


def received(datagrams: Sequence[tuple[int, bytes]]) -> RtpPackets:
    """What a recorder has of (arrival in ns after the beginning, datagram)."""
    datagrams = sorted(datagrams, key=lambda each: each[0])
    buffer = np.frombuffer(b"".join(each for _, each in datagrams), np.uint8)
    length = np.array([len(each) for _, each in datagrams], np.int32)
    offset = np.cumsum(length, dtype=np.int64) - length
    time_ns = np.array([at_ns for at_ns, _ in datagrams], np.int64) + BEGAN_NS
    packets, _ = read_rtp(buffer, time_ns, offset, length)
    return packets
