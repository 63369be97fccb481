"""What could not be made into a recording, as a capture file: nothing is lost, and the cause can be looked into.

Source: pcap, draft-ietf-opsawg-pcap; LINKTYPE_RAW (101), whose packets begin with their IP header.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address
from pathlib import Path
from struct import pack

from plugins.pbx_sip.engine.job import Job
from plugins.pbx_sip.journal.reading import read_units
from plugins.pbx_sip.journal.unit import UnitPlace
from plugins.pbx_sip.packets.datagrams import Datagrams, Endpoints

_MAGIC_NS, _LINKTYPE_RAW = 0xA1B23C4D, 101
_SNAP_BYTES = 262_144
_UDP, _HOPS = 17, 64
_SIP_PORT = 5060
_NOBODY = IPv4Address("192.0.2.1").packed  # messages are kept without where they went: RFC 5737, for documentation


def write_rescue(job: Job, path: Path) -> None:
    """Write the messages and the media of a job into a capture that can be imported again. Raises: OSError."""
    endpoints = Endpoints()
    packets = [
        (at_ns, _datagram(_NOBODY, _SIP_PORT, _NOBODY, _SIP_PORT, content)) for at_ns, _, content in job.messages
    ]
    for folder, units in job.units.items():
        datagrams, _ = read_units(Path(folder), [UnitPlace(*unit) for unit in units], endpoints)
        packets += _packets_of(datagrams, endpoints)
    packets.sort(key=lambda packet: packet[0])
    with path.open("wb") as file:
        file.write(pack("<IHHiIII", _MAGIC_NS, 2, 4, 0, 0, _SNAP_BYTES, _LINKTYPE_RAW))
        for at_ns, packet in packets:
            file.write(pack("<IIII", *divmod(at_ns, 1_000_000_000), len(packet), len(packet)) + packet)


def _packets_of(datagrams: Datagrams, endpoints: Endpoints) -> Iterable[tuple[int, bytes]]:
    columns = zip(datagrams.time_ns.tolist(), datagrams.source.tolist(), datagrams.target.tolist(), strict=True)
    for row, (at_ns, source, target) in enumerate(columns):
        ends = [(endpoints.address(key).packed, endpoints.port(key)) for key in (source, target)]
        yield at_ns, _datagram(*ends[0], *ends[1], datagrams.payload(row))


def _datagram(source: bytes, source_port: int, target: bytes, target_port: int, payload: bytes) -> bytes:
    """A UDP datagram with its headers; without checksums, which IPv4 allows and readers of captures do not ask for."""
    udp = pack(">HHHH", source_port, target_port, 8 + len(payload), 0) + payload
    if len(source) == 16:
        return pack(">IHBB", 6 << 28, len(udp), _UDP, _HOPS) + source + target + udp
    return pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, _HOPS, _UDP, 0) + source + target + udp
