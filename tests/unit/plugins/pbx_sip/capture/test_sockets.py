"""Ordinary sockets give the same datagrams as a ring does, with less right and more cost."""

import socket
import subprocess
import sys
from collections import Counter
from ipaddress import ip_address

import pytest

from plugins.pbx_sip.capture.programs import udp_ports
from plugins.pbx_sip.capture.sockets import PortSockets
from plugins.pbx_sip.packets.datagrams import Endpoints, TooManyAddresses
from tests.doubles.network import (
    LAN,
    LAN_ADDRESS,
    LAN_ADDRESS6,
    PBX_ADDRESS,
    PBX_ADDRESS6,
    network_pair,
)
from tests.unit.plugins.pbx_sip.capture.receiving import decode_all, listen_all, open_free_port, ring_on

HERE, HERE6 = ip_address("127.0.0.1"), ip_address("::1")


class Listening:
    """Sockets that are closed again, and the endpoints that they number."""

    def __init__(self, *addresses, addresses_max=100):
        self.endpoints = Endpoints(addresses_max)
        self.sockets = PortSockets(addresses, self.endpoints)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.sockets.close_all()

    def open(self) -> int:
        """A port that was free on all addresses."""
        return open_free_port(self.sockets)

    def take(self, count):
        return listen_all(self.sockets, self.endpoints, count)


def sender_at(address: str) -> socket.socket:
    opened = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind((address, 0))
    return opened


def test_every_datagram_comes_with_both_of_its_ends():
    with Listening(HERE, HERE6) as here:
        ports = [here.open() for _ in range(5)]
        expected = Counter()
        for address in ("127.0.0.1", "::1"):
            with sender_at(address) as sender:
                shown = f"[{address}]" if ":" in address else address
                source = f"{shown}:{sender.getsockname()[1]}"
                for number in range(100):
                    port, payload = ports[number % 5], bytes([number]) * number
                    sender.sendto(payload, (address, port))
                    expected[source, f"{shown}:{port}", payload] += 1
        assert here.take(200) == expected


def test_a_socket_for_every_address_tells_to_which_one_a_datagram_went():
    with Listening(ip_address("0.0.0.0"), ip_address("::")) as here:
        port = here.open()
        for address in ("127.0.0.1", "127.0.0.9", "::1"):
            with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(b"x", (address, port))
        targets = {target for _, target, _ in here.take(3)}
    assert targets == {f"127.0.0.1:{port}", f"127.0.0.9:{port}", f"[::1]:{port}"}


def test_a_ring_and_sockets_give_the_same_datagrams():
    with network_pair() as network:
        with network.at_lan():
            here = Listening(ip_address(LAN_ADDRESS), ip_address(LAN_ADDRESS6))
            ports = sorted(here.open() for _ in range(20))
            program = udp_ports(ports[0], ports[-1])
        with here, network.at_lan(), ring_on(LAN, program=program, blocks=128) as ring:
            with network.at_pbx():
                for source, target in ((PBX_ADDRESS, LAN_ADDRESS), (PBX_ADDRESS6, LAN_ADDRESS6)):
                    with sender_at(source) as sender:
                        for number in range(1000):
                            payload = number.to_bytes(2, "big") * (number % 700)
                            sender.sendto(payload, (target, ports[number % 20]))
            through_sockets = here.take(2000)
            assert through_sockets.total() == 2000
            assert decode_all(ring, 2000) == through_sockets


def test_datagrams_of_many_sockets_come_in_the_order_in_which_they_came_in():
    with Listening(HERE) as here, sender_at("127.0.0.1") as sender:
        ports = [here.open() for _ in range(50)]
        for number in range(200):
            sender.sendto(number.to_bytes(2, "big"), ("127.0.0.1", ports[number * 7 % 50]))
        found = []
        while len(found) < 200:
            datagrams = here.sockets.read(5)
            assert datagrams is not None
            found += [datagrams.payload(row) for row in range(len(datagrams))]
    assert found == [number.to_bytes(2, "big") for number in range(200)]


def test_a_datagram_that_is_too_long_is_cut():
    with Listening(HERE) as here, sender_at("127.0.0.1") as sender:
        sender.sendto(b"x" * 9000, ("127.0.0.1", here.open()))
        ((_, _, payload),) = here.take(1)
    assert payload == b"x" * 4096


def test_datagrams_that_were_given_stay_as_they_are():
    with Listening(HERE) as here, sender_at("127.0.0.1") as sender:
        port = here.open()
        sender.sendto(b"first", ("127.0.0.1", port))
        first = here.sockets.read(5)
        sender.sendto(b"other", ("127.0.0.1", port))
        assert here.sockets.read(5) is not None
        assert first.payload(0) == b"first"


def test_what_finds_no_room_is_counted_even_after_its_port_is_closed():
    with Listening(HERE) as here, sender_at("127.0.0.1") as sender:
        ports = [here.open(), here.open()]
        for _ in range(4000):
            sender.sendto(b"x" * 1000, ("127.0.0.1", ports[0]))
        sender.sendto(b"last", ("127.0.0.1", ports[1]))
        here.sockets.close(ports[0])
        came = here.take(1).total()
        statistics = here.sockets.statistics()
        assert came == 1
        assert 0 < statistics.drops < 4000
        assert statistics.packets == statistics.drops + 1
        assert here.sockets.statistics().drops == 0


def test_a_closed_port_takes_nothing_and_can_be_opened_again():
    with Listening(HERE) as here, sender_at("127.0.0.1") as sender:
        port, other = here.open(), here.open()
        here.sockets.close(port)
        here.sockets.close(port)
        sender.sendto(b"lost", ("127.0.0.1", port))
        sender.sendto(b"heard", ("127.0.0.1", other))
        assert [payload for _, _, payload in here.take(1)] == [b"heard"]
        here.sockets.open(port)
        sender.sendto(b"heard again", ("127.0.0.1", port))
        assert [payload for _, _, payload in here.take(1)] == [b"heard again"]


def test_a_port_is_opened_once():
    with Listening(HERE) as here, sender_at("127.0.0.1") as sender:
        port = here.open()
        here.sockets.open(port)
        sender.sendto(b"x", ("127.0.0.1", port))
        assert here.take(1).total() == 1
        assert here.sockets.read(0) is None


def test_a_port_that_another_program_has_on_one_address_is_opened_on_none():
    with Listening(HERE, HERE6) as here, sender_at("::1") as other:
        port = other.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            here.sockets.open(port)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", port))


def test_senders_that_cannot_be_remembered_are_left_out():
    with Listening(HERE6, addresses_max=1) as here, sender_at("::1") as sender:
        port = here.open()
        sender.sendto(b"x", ("::1", port))
        assert here.take(1).total() == 1
    with Listening(HERE6, addresses_max=0) as here, pytest.raises(TooManyAddresses):
        here.sockets.open(40000)


def test_more_ports_than_files_may_be_open_by_default():
    script = (
        "import errno, resource; from ipaddress import ip_address\n"
        "from plugins.pbx_sip.capture.sockets import PortSockets\n"
        "from plugins.pbx_sip.packets.datagrams import Endpoints\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 1024))\n"
        "sockets, opened = PortSockets([ip_address('127.0.0.1')], Endpoints()), 0\n"
        "for port in range(65535, 1024, -1):\n"
        "    try: sockets.open(port)\n"
        "    except OSError as error: assert error.errno == errno.EADDRINUSE, error\n"
        "    else: opened += 1\n"
        "    if opened == 200: break\n"
        "print(opened)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "200\n"
