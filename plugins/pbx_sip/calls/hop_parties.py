"""Who else is named on the other hops of a call: whoever answers for a group, or is called in somebody's place."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from hub.sdk import CallOutline
from plugins.pbx_sip.calls.dialog import Dialog, Side
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.calls.outline import Person, describe_outline, find_person
from plugins.pbx_sip.calls.texts import make_all_readable

_LIST_MAX = 20


def find_hop_parties(dialog: Dialog, hops: Sequence[Dialog], plan: NumberPlan) -> tuple[tuple[Side, Person], ...]:
    """Those whom a dialog does not name, but another one that was answered, with the side for which they speak on it.

    A caller who has another number outside is still the same one, as the telephone system shows him.
    """
    is_told = dialog.session is not None
    return () if is_told else tuple(islice(_find(dialog, hops, plan), _LIST_MAX))


def describe_hops(dialog: Dialog, hops: Sequence[Dialog], plan: NumberPlan) -> CallOutline:
    """A call as the recording rules look at it, with all who take part on its hops."""
    outline = describe_outline(dialog, plan)
    people = [person for _, person in find_hop_parties(dialog, hops, plan)]
    if not people:
        return outline
    ours = [text for each in people if plan.is_internal(each.number) for text in (each.number, each.name) if text]
    spellings = {each.number: found for each in people if (found := plan.spellings(each.number))}
    whole = replace(
        outline,
        numbers=(*outline.numbers, *(each.number for each in people)),
        users=tuple(dict.fromkeys((*outline.users, *ours))),
        spellings=spellings | dict(outline.spellings),
    )
    return make_all_readable(whole)


def are_known(outline: CallOutline) -> bool:
    """Whether two at least are known who take part."""
    return len({outline.caller, outline.called, *outline.numbers} - {""}) > 1


def _find(dialog: Dialog, hops: Sequence[Dialog], plan: NumberPlan) -> Iterator[tuple[Side, Person]]:
    others = [hop for hop in hops if hop.call_id != dialog.call_id and hop.answered_ns]
    if not others:
        return
    first, *besides = [{side: find_person(hop, side, plan) for side in Side} for hop in (dialog, *others)]
    known = [person.number for person in first.values()]
    for people in besides:
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
