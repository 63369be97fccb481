"""Who else is named on the other hops of a call: whoever answers for a group, or is called in somebody's place."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from hub.sdk import CallOutline
from plugins.pbx_sip.calls.dialog import Side
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.calls.outline import Person, describe_outline, find_person
from plugins.pbx_sip.calls.recorded import RecordedCall
from plugins.pbx_sip.calls.texts import make_all_readable

_LIST_MAX = 20


def find_hop_parties(call: RecordedCall, plan: NumberPlan) -> tuple[tuple[Side, Person], ...]:
    """Those whom no hop before names, with the side for which they speak on the first one.

    A caller who has another number outside is still the same one, as the telephone system shows him.
    """
    is_told = call.dialog.session is not None
    return () if is_told else tuple(islice(_find(call, plan), _LIST_MAX))


def describe_recorded(call: RecordedCall, plan: NumberPlan) -> CallOutline:
    """A call on all its hops as the recording rules look at it."""
    outline = describe_outline(call.dialog, plan)
    people = [person for _, person in find_hop_parties(call, plan)]
    ours = [text for each in people if plan.is_internal(each.number) for text in (each.number, each.name) if text]
    spellings = {each.number: found for each in people if (found := plan.spellings(each.number))}
    whole = replace(
        outline,
        numbers=(*outline.numbers, *(each.number for each in people)),
        users=tuple(dict.fromkeys((*outline.users, *ours))),
        spellings=spellings | dict(outline.spellings),
    )
    return make_all_readable(whole)


def _find(call: RecordedCall, plan: NumberPlan) -> Iterator[tuple[Side, Person]]:
    first, *others = [
        {side: find_person(hop, side, plan) for side in Side}
        for hop in (call.dialog, *(hop for hop in call.hops if hop.call_id != call.dialog.call_id))
    ]
    known = [person.number for person in first.values()]
    for people in others:
        is_turned = _may_be_one(people[Side.CALLER].number, first[Side.CALLED].number)
        for side, person in people.items():
            is_as_shown = side is Side.CALLER and not plan.is_internal(person.number)
            if person.number and not is_as_shown and not any(_may_be_one(person.number, each) for each in known):
                known.append(person.number)
                yield side.other if is_turned else side, person


def _may_be_one(number: str, other: str) -> bool:
    """Whether two numbers may be the same, of which one is written with less of it."""
    digits, beside = number.lstrip("+0"), other.lstrip("+0")
    return bool(digits and beside) and (digits.endswith(beside) or beside.endswith(digits))
