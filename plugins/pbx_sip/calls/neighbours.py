"""How two dialogs lie beside each other, in time and in where they have their media, as signalling tells."""

from collections.abc import Hashable
from itertools import product

from plugins.pbx_sip.calls.dialog import Dialog, Side
from plugins.pbx_sip.calls.names import call_id_of
from plugins.pbx_sip.calls.numbers import number_of
from plugins.pbx_sip.siprec.addresses import ANONYMOUS

END_TOGETHER_NS = 500_000_000
BEGIN_TOGETHER_NS = 1_000_000_000
_PLACES_MAX = 20  # of a side that moves on and on


def may_be_hops(one: Dialog, other: Dialog) -> bool:
    """Whether two dialogs that are over may turn out to be hops of one call, as far as signalling tells."""
    if endpoints_of(one) & endpoints_of(other) or call_id_of(one.call_id) == call_id_of(other.call_id):
        return overlap(one, other)
    return are_beside(one, other)


def are_set_up_together(one: Dialog, other: Dialog) -> bool:
    """Whether two dialogs that share an endpoint and go on look like hops of one call."""
    if ways_of(one) & ways_of(other):
        return True
    first, second = sorted((one, other), key=lambda each: each.first_ns)
    if first.answered_ns and second.first_ns > first.answered_ns:
        return False
    return not are_sides_apart(one, other) or parties_of(one) == parties_of(other)


def _sides_of(dialog: Dialog) -> dict[Side, set[int]]:
    return {side: {each.endpoint for each in dialog.listenings if each.side is side} for side in Side}


def ways_of(dialog: Dialog) -> set[Hashable]:
    """Between which endpoints its media goes, either way."""
    sides = _sides_of(dialog)
    pairs = product(*(sorted(ends)[:_PLACES_MAX] for ends in sides.values()))
    return {frozenset(pair) for pair in pairs}


def endpoints_of(dialog: Dialog) -> set[int]:
    """Where its sides want their media."""
    return {listening.endpoint for listening in dialog.listenings}


def hosts_of(dialog: Dialog) -> set[int]:
    """On which machines that is."""
    return {listening.endpoint >> 16 for listening in dialog.listenings}


def parties_of(dialog: Dialog) -> set[Hashable]:
    """The numbers of caller and called one together; none if it is not known who is called."""
    numbers = numbers_of(dialog)
    return {numbers} if numbers[1] else set()


def numbers_of(dialog: Dialog) -> tuple[str, str]:
    """Those of caller and called one."""
    return number_of(dialog.caller), number_of(dialog.called)


def are_named_together(one: Dialog, other: Dialog) -> bool:
    """Whether two dialogs of the same numbers are one call; all sessions of a recording client have its number."""
    return first_together(one, other) and one.session is None and other.session is None


def is_passed_on(one: Dialog, other: Dialog) -> bool:
    """Whether a machine that is called in one of two dialogs calls somebody in the other, for the same caller.

    It answers together with whom it called. Who the caller is has to be known.
    """
    first, second = sorted((one, other), key=lambda each: each.first_ns)
    number = number_of(first.caller)
    if not number or number.lower() in ANONYMOUS or number != number_of(second.caller):
        return False
    if not first.first_ns <= second.first_ns <= first.answered_ns or not second.answered_ns:
        return False
    if abs(first.answered_ns - second.answered_ns) >= BEGIN_TOGETHER_NS or hosts_of(first) == hosts_of(second):
        return False
    called, calling = _sides_of(first)[Side.CALLED], _sides_of(second)[Side.CALLER]
    return bool({endpoint >> 16 for endpoint in called} & {endpoint >> 16 for endpoint in calling})


def is_turned_beside(one: Dialog, other: Dialog) -> bool:
    """Whether who is called in one dialog calls in the other, by where they listen."""
    sides, others = _sides_of(one), _sides_of(other)
    return not any(sides[side] & others[side] for side in Side)


def are_sides_apart(one: Dialog, other: Dialog) -> bool:
    """Whether two dialogs that share an endpoint lead from there to others on the same side: one who has two calls."""
    sides, others = _sides_of(one), _sides_of(other)
    return any(
        sides[side] & others[side] and sides[side.other] and others[side.other]
        for side in Side
        if not sides[side.other] & others[side.other]
    )


def are_ends(one: Dialog, other: Dialog) -> bool:
    """Whether two dialogs carry different ends of a call."""
    ends = one.carried, other.carried
    return ends[0] is not None and ends[1] is not None and ends[0].party != ends[1].party


def end_ns_of(dialog: Dialog) -> int:
    """When it was over, or was heard of last."""
    return dialog.ended_ns or dialog.last_ns


def overlap(one: Dialog, other: Dialog) -> bool:
    """Whether two dialogs were at the same time."""
    return one.first_ns < end_ns_of(other) and other.first_ns < end_ns_of(one)


def are_relayed(one: Dialog, other: Dialog) -> bool:
    """Whether two dialogs at the same time run between other machines."""
    return overlap(one, other) and hosts_of(one) != hosts_of(other)


def first_together(one: Dialog, other: Dialog) -> bool:
    """Whether the first message of one came within a moment of that of the other."""
    return abs(one.first_ns - other.first_ns) < BEGIN_TOGETHER_NS


def begin_together(one: Dialog, other: Dialog) -> bool:
    """Whether two dialogs begin in one another's setting up, or are answered together."""
    are_answered = bool(one.answered_ns and other.answered_ns)
    return first_together(one, other) or (are_answered and abs(one.answered_ns - other.answered_ns) < BEGIN_TOGETHER_NS)


def end_together(one: Dialog, other: Dialog) -> bool:
    """Whether two dialogs are over within a moment."""
    return abs(end_ns_of(one) - end_ns_of(other)) < END_TOGETHER_NS


def are_beside(one: Dialog, other: Dialog) -> bool:
    """Whether two dialogs between other machines begin and end together."""
    return end_together(one, other) and begin_together(one, other) and are_relayed(one, other)
