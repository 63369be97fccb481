"""Ports that a device had before its settings changed: calls that came by them and go on end there too.

Source: RFC 3261 section 12.2: requests inside a dialog go to the Contact that was given when it began.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from plugins.pbx_sip.recorder.standing import StandingCalls
from plugins.pbx_sip.recorder.terms import Terms
from plugins.pbx_sip.sip.timers import GIVE_UP_S
from plugins.pbx_sip.sip.transport import Transports

_Place = tuple[str, int]


class FormerPorts:
    """Open as long as one of their calls goes on, and until nobody says anything again that was said there."""

    def __init__(
        self, terms: Terms, transports: Transports, calls: StandingCalls, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._terms = terms
        self._transports = transports
        self._calls = calls
        self._clock = clock
        self._needed_s: dict[_Place, float] = {}

    async def open(self, known: Iterable[_Place]) -> None:
        """Listen where standing calls expect us; known: (transport, port) of where we listen anyway."""
        for place in self._find_needed() - set(known):
            for address in {each.address for each in self._terms.listen}:
                with suppress(OSError):  # somebody else has it by now: that is what the change was for, perhaps
                    await self._listen(address, *place)
                    self._needed_s[place] = self._clock()

    def close_idle(self) -> None:
        """Close those whose calls are over."""
        if not self._needed_s:
            return
        now_s = self._clock()
        self._needed_s |= dict.fromkeys(self._find_needed() & self._needed_s.keys(), now_s)
        for place in [place for place, needed_s in self._needed_s.items() if now_s - needed_s > GIVE_UP_S]:
            del self._needed_s[place]
            self._transports.stop_listening(*place)

    def _find_needed(self) -> set[_Place]:
        return {(call.origin.transport, call.origin.port) for call in self._calls}

    async def _listen(self, address: str, transport: str, port: int) -> None:
        if transport == "UDP":
            await self._transports.listen_udp(address, port)
        elif transport == "TCP" or self._terms.tls_server is not None:
            await self._transports.listen_tcp(address, port, self._terms.tls_server if transport == "TLS" else None)
