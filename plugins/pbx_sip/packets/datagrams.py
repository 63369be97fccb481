"""UDP datagrams as columns, and endpoints as numbers."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

import numpy as np
import numpy.typing as npt

IPV6 = 1 << 63
NO_KEY = (1 << 64) - 1
ADDRESSES_MAX = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Datagrams:
    """Columns, one row a UDP datagram, in the order captured.

    buffer: what the offsets point into. time_ns: since 1970, UTC. source and target: endpoint keys. offset and length:
    the UDP payload, as captured.
    """

    buffer: npt.NDArray[np.uint8]
    time_ns: npt.NDArray[np.int64]
    source: npt.NDArray[np.uint64]
    target: npt.NDArray[np.uint64]
    offset: npt.NDArray[np.int64]
    length: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.time_ns)

    def payload(self, row: int) -> bytes:
        """The bytes that one datagram carried."""
        start = int(self.offset[row])
        return self.buffer[start : start + int(self.length[row])].tobytes()


class TooManyAddresses(ValueError):
    """So many different IPv6 addresses were seen that no more are remembered."""


class Endpoints:
    """Numbers for pairs of address and port; an address of IPv6 is remembered, so keys are of this object only.

    IPv4: address << 16 | port. IPv6: the top bit, the number of the address << 16 | port.
    """

    def __init__(self, addresses_max: int = ADDRESSES_MAX) -> None:
        self._addresses_max = addresses_max
        self._numbers: dict[bytes, int] = {}
        self._addresses: list[bytes] = []

    def key(self, address: bytes, port: int) -> int:
        """The key of an address of 4 or 16 bytes, in network order, and a port.

        Raises: ValueError (another length); TooManyAddresses.
        """
        if len(address) == 4:
            return int.from_bytes(address) << 16 | port
        if len(address) != 16:
            raise ValueError(f"an address of {len(address)} bytes")
        key = self._remember(address)
        if key == NO_KEY:
            raise TooManyAddresses(f"more than {self._addresses_max} addresses of IPv6")
        return key | port

    def keys(self, addresses: npt.NDArray[np.void]) -> npt.NDArray[np.uint64]:
        """The keys, with port 0, of a column of 16-byte addresses; NO_KEY where no more are remembered."""
        halves = np.ascontiguousarray(addresses).view(np.uint64).reshape(-1, 2)
        order = np.lexsort((halves[:, 0], halves[:, 1]))
        ordered = halves[order]
        differs = np.ones(len(order), np.bool_)
        differs[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
        known = np.array([self._remember(halves[row].tobytes()) for row in order[differs].tolist()], np.uint64)
        keys = np.empty(len(order), np.uint64)
        keys[order] = known[np.cumsum(differs) - 1]
        return keys

    def text(self, key: int) -> str:
        """Address and port as people write them: "192.0.2.1:5060", "[2001:db8::1]:5060"."""
        address = self.address(key)
        shown = f"[{address}]" if isinstance(address, IPv6Address) else str(address)
        return f"{shown}:{self.port(key)}"

    def address(self, key: int) -> IPv4Address | IPv6Address:
        """The address of an endpoint."""
        number = int(key) >> 16
        return IPv6Address(self._addresses[number & (1 << 47) - 1]) if key & IPV6 else IPv4Address(number)

    def port(self, key: int) -> int:
        """The port of an endpoint."""
        return int(key) & 0xFFFF

    def _remember(self, address: bytes) -> int:
        key = self._numbers.get(address)
        if key is None:
            if len(self._addresses) >= self._addresses_max:
                return NO_KEY
            key = self._numbers[address] = IPV6 | len(self._addresses) << 16
            self._addresses.append(address)
        return key
