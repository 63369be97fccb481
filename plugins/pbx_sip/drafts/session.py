"""The draft of a call that a recording session told of (SIPREC): parties as its metadata names them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hub.sdk import Direction, MediaFile, Party, RecordingDraft, Role
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.calls.recorded import Lane, RecordedCall
from plugins.pbx_sip.drafts.details import describe_call, raw_headers
from plugins.pbx_sip.drafts.terms import Terms
from plugins.pbx_sip.drafts.timeline import describe_course
from plugins.pbx_sip.media.files import mix, write_wav
from plugins.pbx_sip.siprec import facts as session_facts
from plugins.pbx_sip.siprec.session import RecordingSession, name_line


@dataclass(frozen=True, slots=True)
class _Channels:
    """Lanes by the channel they go to, and the channel of each label; no label has one where all share a lane."""

    lanes: tuple[tuple[Lane, ...], ...]
    by_label: dict[str, int]


def make_session_draft(
    call: RecordedCall, session: RecordingSession, plan: NumberPlan, path: Path, origin: str, terms: Terms
) -> RecordingDraft:
    """Write the sound of a session to `path` and say whose it is: the recorded user left, all others right."""
    facts = session.describe()
    channels = _share_out(call, facts, _find_recorded(facts, plan))
    sounds = [mix([lane.sound for lane in lanes], call.law) for lanes in channels.lanes]
    length_s = terms.length_s(call)
    write_wav(path, terms.apply(call, sounds), call.rate_hz, call.law, length_s)
    parties = tuple(_make_party(party, call, channels) for party in facts.parties)
    direction = facts.direction
    if direction is Direction.UNKNOWN:
        direction = plan.direction(_number(facts, Role.CALLER), _number(facts, Role.CALLED))
    return RecordingDraft(
        origin_id=call.origin_id,
        origin_name=origin,
        started_at=call.started_at,
        duration_s=length_s,
        media=(MediaFile(path=path, channel_parties=_name_channels(parties, len(sounds))),),
        call_id=facts.call_id or call.dialog.call_id,
        direction=direction,
        parties=parties,
        target=_number(facts, Role.CALLED),
        mixed=True if facts.mixed or len(sounds) == 1 else None,
        fields=_describe(call, facts)
        | plan.describe(caller=_number(facts, Role.CALLER), called=_number(facts, Role.CALLED)),
        provenance={"call_id": "sip:Call-ID", "direction": "number plan"} | dict(facts.provenance),
        raw=raw_headers(call),
        events=describe_course(call, terms, parties, lambda _, section: _speaker(call, facts, section)),
    )


def _find_recorded(facts: session_facts.CallFacts, plan: NumberPlan) -> session_facts.Party | None:
    """Whose call is recorded: as the vendor says, else one of us, else who called."""
    heard = [party for party in facts.parties if party.labels]
    tests = (
        lambda party: bool(facts.recorded) and party.number == facts.recorded,
        lambda party: plan.is_internal(party.number),
        lambda party: party.role is Role.CALLER,
    )
    return next((party for test in tests for party in heard if test(party)), heard[0] if heard else None)


def _share_out(call: RecordedCall, facts: session_facts.CallFacts, recorded: session_facts.Party | None) -> _Channels:
    """The lanes of the recorded user first; a session with one lane has one channel."""
    mine = set(recorded.labels) if recorded else set()
    left = tuple(lane for lane in call.lanes if _label(call, lane.section) in mine) or call.lanes[:1]
    right = tuple(lane for lane in call.lanes if all(lane is not other for other in left))
    parted = bool(right) and not facts.mixed
    lanes = (left, right) if right else (left,)
    places = (
        {_label(call, lane.section): place for place, group in enumerate(lanes) for lane in group} if parted else {}
    )
    return _Channels(lanes, {label: place for label, place in places.items() if label not in facts.mixed_labels})


def _label(call: RecordedCall, section: int) -> str:
    return name_line(section, call.dialog.labels.get(section, ""))


def _speaker(call: RecordedCall, facts: session_facts.CallFacts, section: int) -> str:
    """The number of the one party that is heard on a line."""
    heard = {party.number or party.aor for party in facts.parties if _label(call, section) in party.labels}
    return heard.pop() if len(heard) == 1 else ""


def _make_party(party: session_facts.Party, call: RecordedCall, channels: _Channels) -> Party:
    began = call.started_at
    return Party(
        number=party.number or party.aor,
        name=party.name,
        role=party.role,
        channel=next((channels.by_label[label] for label in party.labels if label in channels.by_label), None),
        joined_s=max((party.joined_at - began).total_seconds(), 0.0) if party.joined_at else None,
        left_s=max((party.left_at - began).total_seconds(), 0.0) if party.left_at else None,
    )


def _name_channels(parties: Sequence[Party], count: int) -> tuple[str, ...]:
    """The number of each channel's party; none where a channel has several or nobody's."""
    names = [{party.number for party in parties if party.channel == channel} for channel in range(count)]
    return tuple(next(iter(each)) for each in names) if all(len(each) == 1 for each in names) else ()


def _number(facts: session_facts.CallFacts, role: Role) -> str:
    return next((party.number for party in facts.parties if party.role is role), "")


def _describe(call: RecordedCall, facts: session_facts.CallFacts) -> dict[str, str]:
    fields = dict(facts.fields) | {f"vendor.{name}": value for name, value in facts.vendor_ids.items()}
    fields |= describe_call(call, [(f"stream {_label(call, lane.section)}", lane) for lane in call.lanes])
    if facts.ucid:
        fields["ucid"] = facts.ucid
    for name, ids in (("group_id", facts.group_ids), ("session_id", facts.session_ids)):
        if ids:
            fields[name] = ", ".join(ids[:10])
    if facts.problems:
        fields["metadata_problems"] = "; ".join(facts.problems)
    return fields
