"""The load of the benchmarks is what it says: so many packets, each of them known beforehand."""

import shutil
import subprocess
from ipaddress import ip_address

import numpy as np
import pytest

from plugins.pbx_sip.capture.programs import udp_ports
from plugins.pbx_sip.capture.sockets import PortSockets
from plugins.pbx_sip.packets.datagrams import Endpoints
from plugins.pbx_sip.rtp.packets import read_rtp
from tests.bench.traffic import FIRST_SSRC, Traffic, payload_of
from tests.doubles.network import LAN, LAN_ADDRESS, LAN_MAC, PBX, network_pair
from tests.unit.plugins.pbx_sip.capture.receiving import decode_all, listen_all, open_free_port, ring_on


@pytest.fixture(scope="module")
def traffic():
    assert shutil.which("gcc"), "gcc is missing: apt-get install --no-install-recommends gcc libc6-dev"
    with Traffic() as compiled:
        yield compiled


def streams_of(found):
    """Timestamps, sequence numbers and payloads of (source, target, RTP packet), by SSRC; ports by SSRC."""
    streams, ports = {}, {}
    for _, target, packet in found.elements():
        column = np.frombuffer(packet, np.uint8)
        packets, _ = read_rtp(column, np.zeros(1, np.int64), np.zeros(1, np.int64), np.array([len(packet)], np.int32))
        ssrc, timestamp = int(packets.ssrc[0]), int(packets.timestamp[0])
        streams.setdefault(ssrc, {})[timestamp] = (int(packets.sequence[0]), packet[12:])
        ports.setdefault(ssrc, set()).add(int(target.rpartition(":")[2]))
    return streams, ports


def test_over_a_cable_every_stream_is_as_planned(traffic):
    with network_pair() as network, network.at_lan(), ring_on(LAN, program=udp_ports(20000, 60000), blocks=64) as ring:
        sent = traffic.run(
            before=network.pbx_command(), interface=PBX, target_mac=LAN_MAC.hex(":"), target=LAN_ADDRESS,
            streams=10, rate=2000, seconds=1, odd_payload=80,
        )  # fmt: skip
        streams, ports = streams_of(decode_all(ring, sent.sent))
    assert (sent.sent, sent.lost) == (2000, 0)
    assert sorted(streams) == [FIRST_SSRC + number for number in range(10)]
    for number in range(10):
        size = 80 if number % 2 else 160
        packets = streams[FIRST_SSRC + number]
        assert ports[FIRST_SSRC + number] == {20000 + 2 * number}
        assert sorted(packets) == [number * 1000003 + size * at for at in range(200)]
        for at, (timestamp, (sequence, payload)) in enumerate(sorted(packets.items())):
            assert sequence == number * 7 + at
            assert payload == payload_of(number, timestamp, size)


def test_over_the_loopback_what_is_left_out_is_said(traffic):
    endpoints = Endpoints()
    sockets = PortSockets((ip_address("127.0.0.1"),), endpoints)
    try:
        port = open_free_port(sockets)
        sent = traffic.run(port=port, streams=1, rate=2000, seconds=0.2, loss=100_000)
        assert sent.sent + sent.lost == 400
        assert 0 < sent.lost < 200
        assert listen_all(sockets, endpoints, sent.sent).total() == sent.sent
        assert sockets.read(0.1) is None
    finally:
        sockets.close_all()


@pytest.mark.parametrize(
    "options", [{"streams": 0}, {"seconds": 1000}, {"port": 60000, "streams": 5000}, {"payload": 9000}]
)
def test_an_impossible_plan_is_refused(traffic, options):
    with traffic.start(**options) as running:
        running.communicate()
    assert running.returncode == 2


def test_a_plan_that_cannot_be_met_ends_all_the_same(traffic):
    done = subprocess.run(
        [str(traffic.program), "--rate", "1e12", "--seconds", "0.0000001"], capture_output=True, text=True, check=True
    )
    assert '"sent": 100000' in done.stdout
