"""What the kernel tells of interfaces is told."""

import pytest

from plugins.pbx_sip.capture import interfaces
from plugins.pbx_sip.capture.errors import NoInterface
from plugins.pbx_sip.capture.interfaces import find_features, find_interface, interface_names, missed_packets
from tests.doubles.network import LAN, network_pair, tunnel


@pytest.fixture(scope="module")
def network():
    with network_pair() as pair:
        yield pair


def test_the_loopback_carries_ethernet_and_is_up(network):
    with network.at_lan():
        found = find_interface("lo")
    assert (found.name, found.index, found.link_type, found.is_up) == ("lo", 1, 1, True)
    assert found.mtu_bytes == 65536


def test_a_card_carries_ethernet(network):
    with network.at_lan():
        found = find_interface(LAN)
        assert interface_names() == ["lan0", "lo"]
        assert missed_packets(LAN) == 0
    assert (found.link_type, found.is_up, found.mtu_bytes) == (1, True, 1500)


def test_a_tunnel_carries_bare_packets(network):
    with network.at_lan(), tunnel("tun9"):
        found = find_interface("tun9")
    assert found.link_type == 101
    assert found.is_up


def test_features_are_those_that_the_driver_tells(network):
    with network.at_lan():
        features = find_features(LAN)
        assert {"rx-gro", "rx-lro", "rx-gro-list", "rx-udp-gro-forwarding"} <= set(features)
        assert not features["rx-lro"]
        assert find_features("lan9") == {}


def test_what_is_no_interface_has_no_losses_and_is_refused():
    assert missed_packets("lan9") == 0
    with pytest.raises(NoInterface, match="no interface 'lan9'"):
        find_interface("lan9")


def test_an_interface_that_carries_something_else_is_refused(network, monkeypatch):
    monkeypatch.setattr(interfaces, "_LINK_TYPES", {1: 1})
    with network.at_lan(), pytest.raises(NoInterface, match=r"neither Ethernet nor IP \(hardware type 772\)"):
        find_interface("lo")
