"""Held ports: nobody else gets them, no sender is told that they are closed, and nothing stays behind."""

import socket
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path

import pytest

from plugins.pbx_sip.capture import ports as held_ports
from plugins.pbx_sip.capture.errors import NoInterface
from plugins.pbx_sip.capture.ports import HoldingSockets, NftRefused, NftTable, hold
from plugins.pbx_sip.capture.programs import udp_ports
from tests.doubles.network import LAN, LAN_ADDRESS, LAN_ADDRESS6, network_pair
from tests.unit.plugins.pbx_sip.capture.receiving import decode_all, ring_on

RESERVED = Path("/proc/sys/net/ipv4/ip_local_reserved_ports")
PORTS = range(20000, 50001)
OURS = (ip_address(LAN_ADDRESS), ip_address(LAN_ADDRESS6))
HERE = ip_address("127.0.0.1")


@pytest.fixture
def network():
    with network_pair() as pair, pair.at_lan():
        yield pair


def ruleset() -> str:
    return subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True).stdout


def hears_of_a_closed_port(network, address: str, port: int) -> bool:
    """Whether a sender is told by ICMP that nobody listens."""
    with (
        network.at_pbx(),
        socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as one,
    ):
        one.settimeout(0.5)
        one.connect((address, port))
        one.send(b"rtp")
        try:
            one.recv(100)
        except ConnectionRefusedError:
            return True
        except TimeoutError:
            return False
        raise AssertionError("somebody answered")


def test_a_table_comes_and_goes(network):
    before = RESERVED.read_text()
    held = hold(PORTS, LAN, OURS, instance="Berlin 1")
    assert isinstance(held, NftTable)
    assert "recording_hub_berlin_1" in ruleset()
    assert RESERVED.read_text().strip() == "20000-50000"
    held.release()
    assert ruleset() == ""
    assert RESERVED.read_text() == before


def test_a_table_that_a_dead_process_left_is_replaced(network):
    NftTable(range(20000, 20011), LAN, OURS, "berlin")
    held = NftTable(range(30000, 30011), LAN, OURS, "berlin")
    assert ruleset().count("table netdev") == 1
    assert "30000-30010" in ruleset()
    assert "20000-20010" not in ruleset()
    held.release()
    assert ruleset() == ""


def test_tables_of_two_devices_stand_side_by_side(network):
    one = NftTable(range(20000, 20011), LAN, OURS, "one")
    other = NftTable(range(40000, 40011), LAN, OURS, "other")
    one.release()
    assert "40000-40010" in ruleset()
    assert RESERVED.read_text().strip() == "40000-40010"
    other.release()
    assert ruleset() == ""


def test_what_was_reserved_before_stays_reserved(network):
    RESERVED.write_text("34000-36000\n")
    held = NftTable(range(35000, 45000), LAN, OURS, "berlin")
    assert RESERVED.read_text().strip() == "34000-44999"
    held.release()
    assert RESERVED.read_text().strip() == "34000-36000"


def test_ports_that_the_kernel_never_gives_away_need_no_reservation(network):
    held = NftTable(range(10000, 20001), LAN, OURS, "berlin")
    assert RESERVED.read_text().strip() == ""
    held.release()


@pytest.mark.parametrize("address", [LAN_ADDRESS, LAN_ADDRESS6])
def test_behind_a_table_the_ring_gets_all_and_senders_hear_nothing(network, address):
    assert hears_of_a_closed_port(network, address, 20000)
    held = hold(PORTS, LAN, OURS, instance="berlin")
    with ring_on(LAN, program=udp_ports(20000, 50000)) as ring:
        assert not hears_of_a_closed_port(network, address, 20000)
        assert [payload for _, _, payload in decode_all(ring, 1)] == [b"rtp"]
    assert hears_of_a_closed_port(network, address, 19999)
    held.release()
    assert hears_of_a_closed_port(network, address, 20000)


def test_a_table_for_every_address_holds_each(network):
    held = hold(PORTS, LAN, (ip_address("0.0.0.0"), ip_address("::")), instance="berlin")
    assert isinstance(held, NftTable)
    for address in (LAN_ADDRESS, LAN_ADDRESS6):
        assert not hears_of_a_closed_port(network, address, 20000)
    held.release()


