"""A recorded call as the hub takes it: who, when, which way, one file with a channel for each side."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hub.sdk import Direction, MediaFile, Party, RecordingDraft, Role
from plugins.pbx_sip.calls.dialog import Dialog, Side
from plugins.pbx_sip.calls.numbers import NumberPlan, name_of, number_of
from plugins.pbx_sip.calls.recorded import Lane, RecordedCall
from plugins.pbx_sip.media.files import mix, write_wav
from plugins.pbx_sip.media.g711 import Sound
from plugins.pbx_sip.sip.errors import SipError
from plugins.pbx_sip.sip.fields import parse_user_to_user

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UCID = b"\xfa\x08"


@dataclass(frozen=True, slots=True)
class Person:
    """One side of a call by number and name."""

    number: str
    name: str


def make_draft(call: RecordedCall, plan: NumberPlan, path: Path, origin: str) -> RecordingDraft:
    """Write the sound of a call to `path` and say whose it is; origin: what people know the capture by.

    The recorded side is left: the internal one, and where both or neither are, the caller.
    """
    people = {side: _find_person(call.dialog, side, plan) for side in Side}
    direction = plan.direction(people[Side.CALLER].number, people[Side.CALLED].number)
    left = Side.CALLED if direction is Direction.INCOMING else Side.CALLER
    channels = _split(call, left)
    write_wav(path, channels, call.rate_hz, call.law)
    parted = len(channels) == 2 and not _is_session(call)
    places = {left: 0, left.other: 1}
    return RecordingDraft(
        origin_id=f"{call.dialog.call_id} {call.began_ns // 1_000_000}",
        origin_name=origin,
        started_at=_EPOCH + timedelta(microseconds=call.began_ns // 1000),
        duration_s=call.length_s,
        media=(
            MediaFile(path=path, channel_parties=(people[left].number, people[left.other].number) if parted else ()),
        ),
        call_id=call.dialog.call_id,
        direction=direction,
        parties=tuple(
            Party(
                number=people[side].number,
                name=people[side].name,
                role=Role.CALLER if side is Side.CALLER else Role.CALLED,
                channel=places[side] if parted else None,
            )
            for side in Side
            if people[side].number or people[side].name
        ),
        target=people[Side.CALLED].number,
        mixed=None if len(channels) == 2 else True,
        fields=_describe(call),
        provenance={"parties": "sip", "call_id": "sip:Call-ID", "direction": "number plan"},
        raw={f"sip:{name}": value.encode("utf-8", "surrogateescape") for name, value in call.dialog.headers.items()},
    )


def _find_person(dialog: Dialog, side: Side, plan: NumberPlan) -> Person:
    """What the network asserts goes before what the phone says."""
    address = dialog.caller if side is Side.CALLER else dialog.called
    asserted = dialog.identities.get(side)
    number = number_of(asserted) or number_of(address)
    name = name_of(asserted) or name_of(address)
    return Person(plan.without_line(number) if side is Side.CALLED else number, name)


def _is_session(call: RecordedCall) -> bool:
    """Whether one side sends several streams, as a recording session does."""
    return any(len(call.lanes_of(side)) > 1 for side in Side)


def _split(call: RecordedCall, left: Side) -> list[Sound]:
    """The channels of the file."""
    if _is_session(call):
        most = max(Side, key=lambda side: len(call.lanes_of(side)))
        first, *others = (lane.sound for lane in call.lanes_of(most))
        return [first, mix(others, call.law)]
    return [mix([lane.sound for lane in call.lanes_of(side)], call.law) for side in (left, left.other)]


def _describe(call: RecordedCall) -> Mapping[str, str]:
    fields: dict[str, str] = {}
    for lane in call.lanes:
        name = lane.side.value if not _is_session(call) else f"stream_{lane.section + 1}"
        fields |= _describe_lane(name, lane)
    if ucid := _find_ucid(call.dialog.headers):
        fields["ucid"] = ucid
    others = [hop.call_id for hop in call.hops if hop.call_id != call.dialog.call_id]
    if others:
        fields["other_call_ids"] = ", ".join(others[:10])
    if call.dialog.referred_to:
        fields["referred_to"] = call.dialog.referred_to
    if call.dialog.replaces:
        fields["replaces_call_id"] = call.dialog.replaces
    return fields


def _describe_lane(name: str, lane: Lane) -> dict[str, str]:
    fields = {f"{name}_codec": ", ".join((*lane.codings, *lane.undecoded))}
    if lane.quality is not None:
        fields |= {
            f"{name}_mos": f"{lane.quality.mos:.2f}",
            f"{name}_loss_percent": f"{lane.quality.lost_share * 100:.2f}",
            f"{name}_jitter_ms": f"{lane.quality.jitter_ms:.1f}",
        }
    if lane.keys:
        fields[f"{name}_keys_pressed"] = str(len(lane.keys))  # how many, never which: they may be a card number
    return fields


def _find_ucid(headers: Mapping[str, str]) -> str:
    """Avaya's id of a call, 20 digits, where User-to-User carries it.

    Source: Avaya Communication Manager, Universal Call ID: node, sequence and time in 2, 2 and 4 octets.
    """
    for name, value in headers.items():
        if name.partition(" ")[0].lower() != "user-to-user":
            continue
        try:
            data = parse_user_to_user(value).data
        except SipError:
            continue
        found = data.find(_UCID)
        octets = data[found + 2 : found + 10] if found >= 0 else b""
        if len(octets) == 8:
            node, sequence, time = (int.from_bytes(part, "big") for part in (octets[:2], octets[2:4], octets[4:]))
            return f"{node:05}{sequence:05}{time:010}"
    return ""
