"""Under which addresses clients find us: for signalling in Contact and Via, for media in session descriptions."""

from ipaddress import ip_address

from plugins.pbx_sip.recorder.terms import Terms
from plugins.pbx_sip.sdp.description import Description
from plugins.pbx_sip.sip.datagram_link import find_local_host
from plugins.pbx_sip.sip.dialog import Origin
from plugins.pbx_sip.sip.link import Link
from plugins.pbx_sip.sip.uri import write_host

_ANY = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - what a socket says that is bound to all of our addresses


class OwnAddresses:
    """Ours, by the way a client came. listening: our ports by transport, such as "UDP"."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self.listening: dict[str, list[int]] = {}

    def origin(self, link: Link) -> Origin:
        """Where our requests to a client come from, and our Contact for it. Raises: OSError."""
        transport = link.peer.transport
        ports = self.listening.get(transport, [])
        port = link.local[1] if link.local[1] in ports or not ports else ports[0]
        host = self._reached(link)
        way = "" if transport == "UDP" else f";transport={transport.lower()}"
        return Origin(transport, host, port, f"<sip:{write_host(host, port)}{way}>;+sip.srs")

    def media(self, link: Link, offer: Description | None) -> str:
        """Our address for media: of the family that the client names in its offer, else of its signalling.

        Raises: OSError.
        """
        reached = self._reached(link)
        for media in offer.media if offer else ():
            if (":" in media.address) != (":" in reached) and is_address(media.address):
                return self._terms.advertised(media.address) or _leave_towards(media.address) or reached
        return reached

    def _reached(self, link: Link) -> str:
        """Our address as a client uses it."""
        advertised = self._terms.advertised(link.peer.host)
        if advertised:
            return advertised
        local = link.local[0]
        return find_local_host(link.peer.host) if local in _ANY else local


def is_address(host: str) -> bool:
    """Whether a host is an address that something can be sent to."""
    try:
        return not ip_address(host).is_unspecified
    except ValueError:
        return False


def _leave_towards(host: str) -> str:
    try:
        return find_local_host(host)
    except OSError:  # there is no way to that family here
        return ""
