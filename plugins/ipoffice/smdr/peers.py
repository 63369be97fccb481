"""From which addresses call details are taken."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


def parse_peers(texts: Iterable[str]) -> tuple[Network, ...]:
    """Addresses and networks.

    Raises: ValueError naming the first text that is neither.
    """
    peers = []
    for text in texts:
        try:
            peers.append(ip_network(text.strip(), strict=False))
        except ValueError:
            raise ValueError(
                f"{text!r} is no address such as 192.168.42.1 and no network such as 10.20.0.0/16"
            ) from None
    return tuple(peers)


def is_allowed(address: str, peers: tuple[Network, ...]) -> bool:
    """Whether `address` (as a socket names its peer) lies in one of `peers`."""
    peer = ip_address(address.partition("%")[0])
    mapped = getattr(peer, "ipv4_mapped", None) or peer
    return any(mapped in network for network in peers)
