from ipaddress import IPv4Address, IPv6Address, ip_address

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.packets.datagrams import Endpoints, TooManyAddresses


def test_an_endpoint_of_ipv4_is_its_address_and_port() -> None:
    endpoints = Endpoints()
    key = endpoints.key(bytes([192, 0, 2, 1]), 5060)
    assert key == 0xC0000201 << 16 | 5060
    assert (endpoints.address(key), endpoints.port(key)) == (IPv4Address("192.0.2.1"), 5060)
    assert endpoints.text(key) == "192.0.2.1:5060"


def test_an_endpoint_of_ipv6_is_remembered() -> None:
    endpoints = Endpoints()
    address = IPv6Address("2001:db8::1")
    key = endpoints.key(address.packed, 5060)
    assert key >> 63 == 1
    assert endpoints.key(address.packed, 5061) == key + 1
    assert (endpoints.address(key), endpoints.port(key)) == (address, 5060)
    assert endpoints.text(key) == "[2001:db8::1]:5060"


def test_an_address_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="5 bytes"):
        Endpoints().key(b"12345", 1)


def test_there_is_an_end_to_the_addresses_that_are_remembered() -> None:
    endpoints = Endpoints(addresses_max=1)
    known = endpoints.key(bytes(16), 1)
    with pytest.raises(TooManyAddresses):
        endpoints.key(bytes(15) + b"\1", 1)
    assert endpoints.key(bytes(16), 1) == known


@settings(max_examples=50)
@given(st.lists(st.binary(min_size=16, max_size=16) | st.sampled_from([bytes(16), bytes(15) + b"\1"]), max_size=20))
def test_a_column_of_addresses_has_the_keys_of_each(addresses: list[bytes]) -> None:
    endpoints = Endpoints()
    keys = endpoints.keys(np.array(addresses, "V16"))
    assert keys.tolist() == [endpoints.key(address, 0) for address in addresses]
    assert [endpoints.address(int(key)) for key in keys] == [ip_address(address) for address in addresses]
