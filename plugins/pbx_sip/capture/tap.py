"""A TPACKET_V3 ring on one interface, as long as that interface is there.

Source: packet(7); Linux Documentation/networking/packet_mmap.rst; linux/if_packet.h.
"""

import errno
import mmap
import select
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from plugins.pbx_sip.capture.errors import CaptureDenied
from plugins.pbx_sip.capture.interfaces import Interface
from plugins.pbx_sip.capture.programs import Program, attach
from plugins.pbx_sip.capture.records import Stretch, read_records
from plugins.pbx_sip.packets.blocks import PacketBlock

BLOCKS_AT_ONCE = 8

_ETH_P_ALL = 3  # a tap for one protocol stands behind the hook at which nftables drops packets, and gets none of those
_SOL_PACKET = 263
_ADD_MEMBERSHIP, _RX_RING, _STATISTICS, _VERSION, _FANOUT, _IGNORE_OUTGOING = 1, 5, 6, 10, 18, 23
_TPACKET_V3 = 2
_PROMISCUOUS = 1
_FANOUT_BY_FLOW = 0
_FANOUT_DEFRAGMENTS = 0x8000  # else only the first fragment of a packet would go where its flow goes
_FRAME_BYTES = 2048
_WORD_BYTES = 4
_STATUS, _COUNT, _FIRST, _LENGTH = 2, 3, 4, 5  # words of struct tpacket_bd_header_u behind version and offset_to_priv
_FOR_KERNEL, _FOR_USER = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RingStatistics:
    """Since they were last asked for.

    packets: that passed the filter. drops: those of them for which there was no room. freezes: how often the ring was
    full.
    """

    packets: int = 0
    drops: int = 0
    freezes: int = 0

    def __add__(self, other: "RingStatistics") -> "RingStatistics":
        return RingStatistics(
            packets=self.packets + other.packets,
            drops=self.drops + other.drops,
            freezes=self.freezes + other.freezes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a ring is to be like, as `PacketRing` has it."""

    program: Program | None
    block_bytes: int
    blocks: int
    retire_ms: int
    fanout: int | None
    promiscuous: bool


class Tap:
    """The ring, its socket and the place in it that is read next."""

    def __init__(self, interface: Interface, shape: Shape) -> None:
        """Raises: CaptureDenied; OSError."""
        self._interface = interface
        self._shape = shape
        self._next = 0
        try:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
        except PermissionError:
            raise CaptureDenied from None
        try:
            self._memory = self._make_ring()
        except OSError as error:
            self._socket.close()
            if error.errno == errno.ENOMEM:
                size_mib = shape.block_bytes * shape.blocks >> 20
                raise OSError(errno.ENOMEM, f"no memory for a ring of {size_mib} MiB") from None
            raise
        self._bytes = np.frombuffer(self._memory, np.uint8)
        self._words = memoryview(self._memory).cast("I")
        try:
            self._bind()
        except OSError:
            self.close()
            raise
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)

    def fileno(self) -> int:
        """The socket's."""
        return self._socket.fileno()

    def is_ready(self) -> bool:
        """Whether the kernel is done with the next block."""
        return bool(self._words[self._header(self._next) + _STATUS] & _FOR_USER)

    def wait(self, timeout_s: float) -> int:
        """Wait until a block is ready or time is over.

        Returns: the error that the interface has come to (ENETDOWN), or 0.
        """
        failed = any(event & select.POLLERR for _, event in self._poll.poll(max(0.0, timeout_s * 1000)))
        return self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if failed else 0

    def take(self) -> PacketBlock:
        """The packets of the blocks that are ready, which the kernel has back then; one of them at least is."""
        headers: list[int] = []
        while len(headers) < min(BLOCKS_AT_ONCE, self._shape.blocks) and self.is_ready():
            headers.append(self._header(self._next))
            self._next = (self._next + 1) % self._shape.blocks
        sizes = [self._words[header + _LENGTH] + 7 & ~7 for header in headers]
        buffer = np.empty(sum(sizes), np.uint8)
        stretches = []
        start = 0
        for header, size in zip(headers, sizes, strict=True):
            at = header * _WORD_BYTES
            buffer[start : start + size] = self._bytes[at : at + size]
            first, count = self._words[header + _FIRST], self._words[header + _COUNT]
            self._words[header + _STATUS] = _FOR_KERNEL
            stretches.append(Stretch(start + first, start + size, count))
            start += size
        return read_records(buffer, stretches, self._interface.link_type)

    def count(self) -> RingStatistics:
        """What the kernel counted since it was asked last."""
        content = self._socket.getsockopt(_SOL_PACKET, _STATISTICS, 12)
        packets, drops, freezes = struct.unpack("=3I", content)
        return RingStatistics(packets=packets, drops=drops, freezes=freezes)

    def close(self) -> None:
        """Give the ring back; what is still in it is lost."""
        self._words.release()
        del self._bytes
        self._memory.close()
        self._socket.close()

    def _header(self, block: int) -> int:
        """Which word of the ring a block begins with."""
        return block * self._shape.block_bytes // _WORD_BYTES

    def _make_ring(self) -> mmap.mmap:
        shape, opened = self._shape, self._socket
        opened.setsockopt(_SOL_PACKET, _VERSION, _TPACKET_V3)
        if shape.program is not None:
            attach(opened, shape.program)
        with suppress(OSError):  # before Linux 4.20, where the loopback shows each packet twice
            opened.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
        frames = shape.block_bytes // _FRAME_BYTES * shape.blocks
        sizes = (shape.block_bytes, shape.blocks, _FRAME_BYTES, frames, shape.retire_ms, 0, 0)
        opened.setsockopt(_SOL_PACKET, _RX_RING, struct.pack("=7I", *sizes))
        return mmap.mmap(opened.fileno(), shape.block_bytes * shape.blocks)

    def _bind(self) -> None:
        """Last of all, so that no packet slips in before the filter."""
        self._socket.bind((self._interface.name, _ETH_P_ALL))
        if self._shape.promiscuous:
            member = struct.pack("=iHH8x", self._interface.index, _PROMISCUOUS, 0)
            self._socket.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, member)
        if self._shape.fanout is not None:
            group = self._shape.fanout & 0xFFFF | (_FANOUT_BY_FLOW | _FANOUT_DEFRAGMENTS) << 16
            self._socket.setsockopt(_SOL_PACKET, _FANOUT, struct.pack("=I", group))
