"""The kernel passes what a program says, and no more."""

import pytest

from plugins.pbx_sip.capture.programs import DROP_ALL, udp_ports
from tests.unit.plugins.pbx_sip.capture.judging import passed
from tests.unit.plugins.pbx_sip.packets import frames as f

_TO = {port: f.udp(b"rtp", target=port) for port in (9999, 10000, 15000, 20000, 20001)}
_WANTED = [port in range(10000, 20001) for port in _TO]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda datagram: f.ethernet(f.ipv4(datagram)),
        lambda datagram: f.ethernet(f.ipv4(datagram, options=b"\x01" * 8)),
        lambda datagram: f.ethernet(f.ipv6(datagram), 0x86DD),
        lambda datagram: f.ethernet(f.vlan(f.ipv4(datagram)), 0x8100),
        lambda datagram: f.ethernet(f.vlan(f.vlan(f.ipv4(datagram)), 0x8100), 0x88A8),
        lambda datagram: f.ethernet(f.vlan(f.vlan(f.ipv6(datagram), 0x86DD), 0x9100), 0x8100),
    ],
    ids=["IPv4", "IPv4 with options", "IPv6", "a tag", "two tags", "IPv6 with two tags"],
)
def test_only_datagrams_to_the_ports_pass(wrap):
    assert passed(udp_ports(10000, 20000), *map(wrap, _TO.values())) == _WANTED


def test_packets_without_a_link_layer_are_judged_too():
    program = udp_ports(10000, 20000, link_type=101)
    for wrap in (f.ipv4, f.ipv6):
        assert passed(program, *map(wrap, _TO.values())) == _WANTED


def test_one_port_is_a_range_too():
    wanted, other = f.ethernet(f.ipv4(_TO[15000])), f.ethernet(f.ipv4(_TO[10000]))
    assert passed(udp_ports(15000, 15000), wanted, other) == [True, False]


def test_later_fragments_pass_and_first_ones_are_judged():
    program = udp_ports(10000, 20000)
    later = f.ethernet(f.ipv4(b"x" * 64, fragment=185))
    later6 = f.ethernet(f.ipv6(f.fragment6(b"x" * 64, 1480, more=False), 44), 0x86DD)
    assert passed(program, later, later6) == [True, True]
    for port, wanted in ((15000, True), (9999, False)):
        first = f.ethernet(f.ipv4(_TO[port] + b"x" * 61, fragment=0x2000))
        first6 = f.ethernet(f.ipv6(f.fragment6(_TO[port] + b"x" * 61, 0, more=True), 44), 0x86DD)
        assert passed(program, first, first6) == [wanted, wanted]


def test_other_protocols_do_not_pass():
    others = [
        f.ethernet(f.ipv4(f.tcp(b"x" * 40), 6)),
        f.ethernet(f.ipv6(f.tcp(b"x" * 40), 6), 0x86DD),
        f.ethernet(f.ipv4(b"x" * 64, protocol=6, fragment=185)),
        f.ethernet(f.ipv6(f.fragment6(b"x" * 64, 1480, more=False, following=6), 44), 0x86DD),
        f.ethernet(b"x" * 60, 0x0806),
        b"short",
    ]
    assert passed(udp_ports(0, 65535), *others) == [False] * len(others)


def test_three_tags_are_too_many():
    frame = f.ethernet(f.vlan(f.vlan(f.vlan(f.ipv4(_TO[15000])), 0x8100), 0x8100), 0x8100)
    assert passed(udp_ports(0, 65535), frame) == [False]


def test_nothing_passes_where_all_is_dropped():
    assert passed(DROP_ALL, b"anything", f.ethernet(f.ipv4(_TO[15000]))) == [False, False]


@pytest.mark.parametrize("ports", [(20000, 10000), (-1, 5), (5, 65536)])
def test_ports_that_are_no_range_are_refused(ports):
    with pytest.raises(ValueError, match="no range of ports"):
        udp_ports(*ports)


def test_an_unknown_link_type_is_refused():
    with pytest.raises(ValueError, match="link type 105"):
        udp_ports(1, 2, link_type=105)
