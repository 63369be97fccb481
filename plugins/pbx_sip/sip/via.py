"""One hop on the way of a request.

Source: RFC 3261 sections 18.2 and 20.42, RFC 3581 (rport).
"""

import secrets
from dataclasses import dataclass, replace

from plugins.pbx_sip.sip.errors import BadValue
from plugins.pbx_sip.sip.params import Parameterised, Params, parse_params, write_params
from plugins.pbx_sip.sip.uri import parse_host, write_host

MAGIC_COOKIE = "z9hG4bK"


@dataclass(frozen=True, slots=True)
class Via(Parameterised):
    """transport: in capitals. host and port: where the sender says that it listens."""

    transport: str
    host: str
    port: int | None = None
    params: Params = ()

    @property
    def branch(self) -> str:
        """What names the transaction; "" where none is said."""
        return self.param("branch") or ""

    @property
    def sent_by(self) -> str:
        """Host and port as they are compared to match a request to its transaction."""
        return write_host(self.host, self.port)

    def received_from(self, host: str, port: int) -> "Via":
        """This hop with the address its request really came from.

        Source: RFC 3261 section 18.2.1, RFC 3581 section 4.
        """
        params = [pair for pair in self.params if pair[0] not in {"received", "rport"}]
        is_asked = self.param("rport") is not None
        if is_asked:
            params.append(("rport", str(port)))
        if is_asked or host != self.host:
            params.append(("received", host))
        return replace(self, params=tuple(params))

    def __str__(self) -> str:
        return f"SIP/2.0/{self.transport} {self.sent_by}{write_params(self.params)}"


def make_branch() -> str:
    """A branch that no other transaction has."""
    return f"{MAGIC_COOKIE}-{secrets.token_hex(12)}"


def parse_via(text: str) -> Via:
    """The hop in one item of a Via.

    Raises: BadValue.
    """
    protocol, _, params = text.partition(";")
    parts = protocol.split("/", 2)
    if len(parts) != 3 or parts[0].strip().upper() != "SIP":
        raise BadValue(f"{text[:80]!r} is no Via")
    transport, _, place = parts[2].strip().replace("\t", " ").partition(" ")
    host, port = parse_host("".join(place.split()))
    return Via(transport.upper(), host, port, parse_params(params))
