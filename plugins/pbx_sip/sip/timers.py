"""The timers of SIP, run by whatever can call a function later: an event loop, or a test.

Source: RFC 3261 section 17 and table 4, RFC 6026 section 7.1.
"""

from collections.abc import Callable
from typing import Protocol

T1_S = 0.5
"""An estimate of the round trip."""
T2_S = 4.0
"""The longest time between two retransmissions."""
T4_S = 5.0
"""How long a message may stay in the network."""
GIVE_UP_S = 64 * T1_S
TRYING_AFTER_S = 0.2


class Timer(Protocol):
    """A call that is to come, as an event loop gives it."""

    def cancel(self) -> None:
        """Do not call."""


Callback = Callable[[], None]
CallLater = Callable[[float, Callback], Timer]
"""An event loop's call_later: seconds, and what to call then."""


class Timers:
    """The running timers of one transaction or dialog, by name."""

    __slots__ = ("_call_later", "_running")

    def __init__(self, call_later: CallLater) -> None:
        self._call_later = call_later
        self._running: dict[str, Timer] = {}

    def start(self, name: str, delay_s: float, callback: Callback) -> None:
        """Run a timer; one of the same name stops."""
        self.stop(name)
        self._running[name] = self._call_later(delay_s, callback)

    def stop(self, *names: str) -> None:
        """Stop some timers, or all if none is named."""
        for name in names or tuple(self._running):
            timer = self._running.pop(name, None)
            if timer is not None:
                timer.cancel()
