"""Ports that are read from a ring and must be held: nobody else is to take them, no sender to hear that one is closed.

Source: nft(8) ("netdev" family, ingress hook); proc(5) (/proc/net/udp).
"""

import re
import shutil
import socket
import subprocess
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Protocol

from plugins.pbx_sip.capture.interfaces import find_interface
from plugins.pbx_sip.capture.programs import DROP_ALL
from plugins.pbx_sip.capture.reservation import Reservation, ReservationRefused
from plugins.pbx_sip.capture.sockets import Address, bind_port

NFT_S = 10

_PREFIX = "recording_hub_"
# The rest of a long datagram, such as a SIP message, has no header that a port could be read from.
_NO_REST = "ip frag-off & 0x1fff == 0"
_REST_PASSES = "frag frag-off != 0 accept"
_SOCKETS = (Path("/proc/net/udp"), Path("/proc/net/udp6"))
_SENTENCES = {
    "dropped": "nftables drops packets to the ports behind the ring: 0.8 us a packet",
    "held": "a socket holds each open port: 1.3 us a packet, and a file descriptor a port",
}


class HeldPorts(Protocol):
    """A range of ports that is kept for the ring."""

    @property
    def way(self) -> str:
        """How they are held and what it costs, for people."""

    @property
    def taken(self) -> frozenset[int]:
        """Ports of the range that others already had and keep."""

    def open(self, port: int) -> None:
        """Hold a port whose packets are wanted from now on.

        Raises: OSError (somebody else has the port).
        """

    def close(self, port: int) -> None:
        """Packets to it are no longer wanted."""

    def release(self) -> None:
        """Let all of them go."""


class NftRefused(OSError):
    """nftables cannot be used; the text says why."""


class NftTable:
    """Drops packets to the ports as soon as the ring has its copy; one rule for all, whatever is open.

    ports: consecutive ones. addresses: to which they belong. instance: names the table, so that the one which a dead
    process left behind is replaced.
    """

    way = _SENTENCES["dropped"]

    def __init__(self, ports: range, interface: str, addresses: Iterable[Address], instance: str) -> None:
        """Raises: NoInterface; NftRefused; ReservationRefused."""
        find_interface(interface)
        self._table = _PREFIX + re.sub(r"[^a-z0-9]", "_", instance.lower())
        self._reservation = Reservation(ports)
        try:
            self.taken = _used_ports() & frozenset(ports)
            _run_nft(self._describe(ports, interface, addresses))
        except BaseException:
            self._reservation.release()
            raise

    def open(self, port: int) -> None:
        """Hold a port: nothing is to be done, unless somebody else has it.

        Raises: OSError (somebody else has the port).
        """
        if port in self.taken:
            raise OSError(f"another program had UDP port {port} before")

    def close(self, port: int) -> None:
        """The port stays held, as all of the range do."""

    def release(self) -> None:
        """Take the table away."""
        with suppress(NftRefused):
            _run_nft(f"add table netdev {self._table}\ndelete table netdev {self._table}\n")
        self._reservation.release()

    def _describe(self, ports: range, interface: str, addresses: Iterable[Address]) -> str:
        """One transaction: what was there before goes, whether it was or not, and the new one comes."""
        match = f"udp dport {ports.start}-{ports.stop - 1}"
        if self.taken:
            match += f" udp dport != {{ {', '.join(map(str, sorted(self.taken)))} }}"
        rules = [f"{_match_host(each)} {_NO_REST} {match} drop" for each in addresses if each.version == 4]
        of_ipv6 = [f"{_match_host(each)} {match} drop" for each in addresses if each.version == 6]
        rules += [_REST_PASSES, *of_ipv6] if of_ipv6 else []
        lines = "".join(f"    {rule}\n" for rule in rules)
        return (
            f"add table netdev {self._table}\n"
            f"delete table netdev {self._table}\n"
            f"table netdev {self._table} {{\n"
            f"  chain ports {{\n"
            f'    type filter hook ingress device "{interface}" priority -500; policy accept;\n'
            f"{lines}  }}\n}}\n"
        )


def _match_host(address: Address) -> str:
    family = {4: "ip", 6: "ip6"}[address.version]
    return f"meta protocol {family}" if address.is_unspecified else f"{family} daddr {address}"


class HoldingSockets:
    """One socket for each open port, whose filter drops all that comes. shared: several rings hold the same ports."""

    way = _SENTENCES["held"]
    taken: frozenset[int] = frozenset()

    def __init__(self, addresses: Iterable[Address], *, shared: bool = False) -> None:
        self._addresses = tuple(addresses)
        self._options = ((socket.SOL_SOCKET, socket.SO_REUSEPORT, 1),) if shared else ()
        self._held: dict[int, ExitStack] = {}

    def open(self, port: int) -> None:
        """Hold a port.

        Raises: OSError (somebody else has the port; no more files may be open).
        """
        if port in self._held:
            return
        with ExitStack() as opened:
            for address in self._addresses:
                opened.enter_context(bind_port(address, port, program=DROP_ALL, options=self._options))
            self._held[port] = opened.pop_all()

    def close(self, port: int) -> None:
        """Let a port go."""
        if held := self._held.pop(port, None):
            held.close()

    def release(self) -> None:
        """Let all of them go."""
        for port in list(self._held):
            self.close(port)


def hold(
    ports: range, interface: str, addresses: Iterable[Address], *, instance: str, shared: bool = False
) -> HeldPorts:
    """Hold ports by nftables where this is allowed and hurts nobody, else by sockets.

    ports, interface, addresses, instance: as `NftTable` has them. shared: as `HoldingSockets` has it.
    Raises: NoInterface.
    """
    addresses = tuple(addresses)
    try:
        return NftTable(ports, interface, addresses, instance)
    except (NftRefused, ReservationRefused):
        return HoldingSockets(addresses, shared=shared)


def try_nft() -> None:
    """See whether a table could be made here; none is.

    Raises: NftRefused.
    """
    _run_nft(f"table netdev {_PREFIX}check {{}}\n", "--check")


def _used_ports() -> frozenset[int]:
    """UDP ports on which somebody listens, at whatever address."""
    found: set[int] = set()
    for path in _SOCKETS:
        with suppress(OSError):
            lines = path.read_text(encoding="ascii").splitlines()[1:]
            found.update(int(line.split()[1].rpartition(":")[2], 16) for line in lines)
    return frozenset(found)


def _run_nft(commands: str, *options: str) -> None:
    program = shutil.which("nft") or shutil.which("nft", path="/usr/sbin:/sbin")
    if program is None:
        raise NftRefused("nft is not installed (Debian: nftables)")
    try:
        subprocess.run(  # noqa: S603 - a program of the system, with commands made here
            [program, *options, "-f", "-"], input=commands, capture_output=True, text=True, check=True, timeout=NFT_S
        )
    except subprocess.CalledProcessError as error:
        raise NftRefused(f"nft refuses: {error.stderr.strip().splitlines()[0] if error.stderr else error}") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NftRefused(f"nft does not run: {error}") from None
