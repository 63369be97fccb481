"""Datagrams as a capture would hand them on, and what a journal gives back, for comparison."""

from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

import numpy as np

from plugins.pbx_sip.journal.journal import Journal
from plugins.pbx_sip.journal.reading import read_units
from plugins.pbx_sip.packets.datagrams import Datagrams, Endpoints

KEY = bytes(range(32))
BEGAN_NS = 1_790_000_000_000_000_000
SECOND_NS = 1_000_000_000
EVER_NS = 1 << 62

Packet = tuple[int, str, str, bytes]  # time_ns, source and target as "address port", payload


def end(endpoints: Endpoints, text: str) -> int:
    """The key of "192.0.2.1 5004"."""
    address, port = text.split()
    return endpoints.key(ip_address(address).packed, int(port))


def capture(packets: Sequence[Packet], endpoints: Endpoints) -> Datagrams:
    """Datagrams that lie among other bytes, as in a capture."""
    buffer, offsets = bytearray(b"\xaa" * 7), []
    for _, _, _, payload in packets:
        offsets.append(len(buffer))
        buffer += payload + b"\xbb" * 5
    return Datagrams(
        buffer=np.frombuffer(bytes(buffer), np.uint8),
        time_ns=np.array([packet[0] for packet in packets], np.int64),
        source=np.array([end(endpoints, packet[1]) for packet in packets], np.uint64),
        target=np.array([end(endpoints, packet[2]) for packet in packets], np.uint64),
        offset=np.array(offsets, np.int64),
        length=np.array([len(packet[3]) for packet in packets], np.int32),
    )


def told(datagrams: Datagrams, endpoints: Endpoints) -> list[Packet]:
    """Datagrams as packets."""
    return [
        (
            int(datagrams.time_ns[row]),
            *(f"{endpoints.address(int(key))} {endpoints.port(int(key))}" for key in ends),
            datagrams.payload(row),
        )
        for row, ends in enumerate(zip(datagrams.source, datagrams.target, strict=True))
    ]


def kept(folder: Path, journal: Journal) -> list[Packet]:
    """All packets of a journal, as another process reads them."""
    ends = {key for flow in journal.flows() for key in (flow.source, flow.target)}
    elsewhere = Endpoints()
    datagrams, lost = read_units(folder, [unit.place for unit in journal.find(ends, 0, EVER_NS)], elsewhere)
    assert lost == 0
    return told(datagrams, elsewhere)


def by_flow(packets: Sequence[Packet]) -> dict[tuple[str, str], list[tuple[int, bytes]]]:
    """Packets of each flow, in their order."""
    flows: dict[tuple[str, str], list[tuple[int, bytes]]] = {}
    for time_ns, source, target, payload in packets:
        flows.setdefault((source, target), []).append((time_ns, payload))
    return flows


def talk(second: int, flows: int = 3, packets: int = 4, size: int = 172) -> list[Packet]:
    """A second of some flows, a packet of each in turn; each second is told from others by its payloads."""
    return [
        (
            BEGAN_NS + second * SECOND_NS + row * SECOND_NS // packets + flow,
            f"192.0.2.{1 + flow} 20000",
            "198.51.100.1 " + str(30000 + flow),
            bytes([second & 0xFF, row & 0xFF, flow & 0xFF]) + bytes(size - 3),
        )
        for row in range(packets)
        for flow in range(flows)
    ]
