"""Which calls that are over are finished together: ends of one, and what may be hops of one.

Each is finished a while after its own end, when its last packets are in the journal; what may be a hop of it waits with
it, as nobody can tell before the sound of both is there.
"""

from collections.abc import Iterable, Iterator, Mapping

from plugins.pbx_sip.calls.neighbours import may_be_hops
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
    done: set[str] = set()
    for call_id, over_ns in over.items():
        if call_id in done or now_ns <= max(over_ns + LINGER_NS, calls[call_id].waits_ns):
            continue
        group = _gather(calls[call_id], [calls[each] for each in over], ends, joins_hops=joins_hops)
        done |= {call.id for call in group}
        ended_ns = [over[call.id] for call in group]
        waits_ns = min(max(ended_ns), min(ended_ns) + _CHAIN_NS) + LINGER_NS
        if now_ns <= waits_ns:
            for call in group:
                call.waits_ns = waits_ns
        else:
            ready = [call for call in group if over[call.id] + LINGER_NS < now_ns]
            yield sorted(ready, key=lambda call: call.dialog.first_ns)


def _gather(first: OpenCall, over: Iterable[OpenCall], ends: OpenEnds, *, joins_hops: bool) -> list[OpenCall]:
    """The call, and whatever of those that are over may belong to it or to what does."""
    group, others = [first], {call.id: call for call in over if call is not first}
    for call in group:  # grows meanwhile
        related = {each.id for each in ends.of(call)}
        if joins_hops:
            related |= {each.id for each in others.values() if may_be_hops(call.dialog, each.dialog)}
        group += [others.pop(call_id) for call_id in list(others) if call_id in related]
    return group
