"""Which call an endpoint belongs to, and since when: ports are used again, often at once, and some serve many calls."""

from bisect import insort
from collections.abc import Collection

_NEVER_NS, _ALWAYS_NS = 1 << 62, 0
_DONE_MAX, _CLAIMS_MAX = 64, 4096


class Claims:
    """(since, Call-ID) by endpoint, and the endpoints of each call."""

    def __init__(self) -> None:
        self._claims: dict[int, list[tuple[int, str]]] = {}
        self._places: dict[str, set[int]] = {}
        self._done: set[str] = set()

    def claim(self, endpoint: int, call_id: str, since_ns: int) -> None:
        """A call wants its media at an endpoint from now on."""
        claims = self._claims.setdefault(endpoint, [])
        self._places.setdefault(call_id, set()).add(endpoint)
        if not claims or claims[-1][1] != call_id:
            insort(claims, (since_ns, call_id))
            if len(claims) > _DONE_MAX:
                self._thin_out(endpoint)

    def is_anothers(self, call_id: str, source: int, target: int) -> bool:
        """Whether media between two endpoints is of a call that has asked for both, while this one has not."""
        ends = {source, target}
        if ends <= self._places.get(call_id, set()):
            return False
        fewest_first = sorted((self._claims.get(end, []) for end in ends), key=len)
        return any(other != call_id and ends <= self._places[other] for claims in fewest_first for _, other in claims)

    def freed_ns(self, endpoint: int, call_id: str, since_ns: int) -> int:
        """Since when no other call held the endpoint before `since_ns`; 0: always."""
        is_held = any(claimed_ns <= since_ns for claimed_ns, _ in self._of_others(endpoint, call_id))
        return since_ns if is_held else _ALWAYS_NS

    def taken_ns(self, endpoint: int, call_id: str, since_ns: int, peer: int | None = None) -> int:
        """When the next call takes the endpoint after `since_ns`.

        peer: the other end of media; if the call has asked for that too, only one that takes both counts.
        """
        others = self._of_others(endpoint, call_id, peer)
        return min((claimed_ns for claimed_ns, _ in others if claimed_ns > since_ns), default=_NEVER_NS)

    def held(self, endpoint: int) -> list[tuple[int, str]]:
        """Who held an endpoint since when: (since, Call-ID)."""
        return list(self._claims.get(endpoint, ()))

    def beside(self, call_id: str) -> list[tuple[int, str, int]]:
        """All that the calls want which share an endpoint with one: (endpoint, Call-ID, since)."""
        others = {other for end in self._places.get(call_id, ()) for _, other in self._claims.get(end, ())}
        ends = {end for other in others for end in self._places[other]}
        # The oldest claim of a call counts, as later ones come first here.
        first_ns = {end: {other: at_ns for at_ns, other in reversed(self._claims.get(end, []))} for end in ends}
        return [
            (end, other, first_ns[end].get(other, _ALWAYS_NS))
            for other in sorted(others)
            for end in sorted(self._places[other])
        ]

    def ways_beside(self, call_ids: Collection[str]) -> set[tuple[int, int]]:
        """Between which endpoints media is others' alone, of which one, the first, is shared with some of the calls."""
        own = {end for call_id in call_ids for end in self._places.get(call_id, ())}
        others = {other for end in own for _, other in self._claims.get(end, ())}.difference(call_ids)
        places = [self._places[other] for other in others]
        return {(end, far) for each in places for end in each & own for far in each - own}

    def held_by_others_ns(self, endpoint: int, call_id: str, peer: int | None = None) -> int:
        """Since when other calls that go on hold an endpoint; peer: as in `taken_ns`."""
        others = (claim for claim in self._of_others(endpoint, call_id, peer) if claim[1] not in self._done)
        return min((claimed_ns for claimed_ns, _ in others), default=_NEVER_NS)

    def forget(self, call_id: str) -> None:
        """A call is done; what it had asked for is known as long as one goes on that held the same before."""
        self._done.add(call_id)
        named = {call_id}
        for endpoint in self._places.get(call_id, ()):
            named |= {each for _, each in self._claims.get(endpoint, ())}
            self._tidy(endpoint)
        self._let_go(named & self._done)

    def _let_go(self, done: Collection[str]) -> None:
        """Forget which of the calls that are done are named nowhere any more."""
        ends = {end for each in done for end in self._places.get(each, ())}
        holders = {end: {holder for _, holder in self._claims.get(end, ())} for end in ends}
        for each in done:
            if not any(each in holders[end] for end in self._places.get(each, ())):
                self._places.pop(each, None)
                self._done.discard(each)

    def _thin_out(self, endpoint: int) -> None:
        """Forget the oldest claims of calls that are done, and any where there are too many of calls that go on."""
        claims = self._claims[endpoint]
        done = [claim for claim in claims if claim[1] in self._done][: len(claims) - _DONE_MAX]
        gone = {*done, *claims[:-_CLAIMS_MAX]}
        if gone:
            self._claims[endpoint] = [claim for claim in claims if claim not in gone]
            self._let_go({each for _, each in gone} & self._done)

    def _tidy(self, endpoint: int) -> None:
        claims = self._claims.get(endpoint, [])
        open_ns = min((since_ns for since_ns, each in claims if each not in self._done), default=_NEVER_NS)
        rest = [claim for claim in claims if claim[1] not in self._done or claim[0] > open_ns]
        if rest:
            self._claims[endpoint] = rest
        else:
            self._claims.pop(endpoint, None)

    def _of_others(self, endpoint: int, call_id: str, peer: int | None = None) -> list[tuple[int, str]]:
        others = [claim for claim in self._claims.get(endpoint, ()) if claim[1] != call_id]
        if peer is not None and peer in self._places.get(call_id, ()):
            return [claim for claim in others if peer in self._places[claim[1]]]
        return others
