"""How packets reach a worker: from a ring that sees an interface, or through ordinary sockets."""

import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address

import numpy as np

from hub.sdk import PluginError
from plugins.pbx_sip.capture.errors import BadExpression, CaptureDenied, NoInterface
from plugins.pbx_sip.capture.expressions import compile_expression
from plugins.pbx_sip.capture.interfaces import find_interface
from plugins.pbx_sip.capture.ports import HeldPorts, HoldingSockets, hold
from plugins.pbx_sip.capture.programs import Program, udp_ports
from plugins.pbx_sip.capture.ring import PacketRing
from plugins.pbx_sip.capture.sockets import PortSockets
from plugins.pbx_sip.engine.growing_keys import GrowingKeyLog
from plugins.pbx_sip.engine.masks import pick
from plugins.pbx_sip.engine.order import Order
from plugins.pbx_sip.packets.datagrams import Datagrams, Endpoints
from plugins.pbx_sip.packets.decoder import Decoder
from plugins.pbx_sip.packets.unread import Unread
from plugins.pbx_sip.sip.overheard import Overheard, SipEar

_BLOCKS_AT_ONCE = 8
_RING_BLOCKS = 384  # 192 MiB: a second and more of 5,000 calls
_STRANGERS_MAX = 100
_TRY_S = 30.0
_PORTS = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What came at once. media: what may be kept. messages: of signalling that was overheard."""

    packets: int
    media: tuple[Datagrams, ...]
    messages: tuple[Overheard, ...] = ()


class Intake(ABC):
    """Where a worker's packets come from. way: how, in words. strange: packets that nobody had announced.

    trouble: why nothing can be received just now, "" if all is well. unread: why what comes is not understood, "" if it
    is. shortcoming: why packets come on another way than
    was asked for. ask_first: called before packets are turned away:
    the port that they come to may have been opened a moment ago.
    """

    way = ""
    strange = 0
    trouble = ""
    unread = ""
    shortcoming = ""

    def __init__(self) -> None:
        self.ask_first: Callable[[], None] = lambda: None

    @abstractmethod
    def fileno(self) -> int:
        """For poll and its like; -1 while nothing can come."""

    @abstractmethod
    def read(self) -> Iterator[Received]:
        """What came."""

    @abstractmethod
    def count_lost(self) -> int:
        """How many packets the kernel could not keep since this was asked last."""

    def open(self, port: int, address: str, peers: Sequence[str]) -> None:  # noqa: B027 - a mirror has none of its own
        """Media may come to a local port from hosts; address: of ours, as they know it.

        Raises: OSError (somebody else has the port).
        """

    def shut(self, port: int) -> None:  # noqa: B027 - a mirror has none of its own
        """Nothing more is wanted at a port."""

    def keep_only(self, ports: Collection[int]) -> None:  # noqa: B027 - a mirror has none of its own
        """Shut all ports but these."""

    def could_be_better(self) -> bool:
        """Whether what stood in the way of what was asked for is over."""
        return False

    def take_strangers(self) -> dict[str, int]:
        """Who sent to open ports without being announced, as "host>port", since this was asked last."""
        return {}

    def take_unread_suites(self) -> list[int]:
        """Cipher suites that kept signalling from being read though its keys are known, since this was asked last."""
        return []

    @abstractmethod
    def close(self) -> None:
        """Let go of sockets and rings."""


class MirrorIntake(Intake):
    """All traffic of an interface: media between anybody, and what is said about it."""

    def __init__(self, order: Order, endpoints: Endpoints) -> None:
        super().__init__()
        link_type = find_interface(order.interface).link_type
        program = _compile(order.expression, link_type)
        self._ring = PacketRing(
            order.interface, program=program, blocks=_RING_BLOCKS, fanout=order.fanout_group, promiscuous=True
        )
        self._decoder = Decoder(endpoints)
        self._understanding = Unread()
        self._keys = GrowingKeyLog(order.key_log)
        self._ear = SipEar(endpoints, order.sip_ports, self._keys)
        self.way = f"ring on {order.interface}"

    def fileno(self) -> int:
        """For poll."""
        return self._ring.fileno()

    def read(self) -> Iterator[Received]:
        """What passed by."""
        for _ in range(_BLOCKS_AT_ONCE):
            block = self._ring.read(0.0)
            self.trouble = self._ring.trouble
            if block is None:
                return
            decoded = self._decoder.decode(block)
            self._understanding.add(decoded.counters)
            self.unread = self._understanding.reason
            media = tuple(pick(part, _is_media(part)) for part in decoded.datagrams)
            messages = tuple(self._ear.hear(decoded, int(block.time_ns[-1])))
            yield Received(packets=len(block), media=tuple(part for part in media if len(part)), messages=messages)

    def count_lost(self) -> int:
        """Packets for which the ring had no room."""
        return self._ring.statistics().drops

    def take_unread_suites(self) -> list[int]:
        """Those of TLS that are not read here."""
        return self._keys.take_unread_suites()

    def close(self) -> None:
        """Let go of the ring."""
        self._ring.close()


@dataclass(slots=True)
class _Guests:
    """Who may send to which local port. One host a port is told at once, more of them one by one.

    known_as: our endpoint of each port as the guests know it, which may be another than the one that packets carry.
    """

    endpoints: Endpoints
    known_as: np.ndarray = field(default_factory=lambda: np.zeros(_PORTS, np.uint64))
    single: np.ndarray = field(default_factory=lambda: np.zeros(_PORTS, np.uint64))
    several: dict[int, frozenset[int]] = field(default_factory=dict)
    strangers: Counter[str] = field(default_factory=Counter)

    def invite(self, port: int, address: str, peers: Sequence[str]) -> None:
        self.known_as[port] = self.endpoints.key(ip_address(address).packed, port)
        hosts = frozenset(self.endpoints.key(ip_address(peer).packed, 0) for peer in peers)
        self.several[port] = hosts
        self.single[port] = next(iter(hosts), 0)

    def dismiss(self, port: int) -> None:
        self.several.pop(port, None)
        self.single[port] = 0

    def admit(self, datagrams: Datagrams) -> tuple[Datagrams, int]:
        """What invited hosts sent, and how much others did."""
        ports = (datagrams.target & np.uint64(0xFFFF)).astype(np.int64)
        hosts = datagrams.source & ~np.uint64(0xFFFF)
        welcome = self.single[ports] == hosts
        for row in np.flatnonzero(~welcome).tolist():
            port, host = int(ports[row]), int(hosts[row])
            welcome[row] = host in self.several.get(port, ())
            if not welcome[row] and port in self.several and len(self.strangers) < _STRANGERS_MAX:
                self.strangers[f"{self.endpoints.address(host)}>{port}"] += 1
        refused = len(datagrams) - int(np.count_nonzero(welcome))
        admitted = replace(datagrams, target=self.known_as[ports])
        return (pick(admitted, welcome) if refused else admitted), refused


class _InvitedIntake(Intake):
    """Media that comes to ports of ours."""

    def __init__(self, endpoints: Endpoints) -> None:
        super().__init__()
        self._guests = _Guests(endpoints)

    def keep_only(self, ports: Collection[int]) -> None:
        """Shut all ports but these."""
        for port in self._guests.several.keys() - set(ports):
            self.shut(port)

    def take_strangers(self) -> dict[str, int]:
        """Who sent unannounced."""
        found, self._guests.strangers = dict(self._guests.strangers), Counter()
        return found

    def _admit(self, packets: int, parts: Sequence[Datagrams]) -> Received:
        self.ask_first()
        media = []
        for part in parts:
            admitted, refused = self._guests.admit(part)
            self.strange += refused
            if len(admitted):
                media.append(admitted)
        return Received(packets=packets, media=tuple(media))


class RingIntake(_InvitedIntake):
    """Ports of ours, read off an interface: one ring for all, whatever their number."""

    def __init__(self, order: Order, endpoints: Endpoints) -> None:
        super().__init__(endpoints)
        ports = order.port_range
        reach = (*order.older_ports, ports.start, ports.stop - 1)
        program = udp_ports(min(reach), max(reach), find_interface(order.interface).link_type)
        self._ring = PacketRing(order.interface, program=program, blocks=_RING_BLOCKS, fanout=order.fanout_group)
        addresses = [ip_address(address) for address in order.addresses]
        is_shared = order.fanout_group is not None
        self._held = hold(ports, order.interface, addresses, instance=order.instance, shared=is_shared)
        self._ports, self._older = ports, HoldingSockets(addresses, shared=is_shared)
        self._decoder = Decoder(endpoints)
        self.way = f"ring on {order.interface}; {self._held.way}"

    def fileno(self) -> int:
        """For poll."""
        return self._ring.fileno()

    def read(self) -> Iterator[Received]:
        """What came to open ports."""
        for _ in range(_BLOCKS_AT_ONCE):
            block = self._ring.read(0.0)
            self.trouble = self._ring.trouble
            if block is None:
                return
            yield self._admit(len(block), self._decoder.decode(block).datagrams)

    def count_lost(self) -> int:
        """Packets for which the ring had no room."""
        return self._ring.statistics().drops

    def open(self, port: int, address: str, peers: Sequence[str]) -> None:
        """Media may come. Raises: OSError."""
        self._holder(port).open(port)
        self._guests.invite(port, address, peers)

    def shut(self, port: int) -> None:
        """No more is wanted."""
        self._guests.dismiss(port)
        self._holder(port).close(port)

    def close(self) -> None:
        """Let go of ring and ports."""
        self._ring.close()
        self._held.release()
        self._older.release()

    def _holder(self, port: int) -> HeldPorts:
        return self._held if port in self._ports else self._older


class SocketIntake(_InvitedIntake):
    """Ports of ours on ordinary sockets, which need no rights and cost several times as much."""

    def __init__(self, order: Order, endpoints: Endpoints) -> None:
        super().__init__(endpoints)
        addresses = [ip_address(address) for address in order.addresses]
        self._sockets = PortSockets(addresses, endpoints, shared=order.fanout_group is not None)
        self.way = "ordinary sockets"

    def fileno(self) -> int:
        """For poll."""
        return self._sockets.fileno()

    def read(self) -> Iterator[Received]:
        """What came to open ports."""
        for _ in range(_BLOCKS_AT_ONCE):
            datagrams = self._sockets.read(0.0)
            if datagrams is None:
                return
            yield self._admit(len(datagrams), [datagrams])

    def count_lost(self) -> int:
        """Packets for which a socket had no room."""
        return self._sockets.statistics().drops

    def open(self, port: int, address: str, peers: Sequence[str]) -> None:
        """Media may come. Raises: OSError."""
        self._guests.invite(port, address, peers)
        self._sockets.open(port, ip_address(address))  # a call of before settings changed has another one perhaps

    def shut(self, port: int) -> None:
        """No more is wanted."""
        self._sockets.close(port)
        self._guests.dismiss(port)

    def close(self) -> None:
        """Let go of the sockets."""
        self._sockets.close_all()


class SpareIntake(SocketIntake):
    """Ordinary sockets in the place of an interface that cannot be captured from."""

    def __init__(self, order: Order, endpoints: Endpoints, shortcoming: str) -> None:
        super().__init__(order, endpoints)
        self.shortcoming = shortcoming
        self._order = order
        self._look_at_s = time.monotonic() + _TRY_S

    def could_be_better(self) -> bool:
        """Whether the interface can be captured from now, looking seldom."""
        if time.monotonic() < self._look_at_s:
            return False
        self._look_at_s = time.monotonic() + _TRY_S
        try:
            PacketRing(self._order.interface, blocks=2).close()
        except (PluginError, OSError):
            return False
        return True


class NoIntake(Intake):
    """Nothing comes any more."""

    def fileno(self) -> int:
        """None."""
        return -1

    def read(self) -> Iterator[Received]:
        """Nothing."""
        return iter(())

    def count_lost(self) -> int:
        """None."""
        return 0

    def close(self) -> None:
        """There is nothing to let go of."""


def make_intake(order: Order, endpoints: Endpoints) -> Intake:
    """The way in that an order asks for."""
    if order.is_retired:
        return NoIntake()
    if order.ports is None:
        return MirrorIntake(order, endpoints)
    if not order.interface:
        return SocketIntake(order, endpoints)
    try:
        return RingIntake(order, endpoints)
    except (CaptureDenied, NoInterface) as error:
        return SpareIntake(order, endpoints, str(error))


def _compile(expression: str, link_type: int) -> Program | None:
    """The program of a mirror's filter. Raises: BadExpression naming the setting, which was right once."""
    try:
        return compile_expression(expression, link_type) if expression else None
    except BadExpression as error:
        raise BadExpression(f"the filter of the settings does not hold any more: {error}", hint=error.hint) from None


def _is_media(datagrams: Datagrams) -> np.ndarray:
    """RTP and RTCP, by their version: RFC 3550 section 5.1, RFC 5761 section 4."""
    first = datagrams.buffer[np.where(datagrams.length > 0, datagrams.offset, 0)] if len(datagrams) else np.zeros(0)
    is_media: np.ndarray = (datagrams.length >= 8) & (first.astype(np.uint8) >> 6 == 2)
    return is_media
