"""When the media of a call stood still: its parties were on hold, or whoever sends us the call paused the recording.

Source: RFC 3264 section 8.4 (hold), RFC 7866 section 7.1.1.1 (a recording client that pauses makes all of its lines
inactive and leaves the metadata as it was), RFC 8068 section 3 (of a hold the metadata tells).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from hub.sdk import EventKind, TimelineEvent
from plugins.pbx_sip.calls.dialog import Side, Stance
from plugins.pbx_sip.calls.moments import moment
from plugins.pbx_sip.calls.recorded import RecordedCall
from plugins.pbx_sip.drafts.terms import Span
from plugins.pbx_sip.siprec.facts import CallFacts

Whose = Callable[[Side, int], str]
"""The number of whoever speaks for a side in one of its media."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Some time for which the media of a side stood still. section: which of its media."""

    side: Side
    section: int
    span: Span


def find_standstills(call: RecordedCall, length_s: float, whose: Whose) -> list[TimelineEvent]:
    """The holds of a call and, where a recording client sent it, the pauses that this one made."""
    if call.dialog.session is None:
        return list(_holds(call, length_s, whose))
    return _describe_session(call, call.dialog.session.describe(), length_s, whose)


def find_client_pauses(call: RecordedCall, length_s: float) -> list[Span]:
    """When a recording client had paused the recording, in seconds of it; what it sent all the same is not heard."""
    session = call.dialog.session
    facts = session.describe() if session is not None else None
    if facts is None or not facts.is_siprec:
        return []
    told = [span for _, span in _holds_told(call, facts, length_s)]
    return _find_pauses(call, list(_standing_lines(call, length_s)), told)


def _standing_lines(call: RecordedCall, length_s: float) -> Iterator[_Stretch]:
    """When a line of the client's stood still."""
    return _stand_still(call, length_s, lambda stance: not stance.media.is_sending, (Side.CALLER,))


def _holds(call: RecordedCall, length_s: float, whose: Whose) -> Iterator[TimelineEvent]:
    """When a side had put the other on hold; what both say is one hold, of who said it first."""
    last: TimelineEvent | None = None
    held = _stand_still(call, length_s, lambda stance: stance.media.is_held, tuple(Side))
    for stretch in sorted(held, key=lambda each: each.span):
        at_s, until_s = stretch.span
        if last and last.until_s is not None and at_s <= last.until_s:
            last = replace(last, until_s=max(last.until_s, until_s))
            continue
        if last:
            yield last
        last = TimelineEvent(
            at_s=at_s, until_s=until_s, kind=EventKind.HOLD, party=whose(stretch.side, stretch.section)
        )
    if last:
        yield last


def _describe_session(call: RecordedCall, facts: CallFacts, length_s: float, whose: Whose) -> list[TimelineEvent]:
    """A line that stands still alone is the hold of its party; all at once are, unless it is a pause."""
    stretches = list(_standing_lines(call, length_s))
    told = list(_holds_told(call, facts, length_s))
    pauses = find_client_pauses(call, length_s)
    paused_from = {at_s for at_s, _ in pauses}
    seen = [(whose(each.side, each.section), each.span) for each in stretches if each.span[0] not in paused_from]
    # Where the metadata says who was on hold, a line of several parties says no more.
    seen = [(party, span) for party, span in seen if party or not any(_overlap(span, other) for _, other in told)]
    return [
        *(TimelineEvent(at_s=at_s, until_s=until_s, kind=EventKind.PAUSE) for at_s, until_s in pauses),
        *(
            TimelineEvent(at_s=at_s, until_s=until_s, kind=EventKind.HOLD, party=party)
            for party, (at_s, until_s) in _unite([*told, *seen])
        ),
    ]


def _holds_told(call: RecordedCall, facts: CallFacts, length_s: float) -> Iterator[tuple[str, Span]]:
    """When the metadata has a party send nothing any more."""
    ended_at = moment(call.began_ns + round(length_s * 1e9))
    for party in facts.parties:
        for since, until in party.held:
            span = ((since - call.started_at), ((until or party.left_at or ended_at) - call.started_at))
            at_s, until_s = (max(each.total_seconds(), 0.0) for each in span)
            if at_s < until_s:
                yield party.number or party.aor, (at_s, until_s)


def _find_pauses(call: RecordedCall, stretches: Sequence[_Stretch], holds: Sequence[Span]) -> list[Span]:
    """When the client had all of its lines stand still by one message and told of no hold."""
    pauses = []
    for at_s in sorted({each.span[0] for each in stretches}):
        together = [each for each in stretches if each.span[0] == at_s]
        span = (at_s, min(each.span[1] for each in together))
        is_all = {each.section for each in together} >= _lines_at(call, at_s)
        if is_all and not any(_overlap(span, hold) for hold in holds):
            pauses.append(span)
    return pauses


def _lines_at(call: RecordedCall, at_s: float) -> set[int]:
    """The lines of sound that had been in use up to a moment."""
    last: dict[int, Stance] = {}
    flowed = set()
    for stance in call.dialog.stances:
        if stance.side is Side.CALLER and stance.media.kind == "audio" and _since_s(call, stance) < at_s:
            last[stance.section] = stance
            if stance.media.is_sending:
                flowed.add(stance.section)
    return {section for section, stance in last.items() if section in flowed and not stance.media.is_rejected}


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _unite(spans: Iterable[tuple[str, Span]]) -> Iterator[tuple[str, Span]]:
    """The time of each party, once."""
    for party, each in groupby(sorted(spans), key=lambda one: one[0]):
        last: Span | None = None
        for _, (at_s, until_s) in each:
            if last and at_s <= last[1]:
                last = (last[0], max(last[1], until_s))
                continue
            if last:
                yield party, last
            last = (at_s, until_s)
        if last:
            yield party, last


def _stand_still(
    call: RecordedCall, length_s: float, stands: Callable[[Stance], bool], sides: Sequence[Side]
) -> Iterator[_Stretch]:
    """Where audio that had flowed before stood still; what a call begins with is how it is meant.

    A line that is given up is no longer on hold.
    """
    audio = (each for each in call.dialog.stances if each.media.kind == "audio" and each.side in sides)
    ordered = sorted(audio, key=_line)
    for (side, section), stances in groupby(ordered, key=_line):
        since_s: float | None = None
        has_flowed = False
        for stance in sorted(stances, key=lambda each: each.at_ns):
            at_s = _since_s(call, stance)
            if stance.is_audio and stands(stance):
                since_s = at_s if since_s is None and has_flowed else since_s
                continue
            has_flowed = has_flowed or stance.is_audio
            if since_s is not None and at_s > since_s:
                yield _Stretch(side, section, (since_s, at_s))
            since_s = None
        if since_s is not None:
            yield _Stretch(side, section, (since_s, length_s))


def _since_s(call: RecordedCall, stance: Stance) -> float:
    return max((stance.at_ns - call.began_ns) / 1e9, 0.0)


def _line(stance: Stance) -> tuple[Side, int]:
    return stance.side, stance.section
