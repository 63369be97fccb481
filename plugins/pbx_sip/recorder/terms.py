"""On what terms recording sessions are taken."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Literal

from plugins.pbx_sip.recorder.ports import PortPool
from plugins.pbx_sip.sip.link import Peer


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenAt:
    """A socket that clients find us at; port 0 is any that is free."""

    transport: Literal["udp", "tcp", "tls"] = "udp"
    address: str = "0.0.0.0"  # noqa: S104 - whoever configures a recorder means all of its addresses
    port: int = 5060


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowList:
    """Clients that are known by where they are, or by a name in the certificate that they show over TLS.

    names: in small letters.
    """

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    names: frozenset[str] = frozenset()

    def knows(self, peer: Peer) -> bool:
        """Whether a peer is one of them."""
        if not self.names.isdisjoint(peer.names):
            return True
        if not self.networks:
            return False
        address = ip_address(peer.host)
        return any(address in network for network in self.networks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the server of recording sessions goes by.

    advertised_ipv4, advertised_ipv6: our address as clients have to use it for signalling and media; "" for the one
    that they reached, or by which our packets leave. secrets: by user; who is not on the list of the allowed may prove
    itself by one, and who registers has to. serial_number: the only user that may register, "" for any.
    answers_inactive: whether new calls are taken paused. offers_keys: whether an INVITE without a description is
    offered SRTP. media_hosts: addresses that media may come from where a call names
    none.
    """

    listen: tuple[ListenAt, ...]
    ports: PortPool
    allowed: AllowList
    advertised_ipv4: str = ""
    advertised_ipv6: str = ""
    tls_server: ssl.SSLContext | None = None
    tls_client: ssl.SSLContext | None = None
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    serial_number: str = ""
    realm: str = "recording-hub"
    calls_max: int = 10_000
    calls_per_host_max: int = 10_000
    retry_after_s: int = 30
    registration_min_s: int = 60
    registration_max_s: int = 3600
    server_name: str = "Recording-Hub"
    answers_inactive: bool = False
    offers_keys: bool = False
    media_hosts: tuple[str, ...] = ()

    def advertised(self, host: str) -> str:
        """Our address for clients that are reached as `host` is, by its family; "" if none is set."""
        return self.advertised_ipv6 if ":" in host else self.advertised_ipv4
