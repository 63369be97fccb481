"""The draft of an ordinary call: two sides, as From and To say or the network asserts."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hub.sdk import Direction, MediaFile, Party, RecordingDraft, Role
from plugins.pbx_sip.calls.dialog import Side
from plugins.pbx_sip.calls.numbers import NumberPlan, name_of, number_of
from plugins.pbx_sip.calls.outline import find_belonging, find_notice
from plugins.pbx_sip.calls.people import Person, find_people_behind, find_person
from plugins.pbx_sip.calls.recorded import RecordedCall
from plugins.pbx_sip.drafts.details import describe_call, raw_headers
from plugins.pbx_sip.drafts.keys import keys_of_call
from plugins.pbx_sip.drafts.terms import Terms
from plugins.pbx_sip.drafts.timeline import describe_course
from plugins.pbx_sip.media.files import mix, write_wav


def make_call_draft(call: RecordedCall, plan: NumberPlan, path: Path, origin: str, terms: Terms) -> RecordingDraft:
    """Write the sound of a call to `path` and say whose it is.

    The recorded side is left: the internal one, and where both or neither are, the caller.
    """
    people = {side: find_person(call.dialog, side, plan) for side in Side}
    direction = plan.direction(people[Side.CALLER].number, people[Side.CALLED].number)
    left = Side.CALLED if direction is Direction.INCOMING else Side.CALLER
    sides = (left, left.other)
    channels = [mix([lane.sound for lane in call.lanes_of(side)], call.law) for side in sides]
    length_s = terms.length_s(call)
    write_wav(path, terms.apply(call, channels), call.rate_hz, call.law, length_s)
    parties = _make_parties(call, people, find_people_behind(call.dialog, call.hops, plan), sides)
    belonging = find_belonging(call.dialog)
    return RecordingDraft(
        origin_id=call.origin_id,
        origin_name=origin,
        started_at=call.started_at,
        duration_s=length_s,
        media=(
            MediaFile(
                path=path,
                channel_parties=() if call.dialog.successors else tuple(people[side].number for side in sides),
            ),
        ),
        call_id=call.call_id,
        direction=direction,
        parties=parties,
        owner=belonging.owner,
        agent=belonging.agent,
        target=people[Side.CALLED].number,
        skill=belonging.skill,
        notice=find_notice(call.dialog),
        fields=describe_call(call, [(lane.side.value, lane) for lane in call.lanes])
        | plan.describe(caller=people[Side.CALLER].number, called=people[Side.CALLED].number),
        call_keys=keys_of_call(call),
        longest_s=terms.verdict.longest_s,
        provenance={"parties": "sip", "call_id": "sip:Call-ID", "direction": "number plan"},
        raw=raw_headers(call),
        events=describe_course(call, terms, parties, lambda side, _: people[side].number),
    )


def _make_parties(
    call: RecordedCall,
    people: Mapping[Side, Person],
    others: Sequence[tuple[Side, Person]],
    channels: Sequence[Side],
) -> tuple[Party, ...]:
    """Both sides, whoever took the place of one in the course of the call, and the others that its hops name."""
    parties: list[Party] = []
    for side in Side:
        spans = _find_spans(call, side, people[side])
        spans += [(person, None, None) for its_side, person in others if its_side is side]
        parties += [
            Party(
                number=person.number,
                name=person.name,
                role=Role(side.value),
                channel=channels.index(side),
                joined_s=joined_s,
                left_s=left_s,
            )
            for person, joined_s, left_s in spans
            if person.number or person.name
        ]
    return tuple(parties)


def _find_spans(call: RecordedCall, side: Side, first: Person) -> list[tuple[Person, float | None, float | None]]:
    """Who spoke for a side, from when and until when in seconds of the recording; None: all the time."""
    followed = [
        (Person(number_of(each.address), name_of(each.address)), (each.at_ns - call.began_ns) / 1e9)
        for each in call.dialog.successors
        if each.side is side
    ]
    begins: list[float | None] = [None, *(max(at_s, 0.0) for _, at_s in followed)]
    return list(zip([first, *(person for person, _ in followed)], begins, [*begins[1:], None], strict=True))
