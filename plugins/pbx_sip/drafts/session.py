"""The draft of a call that a recording session told of (SIPREC): parties as its metadata names them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from hub.sdk import EventKind, MediaFile, Party, RecordingDraft, Role, TimelineEvent
from plugins.pbx_sip.calls.names import call_id_of
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.calls.outline import find_belonging, find_direction, find_facts, find_notice
from plugins.pbx_sip.calls.recorded import Lane, RecordedCall
from plugins.pbx_sip.calls.refused_lines import find_refused_lines
from plugins.pbx_sip.drafts.details import describe_call, raw_headers
from plugins.pbx_sip.drafts.keys import keys_of_session
from plugins.pbx_sip.drafts.standstills import find_client_pauses
from plugins.pbx_sip.drafts.terms import Terms
from plugins.pbx_sip.drafts.timeline import describe_course
from plugins.pbx_sip.media.files import mix, write_wav
from plugins.pbx_sip.siprec import facts as session_facts
from plugins.pbx_sip.siprec.session import RecordingSession, name_line

_CHANNELS_MAX = 8  # those after share the last one


@dataclass(frozen=True, slots=True)
class _Channels:
    """Lanes by the channel they go to, and the channel of each label; no label has one where all share a lane.

    A channel without lanes is that of somebody who was silent.
    """

    lanes: tuple[tuple[Lane, ...], ...]
    by_label: dict[str, int]


def make_session_draft(
    call: RecordedCall, session: RecordingSession, plan: NumberPlan, path: Path, origin: str, terms: Terms
) -> RecordingDraft:
    """Write the sound of a session to `path` and say whose it is: the recorded user first, each other stream after."""
    facts = find_facts(session, plan)
    call = replace(call, dialog=replace(call.dialog, session=RecordingSession.of(facts)))
    channels = _share_out(call, facts, _find_recorded(facts, plan))
    sounds = [mix([lane.sound for lane in lanes], call.law) for lanes in channels.lanes]
    length_s = terms.length_s(call)
    heard = terms.apply(call, sounds, find_client_pauses(call, length_s))
    write_wav(path, heard, call.rate_hz, call.law, length_s)
    parties = tuple(_make_party(party, call, channels) for party in facts.parties)
    belonging = find_belonging(call.dialog)
    return RecordingDraft(
        origin_id=call.origin_id,
        origin_name=origin,
        started_at=call.started_at,
        duration_s=length_s,
        media=(MediaFile(path=path, channel_parties=_name_channels(parties, len(sounds))),),
        call_id=facts.call_id or call.call_id,
        direction=find_direction(call.dialog, parties, plan),
        parties=parties,
        owner=belonging.owner,
        agent=belonging.agent,
        target=_number(facts, Role.CALLED),
        skill=belonging.skill,
        mixed=_is_mixed(call, facts),
        notice=find_notice(call.dialog),
        fields=_describe(call, facts)
        | plan.describe(caller=_number(facts, Role.CALLER), called=_number(facts, Role.CALLED)),
        call_keys=keys_of_session(call, facts),
        longest_s=terms.verdict.longest_s,
        provenance={"call_id": "sip:Call-ID", "direction": "number plan"} | dict(facts.provenance),
        raw=raw_headers(call),
        events=(
            *_note_missing(call, facts),
            *_tell_returns(call, facts),
            *describe_course(call, terms, parties, lambda _, section: _speaker(call, facts, section)),
        ),
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
    """The lanes of the recorded user first; who is silent has a channel too where there would be but one without."""
    mine = set(recorded.labels) if recorded else set()
    left = tuple(lane for lane in call.lanes if _label(call, lane.section) in mine)
    right = tuple(lane for lane in call.lanes if all(lane is not other for other in left))
    others = _by_party(call, facts, right)
    groups = [left, *others] if left else others
    if _is_mixed(call, facts):
        return _Channels(_merge_last(groups), {})
    silent = [party for party in _silent_parties(call, facts) if set(party.labels) - set(facts.mixed_labels)]
    places: dict[str, int] = {}
    if recorded is not None and recorded in silent:
        groups, places = [(), *groups], dict.fromkeys(recorded.labels, 0)
    elif len(groups) == 1 and silent:
        groups, places = [*groups, ()], dict.fromkeys(silent[0].labels, 1)
    lanes = _merge_last(groups)
    places |= {_label(call, lane.section): place for place, group in enumerate(lanes) for lane in group}
    return _Channels(lanes, {label: place for label, place in places.items() if label not in facts.mixed_labels})


def _merge_last(groups: Sequence[tuple[Lane, ...]]) -> tuple[tuple[Lane, ...], ...]:
    """No more groups than a file has channels for."""
    last = tuple(chain.from_iterable(groups[_CHANNELS_MAX - 1 :]))
    return (*groups[: _CHANNELS_MAX - 1], *([last] if last else []))


def _by_party(call: RecordedCall, facts: session_facts.CallFacts, lanes: Sequence[Lane]) -> list[tuple[Lane, ...]]:
    """Lanes of one party together: it may have moved to another line, or have come back in another dialog."""
    owners = {label: place for place, party in enumerate(facts.parties) for label in party.labels}
    groups: dict[int | str, list[Lane]] = {}
    for lane in lanes:
        label = _label(call, lane.section)
        groups.setdefault(owners.get(label, label), []).append(lane)
    return [tuple(group) for group in groups.values()]


def _is_mixed(call: RecordedCall, facts: session_facts.CallFacts) -> bool:
    """Whether no line that is heard is one party's; a single one that nothing is said of carries all of them mostly."""
    told = {session_facts.Rule.ASSOCIATION, session_facts.Rule.VENDOR}
    is_told = any(party.label_rule in told for party in facts.parties)
    return _heard_labels(call) <= set(facts.mixed_labels) or (len(facts.labels) == 1 and not is_told)


