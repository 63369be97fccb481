"""Which calls that are over are finished together: ends of one, and what may be hops of one.

Each is finished a while after its own end, when its last packets are in the journal; what may be a hop of it waits with
it, as nobody can tell before the sound of both is there.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain, product

from plugins.pbx_sip.calls.dialog import Dialog
from plugins.pbx_sip.calls.names import call_id_of
from plugins.pbx_sip.calls.neighbours import BEGIN_TOGETHER_NS, END_TOGETHER_NS, end_ns_of, endpoints_of, may_be_hops
from plugins.pbx_sip.engine.open_call import OpenCall
from plugins.pbx_sip.engine.open_ends import OpenEnds

LINGER_NS = 2_500_000_000
_CHAIN_NS = 5_000_000_000  # calls that end one after the other all the time are finished in parts this long


def find_partings(
    calls: Mapping[str, OpenCall], ends: OpenEnds, now_ns: int, *, joins_hops: bool
) -> Iterator[list[OpenCall]]:
    """Groups of calls that have been over for long enough, each in the order of beginning.

    A group that has to wait is not looked for again before its time.
    """
    over = {call.id: over_ns for call in calls.values() if call.dialog.is_over and (over_ns := ends.over_ns(call))}
    relations = _Relations([calls[each] for each in over], ends, joins_hops=joins_hops)
    done: set[str] = set()
    for call_id, over_ns in over.items():
        if call_id in done or now_ns <= max(over_ns + LINGER_NS, calls[call_id].waits_ns):
            continue
        group = relations.gather(calls[call_id])
        done |= {call.id for call in group}
        ended_ns = [over[call.id] for call in group]
        waits_ns = min(max(ended_ns), min(ended_ns) + _CHAIN_NS) + LINGER_NS
        if now_ns <= waits_ns:
            for call in group:
                call.waits_ns = waits_ns
        else:
            ready = [call for call in group if over[call.id] + LINGER_NS < now_ns]
            yield sorted(ready, key=lambda call: call.dialog.first_ns)


class _Relations:
    """Which of the calls that are over may belong together."""

    def __init__(self, over: list[OpenCall], ends: OpenEnds, *, joins_hops: bool) -> None:
        self._over = over
        self._ends = ends
        self._joins_hops = joins_hops

    def gather(self, first: OpenCall) -> list[OpenCall]:
        """The call, and whatever of the others may belong to it or to what does."""
        group, found = [first], {first.id}
        for call in group:  # grows meanwhile
            related = self._places_of(self._ends.of(call))
            if self._joins_hops:
                hops = (place for place in self._candidates(call) if self._over[place].id not in found)
                related |= {place for place in hops if may_be_hops(call.dialog, self._over[place].dialog)}
            fresh = [self._over[place] for place in sorted(related) if self._over[place].id not in found]
            found |= {each.id for each in fresh}
            group += fresh
        return group

    def _places_of(self, calls: Iterable[OpenCall]) -> set[int]:
        return {self._places[each.id] for each in calls if each.id in self._places}

    def _candidates(self, call: OpenCall) -> set[int]:
        """The places of all calls that may be hops of one, and of some that are none."""
        keys = chain(_keys_of(call.dialog), _times_of(call.dialog, around=True))
        return {place for key in keys for place in self._index.get(key, ())}

    @cached_property
    def _places(self) -> dict[str, int]:
        return {call.id: place for place, call in enumerate(self._over)}

    @cached_property
    def _index(self) -> Mapping[Hashable, list[int]]:
        """The calls by all that hops may have in common, as `may_be_hops` looks at it."""
        index: defaultdict[Hashable, list[int]] = defaultdict(list)
        for place, call in enumerate(self._over):
            for key in chain(_keys_of(call.dialog), _times_of(call.dialog)):
                index[key].append(place)
        return index


def _keys_of(dialog: Dialog) -> Iterator[Hashable]:
    """Where its media goes, and its Call-ID on the wire."""
    yield from endpoints_of(dialog)
    yield call_id_of(dialog.call_id)


def _times_of(dialog: Dialog, *, around: bool = False) -> Iterator[Hashable]:
    """When it began, or was answered, and when it ended, in steps within which that counts as together.

    around: the steps before and behind as well.
    """
    near = (-1, 0, 1) if around else (0,)
    ended = end_ns_of(dialog) // END_TOGETHER_NS
    for name, at_ns in (("begun", dialog.first_ns), ("answered", dialog.answered_ns)):
        if at_ns or name == "begun":
            began = at_ns // BEGIN_TOGETHER_NS
            yield from ((name, began + before, ended + behind) for before, behind in product(near, near))
