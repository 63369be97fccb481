"""Which call an endpoint belongs to, and since when: ports are used again, often at once."""

from bisect import insort

_NEVER_NS, _ALWAYS_NS = 1 << 62, 0
_CLAIMS_MAX = 64


class Claims:
    """(since, Call-ID) by endpoint."""

    def __init__(self) -> None:
        self._claims: dict[int, list[tuple[int, str]]] = {}

    def claim(self, endpoint: int, call_id: str, since_ns: int) -> None:
        """A call wants its media at an endpoint from now on."""
        claims = self._claims.setdefault(endpoint, [])
        if not claims or claims[-1][1] != call_id:
            insort(claims, (since_ns, call_id))
            del claims[:-_CLAIMS_MAX]

    def around(self, endpoint: int, call_id: str, since_ns: int) -> tuple[int, int]:
        """Since when no other call held the endpoint before `since_ns`, and when the next one takes it."""
        others = [claimed_ns for claimed_ns, other in self._claims.get(endpoint, []) if other != call_id]
        freed_ns = since_ns if any(claimed_ns <= since_ns for claimed_ns in others) else _ALWAYS_NS
        return freed_ns, min((claimed_ns for claimed_ns in others if claimed_ns > since_ns), default=_NEVER_NS)

    def held(self, endpoint: int) -> list[tuple[int, str]]:
        """Who held an endpoint since when: (since, Call-ID)."""
        return list(self._claims.get(endpoint, ()))

    def forget(self, endpoint: int, call_id: str) -> None:
        """A call is done with an endpoint."""
        rest = [claim for claim in self._claims.get(endpoint, []) if claim[1] != call_id]
        if rest:
            self._claims[endpoint] = rest
        else:
            self._claims.pop(endpoint, None)
