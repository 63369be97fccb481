"""A way to one peer, whatever carries it."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end: transport "UDP", "TCP" or "TLS", and the address what came was sent from.

    names: those in the certificate it showed, in small letters.
    """

    transport: str
    host: str
    port: int
    names: tuple[str, ...] = ()


class Link(Protocol):
    """Sends to one address over one transport."""

    @property
    def peer(self) -> Peer:
        """Who is at the other end."""

    @property
    def local(self) -> tuple[str, int]:
        """Our own end: address and port; the address may be the one that stands for all."""

    @property
    def is_reliable(self) -> bool:
        """Whether what is sent arrives, or the link breaks."""

    @property
    def is_open(self) -> bool:
        """Whether something can be sent without a new connection."""

    def send(self, data: bytes) -> None:
        """Send one message; what cannot be sent is lost, and the timers of SIP find out."""
