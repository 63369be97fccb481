"""How many requests one client may make: a bucket of tokens that fills again steadily."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

_MOST_CLIENTS = 10_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left; wait_s: 0 if the request may pass, else how long until the next one may."""

    remaining: int
    reset_s: int
    wait_s: int


class RateLimit:
    """A limit for each client, in this process; requests: how many within `window_s`, in one burst if need be."""

    def __init__(self, requests: int, window_s: int = 60, clock: Callable[[], float] = monotonic) -> None:
        self.requests = requests
        self.window_s = window_s
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, client: str) -> Allowance:
        """Count one request of `client`."""
        now_s = self._clock()
        per_s = self.requests / self.window_s
        with self._lock:
            level, since_s = self._buckets.pop(client, (float(self.requests), now_s))
            level = min(level + (now_s - since_s) * per_s, float(self.requests))
            passes = level >= 1
            level -= 1 if passes else 0
            self._buckets[client] = (level, now_s)
            if len(self._buckets) > _MOST_CLIENTS:
                self._buckets.popitem(last=False)
        wait_s = 0 if passes else int((1 - level) / per_s) + 1
        return Allowance(int(level), int((self.requests - level) / per_s) + 1, wait_s)

    def headers(self, allowance: Allowance) -> dict[str, str]:
        """What tells the client where it stands.

        Source: draft-ietf-httpapi-ratelimit-headers-10.
        """
        headers = {
            "RateLimit-Policy": f'"default";q={self.requests};w={self.window_s}',
            "RateLimit": f'"default";r={allowance.remaining};t={allowance.reset_s}',
        }
        if allowance.wait_s:
            headers["Retry-After"] = str(allowance.wait_s)
        return headers
