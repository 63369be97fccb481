import pytest

from plugins.ipoffice.smdr.peers import is_allowed, parse_peers


def test_addresses_and_networks_let_in_whom_they_name() -> None:
    peers = parse_peers(["192.168.42.1", "10.20.0.0/16", "fd00::/8"])
    for address in ("192.168.42.1", "10.20.3.4", "fd00::1", "::ffff:192.168.42.1", "fd00::1%eth0"):
        assert is_allowed(address, peers)
    for address in ("192.168.42.2", "10.21.0.1", "fe80::1", "127.0.0.1"):
        assert not is_allowed(address, peers)


def test_what_is_no_address_is_named() -> None:
    with pytest.raises(ValueError, match="pbx"):
        parse_peers(["10.0.0.1", "pbx"])
