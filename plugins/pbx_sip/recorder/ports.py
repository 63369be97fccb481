"""UDP ports for media, handed out in pairs: RTP on an even one, RTCP on the next.

Several recorders of one machine may have the same range: each claims blocks of it as it needs them.

Source: RFC 3550 section 11.
"""

import socket
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from itertools import groupby

BLOCK_PORTS = 200
REST_S = 30.0
"""For so long a port is not used again if there are others: what is late for one call must not reach the next."""


class NoPorts(Exception):
    """Every port is in use."""


class BlockClaims:
    """Blocks of ports that are ours on this machine, for as long as this process lives.

    space: those who claim in the same one must not have the same block.
    """

    def __init__(self, space: str = "recording-hub/media-ports") -> None:
        self._space = space
        self._held: dict[int, socket.socket] = {}
        self.close = weakref.finalize(self, _close_all, self._held)

    def claim(self, block: int) -> bool:
        """Whether a block, counted from port 0, is ours now: a name of loopback that only one process can have."""
        if block in self._held:
            return True
        held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            held.bind(f"\0{self._space}/{block * BLOCK_PORTS}")  # abstract: as far as the network reaches
        except OSError:
            held.close()
            return False
        self._held[block] = held
        return True


def _close_all(held: dict[int, socket.socket]) -> None:
    for each in held.values():
        each.close()
    held.clear()


class PortPool:
    """Pairs of ports; the pair that was given back first is taken first, so that each rests as long as it can."""

    def __init__(
        self,
        first: int,
        last: int,
        clock: Callable[[], float] = time.monotonic,
        claims: BlockClaims | None = None,
    ) -> None:
        """Take the range from first to last, both in it.

        Raises: ValueError (there is no pair in the range).
        """
        pairs = range(first + first % 2, last, 2)
        if first < 1 or last > 65535 or not pairs:
            raise ValueError(f"{first} to {last} has no pair of ports; give at least two, the first of them even")
        self._pairs = pairs
        self._clock = clock
        self._claims = claims or BlockClaims()
        self._blocks = {block: list(ports) for block, ports in groupby(pairs, lambda port: port // BLOCK_PORTS)}
        self._free: OrderedDict[int, float] = OrderedDict()

    def __len__(self) -> int:
        """How many pairs are free, as far as we know."""
        return len(self._free) + sum(map(len, self._blocks.values()))

    def take(self) -> int:
        """The even port of a pair that is not in use. Raises: NoPorts."""
        if not self._has_rested():
            self._claim_any()
        if not self._free:
            raise NoPorts(f"all {len(self._pairs)} pairs of ports are in use, here or by another device")
        return self._free.popitem(last=False)[0]

    def claim(self, port: int) -> None:
        """Take a port that was taken before a restart; one outside the range is no matter of this pool."""
        self._claim(port // BLOCK_PORTS)
        self._free.pop(port, None)
        with suppress(ValueError):
            self._blocks.get(port // BLOCK_PORTS, []).remove(port)

    def free(self, port: int) -> None:
        """Give a port back."""
        if port in self._pairs:
            self._free[port] = self._clock()
            self._free.move_to_end(port)

    def close(self) -> None:
        """Let other devices have what was claimed."""
        self._claims.close()

    def _has_rested(self) -> bool:
        """Whether the pair that waits longest has done so for long enough."""
        return bool(self._free) and self._clock() - next(iter(self._free.values())) >= REST_S

    def _claim_any(self) -> None:
        for block in list(self._blocks):
            if self._claim(block):
                return

    def _claim(self, block: int) -> bool:
        if block not in self._blocks or not self._claims.claim(block):
            return False
        fresh = OrderedDict.fromkeys(self._blocks.pop(block), float("-inf"))
        self._free = fresh | self._free
        return True