def test_a_table_holds_ports_of_the_loopback_too(network):
    held = hold(PORTS, "lo", (HERE,), instance="berlin")
    assert isinstance(held, NftTable)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        ring_on("lo", program=udp_ports(20000, 50000)) as ring,
    ):
        sender.connect(("127.0.0.1", 20000))
        sender.send(b"one")
        sender.send(b"two")
        assert [payload for _, _, payload in decode_all(ring, 2)] == [b"one", b"two"]
    held.release()


@pytest.mark.parametrize("address", [LAN_ADDRESS, LAN_ADDRESS6])
def test_a_long_message_to_another_port_arrives_whole(network, address):
    """What follows in a fragment may look like a port of the range."""
    content = bytes([30_000 >> 8, 30_000 & 0xFF]) * 2000
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as listener:
        listener.bind((address, 5060))
        listener.settimeout(5)
        held = NftTable(PORTS, LAN, OURS, "berlin")
        with network.at_pbx(), socket.socket(family, socket.SOCK_DGRAM) as sender:
            sender.sendto(content, (address, 5060))
        assert listener.recv(8000) == content
        held.release()


def test_a_port_that_another_program_had_before_stays_its_own(network):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((LAN_ADDRESS, 30000))
        other.settimeout(5)
        held = hold(PORTS, LAN, OURS, instance="berlin")
        assert held.taken == {30000}
        with pytest.raises(OSError, match="30000"):
            held.open(30000)
        held.open(30002)
        with network.at_pbx(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"for the other", (LAN_ADDRESS, 30000))
        assert other.recv(100) == b"for the other"
        held.release()


def test_sockets_that_ask_for_any_port_get_none_that_is_held(network):
    held = hold(range(32768, 60000), LAN, OURS, instance="berlin")
    for _ in range(50):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind(("0.0.0.0", 0))
            assert sender.getsockname()[1] not in range(32768, 60000)
    held.release()


def test_without_nftables_sockets_hold_the_open_ports(network, monkeypatch):
    def refuse(*_):
        raise NftRefused("nft is not installed")

    monkeypatch.setattr(held_ports, "_run_nft", refuse)
    held = hold(PORTS, LAN, OURS, instance="berlin")
    assert isinstance(held, HoldingSockets)
    assert "a socket holds each open port" in held.way
    assert RESERVED.read_text().strip() == ""
    held.open(20000)
    with ring_on(LAN, program=udp_ports(20000, 50000)) as ring:
        for address in (LAN_ADDRESS, LAN_ADDRESS6):
            assert not hears_of_a_closed_port(network, address, 20000)
            assert hears_of_a_closed_port(network, address, 20002)
        assert {payload for _, _, payload in decode_all(ring, 4)} == {b"rtp"}
    held.close(20000)
    assert hears_of_a_closed_port(network, LAN_ADDRESS, 20000)
    held.release()


def test_a_holding_socket_keeps_others_from_the_port_and_takes_nothing():
    held = HoldingSockets((HERE,))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        taken = other.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            held.open(taken)
    held.open(taken)
    held.open(taken)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        with pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", taken))
        held.release()
        other.bind(("127.0.0.1", taken))


def test_an_interface_that_is_not_there_is_refused(network):
    with pytest.raises(NoInterface, match="lan9"):
        hold(PORTS, "lan9", OURS, instance="berlin")
    assert RESERVED.read_text().strip() == ""


def test_without_the_right_to_nftables_sockets_hold_the_open_ports(network):
    script = (
        "from ipaddress import ip_address; from plugins.pbx_sip.capture.ports import hold\n"
        f"held = hold(range(20000, 50001), {LAN!r}, (ip_address({LAN_ADDRESS!r}),), instance='berlin')\n"
        "held.open(20000); print(type(held).__name__)"
    )
    command = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "HoldingSockets\n"
    assert ruleset() == ""
    assert RESERVED.read_text().strip() == ""
