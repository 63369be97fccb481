"""A call as the recording rules look at it, and the same facts where its recording or absence tells of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from hub.sdk import CallOutline, Direction, Notice, NoticeKind, Party, Role
from plugins.pbx_sip.calls.dialog import Dialog, Side
from plugins.pbx_sip.calls.moments import moment
from plugins.pbx_sip.calls.numbers import NumberPlan, name_of, number_of
from plugins.pbx_sip.calls.people import LIST_MAX, Person, find_people_behind, find_person
from plugins.pbx_sip.calls.texts import make_all_readable
from plugins.pbx_sip.siprec.belonging import Belonging, read_belonging
from plugins.pbx_sip.siprec.facts import CallFacts
from plugins.pbx_sip.siprec.notices import read_notice
from plugins.pbx_sip.siprec.session import RecordingSession


def find_facts(session: RecordingSession, plan: NumberPlan) -> CallFacts:
    """What a session says of its call, without what was dialled for an outside line."""
    facts = session.describe()
    caller = next((party.number for party in facts.parties if party.role is Role.CALLER), "")
    parties = (
        replace(party, number=plan.called_by(caller, party.number)) if party.role is Role.CALLED else party
        for party in facts.parties
    )
    return replace(facts, parties=tuple(parties))


def find_parties(dialog: Dialog, plan: NumberPlan) -> tuple[Party, ...]:
    """Who takes part, as far as it is known now."""
    return _parties_of(dialog, _facts_of(dialog, plan), plan)


def _facts_of(dialog: Dialog, plan: NumberPlan) -> CallFacts | None:
    """What is told of the recorded call; None if the dialog is that call itself."""
    return find_facts(dialog.session, plan) if dialog.session is not None else None


def _parties_of(
    dialog: Dialog, facts: CallFacts | None, plan: NumberPlan, hops: Sequence[Dialog] = ()
) -> tuple[Party, ...]:
    if facts is not None:
        told = tuple(
            Party(number=party.number or party.aor, name=party.name, role=party.role)
            for party in facts.parties[:LIST_MAX]
            if party.number or party.aor or party.name
        )
        return make_all_readable(told)
    people = [(side, find_person(dialog, side, plan)) for side in Side]
    people += [(each.side, Person(number_of(each.address), name_of(each.address))) for each in dialog.successors]
    people += find_people_behind(dialog, hops, plan)
    return tuple(
        Party(number=each.number, name=each.name, role=Role(side.value))
        for side, each in people[:LIST_MAX]
        if each.number or each.name
    )


def find_direction(dialog: Dialog, parties: tuple[Party, ...], plan: NumberPlan) -> Direction:
    """Which way the call goes; where nobody says who called, it can only be told that all are of the company."""
    if dialog.session is not None and (said := dialog.session.describe().direction) is not Direction.UNKNOWN:
        return said
    direction = plan.direction(_number(parties, Role.CALLER), _number(parties, Role.CALLED))
    if direction is Direction.UNKNOWN and _is_external(parties, plan) is False:
        return Direction.INTERNAL
    return direction


def _is_external(parties: tuple[Party, ...], plan: NumberPlan) -> bool | None:
    """Whether somebody outside takes part; None where fewer than two numbers are known."""
    numbers = {party.number for party in parties if party.number}
    return not all(map(plan.is_internal, numbers)) if len(numbers) > 1 else None


def find_belonging(dialog: Dialog) -> Belonging:
    """Whose call it is beyond its parties: as metadata says, and behind it header fields of the vendor's own."""
    headers = ((name.partition(" ")[0], text) for name, text in dialog.headers.items())
    said = read_belonging((name, text) for name, text in headers if name[:2] in {"X-", "x-"})
    return dialog.session.describe().belonging.joined(said) if dialog.session is not None else said


def find_notice(dialog: Dialog) -> Notice:
    """How the parties were told that they are recorded: as metadata says, a header field, or a side of the call.

    Source: RFC 7866 section 7.3.1 (a=record).
    """
    told = dialog.session.describe().notice if dialog.session is not None else Notice()
    if told != Notice():
        return told
    said = read_notice((name.partition(" ")[0], text) for name, text in dialog.headers.items())
    if said == Notice() and any(stance.media.recording in {"on", "paused"} for stance in dialog.stances):
        return Notice(kind=NoticeKind.SIGNALLED, by="a=record")
    return said


def describe_outline(dialog: Dialog, plan: NumberPlan, hops: Sequence[Dialog] = ()) -> CallOutline:
    """The call as the recording rules look at it; hops: the other dialogs that carry it."""
    facts = _facts_of(dialog, plan)
    parties = _parties_of(dialog, facts, plan, hops)
    direction = find_direction(dialog, parties, plan)
    belonging = find_belonging(dialog)
    caller, called = _number(parties, Role.CALLER), _number(parties, Role.CALLED)
    ours = [party for party in parties if plan.is_internal(party.number)]
    users = (*belonging.users, *(text for party in ours for text in (party.number, party.name) if text))
    dialled = number_of(dialog.first_called) or (called if direction is Direction.INCOMING else "")
    outline = CallOutline(
        started_at=moment(dialog.answered_ns or dialog.first_ns),
        direction=direction,
        caller=caller,
        called=called,
        numbers=tuple(party.number for party in parties if party.number not in {caller, called}),
        users=tuple(dict.fromkeys(users)),
        groups=belonging.all_groups,
        route=next(iter(belonging.routes), dialled),
        account_code=belonging.account_code,
        agent=belonging.agent,
        skill=belonging.skill,
        owner=belonging.owner,
        is_external=_is_external(parties, plan),
        spellings=_spell(
            (*(party.number for party in parties), *users, dialled, *belonging.routes), _find_others(facts), plan
        ),
    )
    return make_all_readable(outline)


def _find_others(facts: CallFacts | None) -> dict[str, tuple[str, ...]]:
    """By what other numbers each party is known as well."""
    parties = facts.parties if facts is not None else ()
    return {party.number: party.other_numbers for party in parties[:LIST_MAX]}


def _spell(
    numbers: Iterable[str], others: Mapping[str, tuple[str, ...]], plan: NumberPlan
) -> dict[str, tuple[str, ...]]:
    """How else numbers are written, where the plan tells it, and those of `others` that mean the same party."""
    found: dict[str, tuple[str, ...]] = {}
    for number in numbers:
        spellings = list(plan.spellings(number))
        for other in others.get(number, ()):
            spellings += [other, *plan.spellings(other)]
        if spellings:
            found[number] = tuple(dict.fromkeys(spellings))
    return found


def _number(parties: tuple[Party, ...], role: Role) -> str:
    return next((party.number for party in parties if party.role is role), "")


def are_known(outline: CallOutline) -> bool:
    """Whether two at least are known who take part."""
    return len({outline.caller, outline.called, *outline.numbers} - {""}) > 1
