"""What happened in the course of a call: keys, pauses, holds, who came and went, what is missing.

Source: RFC 3264 section 8.4 (hold), RFC 7866 section 7.1.1.1 (a recording client that pauses).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import groupby

from hub.sdk import EventKind, Party, TimelineEvent
from plugins.pbx_sip.calls.dialog import Side, Stance
from plugins.pbx_sip.calls.recorded import RecordedCall
from plugins.pbx_sip.drafts.terms import Span, Terms, keys_told

_AT_ONCE_S = 1.0  # who is there this soon was there from the beginning, and whoever leaves this late stayed
_OTHER_MEDIA = {
    "image": "A fax was sent here (T.38): it is no sound and is not recorded",
    "video": "There was video, which is not recorded",
    "text": "There was real-time text, which is not recorded",
}

Whose = Callable[[Side, int], str]
"""The number of whoever speaks for a side in one of its media."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Some time for which the media of a side stood still. section: which of its media."""

    side: Side
    section: int
    span: Span


def describe_course(
    call: RecordedCall, terms: Terms, parties: Sequence[Party], whose: Whose
) -> tuple[TimelineEvent, ...]:
    """The events of a call within its recording, in time."""
    length_s = terms.length_s(call)
    pauses = [*_pauses(terms.paused(call)), *_client_pauses(call, length_s)]
    events = [
        *_keys(call, whose, keeps=terms.verdict.keeps_keys),
        *pauses,
        *_holds(call, length_s, whose),
        *_moves(parties, length_s),
        *_gaps(call, whose, pauses),
        *_notes(call, whose),
    ]
    within = (_clip(event, length_s) for event in events if event.at_s < length_s)
    return tuple(sorted(within, key=lambda event: event.at_s))


def _clip(event: TimelineEvent, length_s: float) -> TimelineEvent:
    until_s = None if event.until_s is None else round(min(event.until_s, length_s), 3)
    return replace(event, at_s=round(max(event.at_s, 0.0), 3), until_s=until_s)


def _keys(call: RecordedCall, whose: Whose, *, keeps: bool) -> Iterator[TimelineEvent]:
    pressed = [(key, whose(lane.side, lane.section)) for lane in call.lanes for key in lane.keys]
    pressed += [(key, "") for key in keys_told(call)]
    for key, party in pressed:
        text = key.key if keeps else ""
        until_s = key.at_s + key.length_s
        if until_s >= 0:
            yield TimelineEvent(at_s=key.at_s, until_s=until_s, kind=EventKind.KEY, party=party, text=text)


def _pauses(spans: Iterable[Span]) -> list[TimelineEvent]:
    return [TimelineEvent(at_s=at_s, until_s=until_s, kind=EventKind.PAUSE) for at_s, until_s in spans]


def _client_pauses(call: RecordedCall, length_s: float) -> list[TimelineEvent]:
    """When the recording client sent nothing on any of its lines."""
    if call.dialog.session is None:
        return []
    sections = {stance.section for stance in call.dialog.stances if stance.media.kind == "audio"}
    stretches = list(_stand_still(call, length_s, lambda stance: not stance.media.is_sending, (Side.CALLER,)))
    spans = [[each.span for each in stretches if each.section == section] for section in sections]
    shared: list[Span] = reduce(_overlap, spans) if spans else []
    return _pauses(shared)


def _overlap(spans: list[Span], others: list[Span]) -> list[Span]:
    """The time that is in one span of each."""
    both = [(max(one[0], other[0]), min(one[1], other[1])) for one in spans for other in others]
    return [span for span in both if span[0] < span[1]]


def _holds(call: RecordedCall, length_s: float, whose: Whose) -> Iterator[TimelineEvent]:
    """When a side had put the other on hold; what both say is one hold, of who said it first."""
    if call.dialog.session is not None:
        return
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


def _stand_still(
    call: RecordedCall, length_s: float, stands: Callable[[Stance], bool], sides: Sequence[Side]
) -> Iterator[_Stretch]:
    """Where audio that had flowed before stood still; what a call begins with is how it is meant."""
    audio = (each for each in call.dialog.stances if each.media.kind == "audio" and each.side in sides)
    ordered = sorted((each for each in audio if not each.media.is_rejected), key=_line)
    for (side, section), stances in groupby(ordered, key=_line):
        since_s: float | None = None
        has_flowed = False
        for stance in sorted(stances, key=lambda each: each.at_ns):
            at_s = max((stance.at_ns - call.began_ns) / 1e9, 0.0)
            if stands(stance):
                since_s = at_s if since_s is None and has_flowed else since_s
                continue
            has_flowed = True
            if since_s is not None and at_s > since_s:
                yield _Stretch(side, section, (since_s, at_s))
            since_s = None
        if since_s is not None:
            yield _Stretch(side, section, (since_s, length_s))


def _line(stance: Stance) -> tuple[Side, int]:
    return stance.side, stance.section


def _moves(parties: Iterable[Party], length_s: float) -> Iterator[TimelineEvent]:
    for party in parties:
        if party.joined_s is not None and party.joined_s > _AT_ONCE_S:
            yield TimelineEvent(at_s=party.joined_s, kind=EventKind.JOIN, party=party.number)
        if party.left_s is not None and party.left_s < length_s - _AT_ONCE_S:
            yield TimelineEvent(at_s=party.left_s, kind=EventKind.LEAVE, party=party.number)


def _gaps(call: RecordedCall, whose: Whose, pauses: Sequence[TimelineEvent]) -> Iterator[TimelineEvent]:
    """What was lost, but for what came while nothing was to be recorded."""
    for lane in call.lanes:
        for gap in lane.gaps:
            middle_s = (gap.at_s + gap.until_s) / 2
            if not any(pause.at_s <= middle_s <= (pause.until_s or pause.at_s) for pause in pauses):
                party = whose(lane.side, lane.section)
                yield TimelineEvent(at_s=gap.at_s, until_s=gap.until_s, kind=EventKind.GAP, party=party)


def _notes(call: RecordedCall, whose: Whose) -> Iterator[TimelineEvent]:
    for lane in call.lanes:
        for coding in lane.undecoded:
            text = f"What this party sent {_describe_undecoded(coding)}"
            yield TimelineEvent(at_s=0.0, kind=EventKind.NOTE, party=whose(lane.side, lane.section), text=text)
    for kind, text in _OTHER_MEDIA.items():
        said = {
            each.side: each for each in call.dialog.stances if each.media.kind == kind and not each.media.is_rejected
        }
        if len(said) == len(Side) or (said and call.dialog.session is not None):
            at_s = (max(each.at_ns for each in said.values()) - call.began_ns) / 1e9
            yield TimelineEvent(at_s=max(at_s, 0.0), kind=EventKind.NOTE, text=text)


def _describe_undecoded(coding: str) -> str:
    if coding == "SRTP":
        return "is encrypted, and no key is known that opens it"
    if coding.isdecimal():
        return f"is partly of payload type {coding}, which the signalling does not name"
    return f"is in {coding}, which cannot be decoded"
