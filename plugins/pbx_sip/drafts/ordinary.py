"""The draft of an ordinary call: two sides, as From and To say or the network asserts."""

from dataclasses import dataclass
from pathlib import Path

from hub.sdk import Direction, MediaFile, Party, RecordingDraft, Role
from plugins.pbx_sip.calls.dialog import Dialog, Side
from plugins.pbx_sip.calls.numbers import NumberPlan, name_of, number_of
from plugins.pbx_sip.calls.recorded import RecordedCall
from plugins.pbx_sip.drafts.details import describe_call, raw_headers
from plugins.pbx_sip.drafts.terms import Terms
from plugins.pbx_sip.drafts.timeline import describe_course
from plugins.pbx_sip.media.files import mix, write_wav


@dataclass(frozen=True, slots=True)
class Person:
    """One side of a call by number and name."""

    number: str
    name: str


def make_call_draft(call: RecordedCall, plan: NumberPlan, path: Path, origin: str, terms: Terms) -> RecordingDraft:
    """Write the sound of a call to `path` and say whose it is.

    The recorded side is left: the internal one, and where both or neither are, the caller.
    """
    people = {side: _find_person(call.dialog, side, plan) for side in Side}
    direction = plan.direction(people[Side.CALLER].number, people[Side.CALLED].number)
    left = Side.CALLED if direction is Direction.INCOMING else Side.CALLER
    sides = (left, left.other)
    channels = [mix([lane.sound for lane in call.lanes_of(side)], call.law) for side in sides]
    length_s = terms.length_s(call)
    write_wav(path, terms.apply(call, channels), call.rate_hz, call.law, length_s)
    parties = tuple(
        Party(
            number=people[side].number,
            name=people[side].name,
            role=Role.CALLER if side is Side.CALLER else Role.CALLED,
            channel=sides.index(side),
        )
        for side in Side
        if people[side].number or people[side].name
    )
    return RecordingDraft(
        origin_id=call.origin_id,
        origin_name=origin,
        started_at=call.started_at,
        duration_s=length_s,
        media=(MediaFile(path=path, channel_parties=tuple(people[side].number for side in sides)),),
        call_id=call.dialog.call_id,
        direction=direction,
        parties=parties,
        target=people[Side.CALLED].number,
        fields=describe_call(call, [(lane.side.value, lane) for lane in call.lanes])
        | plan.describe(caller=people[Side.CALLER].number, called=people[Side.CALLED].number),
        provenance={"parties": "sip", "call_id": "sip:Call-ID", "direction": "number plan"},
        raw=raw_headers(call),
        events=describe_course(call, terms, parties, lambda side, _: people[side].number),
    )


def _find_person(dialog: Dialog, side: Side, plan: NumberPlan) -> Person:
    """What the network asserts goes before what the phone says."""
    address = dialog.caller if side is Side.CALLER else dialog.called
    asserted = dialog.identities.get(side)
    number = number_of(asserted) or number_of(address)
    name = name_of(asserted) or name_of(address)
    return Person(plan.without_line(number) if side is Side.CALLED else number, name)