def _silent_parties(call: RecordedCall, facts: session_facts.CallFacts) -> list[session_facts.Party]:
    """Those of whose lines nothing was received."""
    heard = _heard_labels(call)
    return [party for party in facts.parties if party.labels and heard.isdisjoint(party.labels)]


def _heard_labels(call: RecordedCall) -> set[str]:
    return {_label(call, lane.section) for lane in call.lanes}


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


def _note_missing(call: RecordedCall, facts: session_facts.CallFacts) -> Iterator[TimelineEvent]:
    """Say who was to be heard and was not: whose line carried nothing, or whose dialog never came."""
    if facts.end is not None and facts.end.others:
        text = f"This is one end of the call alone: nothing was received of {facts.end.others}"
        yield TimelineEvent(at_s=0.0, kind=EventKind.NOTE, text=text)
    refused = {_label(call, line.section) for line in find_refused_lines(call.dialog)}  # of these more is told
    for party in (each for each in _silent_parties(call, facts) if refused.isdisjoint(each.labels)):
        text = "Nothing was received of this party"
        yield TimelineEvent(at_s=0.0, kind=EventKind.NOTE, party=party.number or party.aor, text=text)


def _tell_returns(call: RecordedCall, facts: session_facts.CallFacts) -> Iterator[TimelineEvent]:
    """Say when parties were away for a while."""
    for party in facts.parties:
        for moments in party.away:
            for kind, at in zip((EventKind.LEAVE, EventKind.JOIN), moments, strict=True):
                at_s = max((at - call.started_at).total_seconds(), 0.0)
                yield TimelineEvent(at_s=at_s, kind=kind, party=party.number or party.aor)


def _number(facts: session_facts.CallFacts, role: Role) -> str:
    return next((party.number for party in facts.parties if party.role is role), "")


def _describe(call: RecordedCall, facts: session_facts.CallFacts) -> dict[str, str]:
    fields = dict(facts.fields) | {f"vendor.{name}": value for name, value in facts.vendor_ids.items()}
    fields |= describe_call(call, [(f"stream {_label(call, lane.section)}", lane) for lane in call.lanes])
    call_id = call_id_of(call.dialog.call_id)
    if facts.call_id not in {"", call_id}:
        fields["sip_call_id"] = call_id
    if facts.ucid:
        fields["ucid"] = facts.ucid
    for name, ids in (("group_id", facts.group_ids), ("session_id", facts.session_ids)):
        if ids:
            fields[name] = ", ".join(ids[:10])
    if facts.problems:
        fields["metadata_problems"] = "; ".join(facts.problems)
    return fields
