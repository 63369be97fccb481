"""Ports that the kernel gives to no socket that asks for just any.

Source: Linux Documentation/networking/ip-sysctl.rst (ip_local_reserved_ports, ip_local_port_range).
"""

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

_SYSCTL = Path("/proc/sys/net/ipv4")
_RESERVED, _AUTOMATIC = _SYSCTL / "ip_local_reserved_ports", _SYSCTL / "ip_local_port_range"


class ReservationRefused(OSError):
    """The kernel gives such ports away and cannot be told not to; the text says why."""


class Reservation:
    """Keeps ports for a rule that drops what comes to them; an outgoing socket there would hear no answer."""

    def __init__(self, ports: range) -> None:
        """Raises: ReservationRefused."""
        self._added: frozenset[int] = frozenset()
        try:
            low, high = map(int, _AUTOMATIC.read_text(encoding="ascii").split())
            if ports.start <= high and low < ports.stop:
                before = _read_reserved()
                self._added = frozenset(ports) - before
                _write_reserved(before | self._added)
        except OSError as error:
            raise ReservationRefused(f"ports cannot be reserved: {error.strerror}") from None

    def release(self) -> None:
        """Let the kernel have them again, apart from those that were reserved before."""
        if self._added:
            with suppress(OSError):
                _write_reserved(_read_reserved() - self._added)
            self._added = frozenset()


def _read_reserved() -> frozenset[int]:
    found: set[int] = set()
    for part in filter(None, _RESERVED.read_text(encoding="ascii").strip().split(",")):
        low, _, high = part.partition("-")
        found.update(range(int(low), int(high or low) + 1))
    return frozenset(found)


def _write_reserved(ports: Collection[int]) -> None:
    starts = sorted(port for port in ports if port - 1 not in ports)
    ends = sorted(port for port in ports if port + 1 not in ports)
    text = ",".join(f"{low}-{high}" for low, high in zip(starts, ends, strict=True))
    _RESERVED.write_text(text + "\n", encoding="ascii")
