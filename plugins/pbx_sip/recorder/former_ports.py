"""Ports and addresses that a device had before its settings changed: calls that came by them and go on end there too.

Source: RFC 3261 section 12.2: requests inside a dialog go to the Contact that was given when it began.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from ipaddress import ip_address

from plugins.pbx_sip.recorder.standing import StandingCalls
from plugins.pbx_sip.recorder.terms import Terms
from plugins.pbx_sip.sip.timers import GIVE_UP_S
from plugins.pbx_sip.sip.transport import Transports

_Way = tuple[str, int]
_Place = tuple[str, int, str]


class FormerPorts:
    """Open as long as one of their calls goes on, and until nobody says anything again that was said there.

    A place is a transport, a port, and the address by which the calls know us.
    """

    def __init__(
        self, terms: Terms, transports: Transports, calls: StandingCalls, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._terms = terms
        self._transports = transports
        self._calls = calls
        self._clock = clock
        self._needed_s: dict[_Place, float] = {}
        self._opened: dict[_Place, set[str]] = {}

    async def open(self, known: Iterable[_Way]) -> None:
        """Listen where standing calls expect us; known: (transport, port) of where we listen anyway."""
        ways, own = set(known), {each.address for each in self._terms.listen}
        for place in self._find_needed():
            transport, port, host = place
            is_known = (transport, port) in ways
            if not _is_among(host, own) and await self._listen(host, transport, port):
                self._note(place, host)
            elif not is_known:  # what the calls know us by is no address of this machine, as behind a router
                for address in own:
                    if await self._listen(address, transport, port):
                        self._note(place, address)

    def close_idle(self) -> None:
        """Close those whose calls are over."""
        if not self._needed_s:
            return
        now_s = self._clock()
        self._needed_s |= dict.fromkeys(self._find_needed() & self._needed_s.keys(), now_s)
        for place in [place for place, needed_s in self._needed_s.items() if now_s - needed_s > GIVE_UP_S]:
            del self._needed_s[place]
            for address in self._opened.pop(place):
                self._transports.stop_listening(place[0], place[1], address)

    def _note(self, place: _Place, address: str) -> None:
        self._needed_s[place] = self._clock()
        self._opened.setdefault(place, set()).add(address)

    def _find_needed(self) -> set[_Place]:
        return {(call.origin.transport, call.origin.port, call.origin.host) for call in self._calls}

    async def _listen(self, address: str, transport: str, port: int) -> bool:
        """Whether it is listened there; somebody else may have it by now: that is what the change was for, perhaps."""
        with suppress(OSError):
            if transport == "UDP":
                await self._transports.listen_udp(address, port)
                return True
            if transport == "TCP" or self._terms.tls_server is not None:
                await self._transports.listen_tcp(address, port, self._terms.tls_server if transport == "TLS" else None)
                return True
        return False


def _is_among(host: str, addresses: Iterable[str]) -> bool:
    """Whether what comes to a host comes to one of the addresses, which may be all of a family; so does a name."""
    try:
        wanted = ip_address(host)
    except ValueError:
        return True
    own = [ip_address(address) for address in addresses]
    return any(each == wanted or (each.is_unspecified and each.version == wanted.version) for each in own)
