"""Packets of one interface through a ring that the kernel fills and this process empties, many at a time."""

import time

from plugins.pbx_sip.capture.errors import NoInterface
from plugins.pbx_sip.capture.interfaces import Interface, find_interface
from plugins.pbx_sip.capture.programs import Program
from plugins.pbx_sip.capture.tap import RingStatistics, Shape, Tap
from plugins.pbx_sip.packets.blocks import PacketBlock

BLOCK_BYTES = 512 << 10
BLOCKS = 512
RETIRE_MS = 20


class PacketRing:
    """Packets that come in over one interface, each once.

    An outer VLAN tag is not among their bytes: the kernel takes it off. While the interface is down or away `trouble`
    says so; when it is back, packets come again.

    interface: its name. program: what passes. block_bytes: a multiple of the page size and of 2048. retire_ms: how long
    a packet may wait for its block to fill. fanout: number of a group of rings on the interface, each of which gets the
    packets of some flows. promiscuous: whether packets to others are wanted, as from a mirror port.
    """

    def __init__(  # noqa: PLR0913 - one ring, whole
        self,
        interface: str,
        *,
        program: Program | None = None,
        block_bytes: int = BLOCK_BYTES,
        blocks: int = BLOCKS,
        retire_ms: int = RETIRE_MS,
        fanout: int | None = None,
        promiscuous: bool = False,
    ) -> None:
        """Raises: CaptureDenied; NoInterface; OSError (no memory for the ring, a program that the kernel refuses)."""
        self._shape = Shape(
            program=program,
            block_bytes=block_bytes,
            blocks=blocks,
            retire_ms=retire_ms,
            fanout=fanout,
            promiscuous=promiscuous,
        )
        self._interface = find_interface(interface)
        self._trouble = "" if self._interface.is_up else f"{interface} is down"
        self._counted = RingStatistics()
        self._tap: Tap | None = Tap(self._interface, self._shape)

    @property
    def interface(self) -> Interface:
        """What is captured from, as it was when it was opened."""
        return self._interface

    @property
    def trouble(self) -> str:
        """Why no packets come, for people; empty while all is well."""
        return self._trouble

    def fileno(self) -> int:
        """For poll and its like; another one after trouble, -1 where the interface cannot be opened again yet."""
        return self._tap.fileno() if self._tap else -1

    def read(self, timeout_s: float) -> PacketBlock | None:
        """What has come in, at most 8 blocks of the ring; None if nothing comes in time."""
        if self._tap is None:
            time.sleep(timeout_s)
            self._look_after()
            return None
        failed = 0 if self._tap.is_ready() else self._tap.wait(timeout_s)
        block = self._tap.take() if self._tap.is_ready() else None
        if failed or self._trouble:
            self._look_after()
        return block

    def statistics(self) -> RingStatistics:
        """What the kernel counted since it was asked last."""
        counted = self._counted + (self._tap.count() if self._tap else RingStatistics())
        self._counted = RingStatistics()
        return counted

    def close(self) -> None:
        """Give the ring back; what is still in it is lost."""
        if self._tap:
            self._tap.close()
            self._tap = None

    def _look_after(self) -> None:
        """See what became of the interface; one that came back is another one to the kernel."""
        name = self._interface.name
        try:
            found = find_interface(name)
        except NoInterface:
            self._trouble = f"{name} is away"
            return
        if found.index != self._interface.index or self._tap is None:
            if self._tap and self._tap.is_ready():
                return  # what it still holds comes first
            self._counted = self.statistics()
            self.close()  # first, as a group of rings lets nobody in from another interface
            try:
                self._tap = Tap(found, self._shape)
            except OSError as error:
                self._trouble = f"{name} cannot be captured from: {error.strerror}"
                return
            self._interface = found
        self._trouble = "" if found.is_up else f"{name} is down"
