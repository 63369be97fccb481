"""Datagrams through ordinary sockets, one for each port: for a hub that may not open raw ones.

It costs a file descriptor a port and three to four times the time that a ring takes; of a mirror port nothing is seen.

Source: udp(7), socket(7); linux/sock_diag.h (SO_MEMINFO).
"""

import errno
import resource
import select
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from plugins.pbx_sip.capture.inbox import IP_PKTINFO, ROOMS, SO_TIMESTAMPNS, Batch, Inbox
from plugins.pbx_sip.capture.programs import Program, attach
from plugins.pbx_sip.capture.tap import RingStatistics
from plugins.pbx_sip.packets.datagrams import Datagrams, Endpoints

ROOM_BYTES = 1 << 20  # a second of one stream takes 42 kB of it
AT_ONCE = 8

_SO_MEMINFO = 55
_MEMINFO = struct.Struct("=9I")
_DROPS = 8
_TELL_TARGET4 = (socket.IPPROTO_IP, IP_PKTINFO, 1)
_TELL_TARGET6 = (socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)

Address = IPv4Address | IPv6Address


def bind_port(
    address: Address, port: int, *, program: Program | None = None, options: Iterable[tuple[int, int, int]] = ()
) -> socket.socket:
    """A UDP socket on a port, for which program and options (level, name, value) hold from its first moment on.

    Raises: OSError (EADDRINUSE: somebody else has the port; EMFILE: no more files may be open).
    """
    try:
        opened = _open_socket(address)
    except OSError as error:
        if error.errno != errno.EMFILE:
            raise
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        opened = _open_socket(address)
    try:
        if address.version == 6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if program is not None:
            attach(opened, program)
        for option in options:
            opened.setsockopt(*option)
        opened.bind((str(address), port))
    except OSError:
        opened.close()
        raise
    return opened


def _open_socket(address: Address) -> socket.socket:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    return socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)


@dataclass(slots=True)
class _Listener:
    """A socket of one port; drops: what the kernel had counted when it was asked last."""

    socket: socket.socket
    key: int
    is_ipv6: bool
    is_everywhere: bool
    drops: int = 0

    def count_drops(self) -> int:
        """How many datagrams were dropped for want of room since this was asked last."""
        content = self.socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        before, self.drops = self.drops, _MEMINFO.unpack(content)[_DROPS]
        return (self.drops - before) & 0xFFFFFFFF


class PortSockets:
    """Sockets on the open ports of all addresses.

    addresses: to which the ports belong; for 0.0.0.0 or :: each datagram tells its own. endpoints: gives the keys.
    shared: several processes have the same ports, of which each gets the packets of some flows.
    """

    def __init__(self, addresses: Iterable[Address], endpoints: Endpoints, *, shared: bool = False) -> None:
        self._is_shared = shared
        self._addresses = tuple(addresses)
        self._endpoints = endpoints
        self._epoll = select.epoll()
        self._inbox = Inbox()
        self._listeners: dict[int, _Listener] = {}
        self._ports: dict[int, list[int]] = {}
        self._counted = RingStatistics()

    def open(self, port: int, former: Address | None = None) -> None:
        """Take in what comes to a port from now on; former: an address that it has as well, if that still is ours.

        Raises: OSError (EADDRINUSE: somebody else has the port; EMFILE: no more files may be open); TooManyAddresses.
        """
        fds = self._ports.setdefault(port, [])
        try:
            for address in self._wanted(former)[len(fds) :]:
                try:
                    listener = self._listen(address, port)
                except OSError as error:
                    if address is former and error.errno == errno.EADDRNOTAVAIL:
                        continue
                    raise
                self._listeners[listener.socket.fileno()] = listener
                fds.append(listener.socket.fileno())
                self._epoll.register(listener.socket, select.EPOLLIN)
        except OSError:
            self.close(port)
            raise

    def _wanted(self, former: Address | None) -> tuple[Address, ...]:
        if former is None or any(each == former or each.is_unspecified for each in self._addresses):
            return self._addresses
        return (*self._addresses, former)

    def close(self, port: int) -> None:
        """Give a port back; what still waits at it is lost."""
        for fd in self._ports.pop(port, ()):
            listener = self._listeners.pop(fd)
            self._counted += RingStatistics(drops=listener.count_drops())
            listener.socket.close()

    def close_all(self) -> None:
        """Give all ports back."""
        for port in list(self._ports):
            self.close(port)
        self._epoll.close()

    def fileno(self) -> int:
        """For poll and its like."""
        return self._epoll.fileno()

    def read(self, timeout_s: float) -> Datagrams | None:
        """What has come in, at most 1024 datagrams; None if nothing comes in time."""
        batches = []
        for fd, _ in self._epoll.poll(timeout_s, ROOMS):
            listener = self._listeners[fd]
            count = self._inbox.receive(fd, AT_ONCE)
            if count:
                batches.append(Batch(listener.key, count, listener.is_ipv6, listener.is_everywhere))
        if not batches:
            return None
        datagrams = self._inbox.empty(batches, self._endpoints)
        self._counted += RingStatistics(packets=len(datagrams))
        return datagrams

    def statistics(self) -> RingStatistics:
        """Since it was asked last: datagrams, those dropped for want of room among them."""
        drops = self._counted.drops + sum(listener.count_drops() for listener in self._listeners.values())
        counted = RingStatistics(packets=self._counted.packets + drops, drops=drops)
        self._counted = RingStatistics()
        return counted

    def _listen(self, address: Address, port: int) -> _Listener:
        is_ipv6 = address.version == 6
        options = [(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM_BYTES), (socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)]
        if self._is_shared:
            options.append((socket.SOL_SOCKET, socket.SO_REUSEPORT, 1))
        if address.is_unspecified:
            options.append(_TELL_TARGET6 if is_ipv6 else _TELL_TARGET4)
        key = port if address.is_unspecified else self._endpoints.key(address.packed, port)
        return _Listener(bind_port(address, port, options=options), key, is_ipv6, address.is_unspecified)
