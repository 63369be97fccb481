"""Who speaks on a call: whom its own messages name, and who else is named on another of its hops.

On other hops it is whoever answers for a group, or is called in somebody's place.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from plugins.pbx_sip.calls.dialog import Dialog, Side
from plugins.pbx_sip.calls.numbers import NumberPlan, name_of, number_of
from plugins.pbx_sip.siprec.addresses import may_be_same_number

LIST_MAX = 20


@dataclass(frozen=True, slots=True)
class Person:
    """One side of a call by number and name."""

    number: str
    name: str


def find_person(dialog: Dialog, side: Side, plan: NumberPlan) -> Person:
    """Who speaks for a side; what the network asserts goes before what the phone says."""
    address = dialog.caller if side is Side.CALLER else dialog.called
    asserted = dialog.identities.get(side)
    number = number_of(asserted) or number_of(address)
    name = name_of(asserted) or name_of(address)
    if side is Side.CALLED:
        number = plan.called_by(find_person(dialog, Side.CALLER, plan).number, number)
    return Person(number, name)


def find_people_behind(dialog: Dialog, hops: Sequence[Dialog], plan: NumberPlan) -> tuple[tuple[Side, Person], ...]:
    """Those whom a dialog does not name, but another one that was answered, with the side for which they speak on it.

    A caller who has another number outside is still the same one, as the telephone system shows him.
    """
    is_told = dialog.session is not None
    return () if is_told else tuple(islice(_find(dialog, hops, plan), LIST_MAX))


def _find(dialog: Dialog, hops: Sequence[Dialog], plan: NumberPlan) -> Iterator[tuple[Side, Person]]:
    others = [hop for hop in hops if hop.call_id != dialog.call_id and hop.answered_ns]
    if not others:
        return
    first, *besides = [{side: find_person(hop, side, plan) for side in Side} for hop in (dialog, *others)]
    known = [person.number for person in first.values()]
    for people in besides:
        is_turned = may_be_same_number(people[Side.CALLER].number, first[Side.CALLED].number)
        for side, person in people.items():
            is_as_shown = side is Side.CALLER and not plan.is_internal(person.number)
            is_named = any(may_be_same_number(person.number, each) for each in known)
            if person.number and not is_as_shown and not is_named:
                known.append(person.number)
                yield side.other if is_turned else side, person
