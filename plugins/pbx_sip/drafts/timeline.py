"""What happened in the course of a call: keys, pauses, holds, who came and went, what is missing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from hub.sdk import CallControl, EventKind, Party, TimelineEvent
from plugins.pbx_sip.calls.dialog import Side
from plugins.pbx_sip.calls.other_media import find_other_media
from plugins.pbx_sip.calls.recorded import RecordedCall
from plugins.pbx_sip.calls.refused_lines import find_refused_lines
from plugins.pbx_sip.calls.stopper import Stopper
from plugins.pbx_sip.calls.voices import LOCKS
from plugins.pbx_sip.drafts.standstills import Whose, find_standstills
from plugins.pbx_sip.drafts.terms import Span, Terms, keys_told
from plugins.pbx_sip.siprec.farewell import Farewell, read_reason

_AT_ONCE_S = 1.0  # who is there this soon was there from the beginning, and whoever leaves this late stayed
_LAST_S = 0.001
_TOLD_AT_THE_END = frozenset({EventKind.NOTE, EventKind.KEY})
_FAREWELLS: dict[str, str] = {
    Farewell.NOT_REFRESHED: "The recorder ended the recording session here, as its client had not refreshed it in time",
    Farewell.NOT_KNOWN: "The recorder ended the recording session here, as its client did not know it any more",
    Farewell.SWITCHED_OFF: "The recorder was switched off here",
}
_ACTIONS = ", ".join(CallControl)
_WISHES: dict[str, str] = {
    "on": "This party asked to be recorded",
    "off": "This party asked not to be recorded",
    "pause": "This party asked to pause the recording",
}
_OTHER_MEDIA = {
    "image": "A fax was sent here (T.38): it is no sound and is not recorded",
    "video": "There was video, which is not recorded",
    "text": "There was real-time text, which is not recorded",
}


def describe_course(
    call: RecordedCall, terms: Terms, parties: Sequence[Party], whose: Whose
) -> tuple[TimelineEvent, ...]:
    """The events of a call within its recording, in time."""
    length_s = terms.length_s(call)
    paused = terms.paused(call)
    # A client that is asked to pause may well obey, which is no pause or hold of its own.
    standstills = [
        each
        for each in find_standstills(call, length_s, whose)
        if not any(at_s <= each.at_s <= until_s for at_s, until_s in paused)
    ]
    pauses = [*_pauses(paused), *(each for each in standstills if each.kind is EventKind.PAUSE)]
    events = [
        *_keys(call, whose, keeps=terms.verdict.keeps_keys),
        *pauses,
        *(each for each in standstills if each.kind is EventKind.HOLD),
        *_moves(parties, length_s),
        *_gaps(call, whose, pauses),
        *_notes(call, length_s, whose),
        *_wishes(call, whose),
        *_voicemails(call, terms, length_s),
        *_stops(call, terms, length_s),
        *_unheeded(call, terms),
        *_farewell(call),
    ]
    # What is told of after the last sound belongs to the call; what came after the recording was stopped does not.
    is_whole = length_s >= call.length_s
    within = (
        _clip(event, length_s)
        for event in events
        if event.at_s < length_s or (is_whole and event.kind in _TOLD_AT_THE_END)
    )
    return tuple(sorted(within, key=lambda event: event.at_s))


def _clip(event: TimelineEvent, length_s: float) -> TimelineEvent:
    until_s = None if event.until_s is None else round(min(event.until_s, length_s), 3)
    return replace(event, at_s=round(max(min(event.at_s, length_s - _LAST_S), 0.0), 3), until_s=until_s)


def _keys(call: RecordedCall, whose: Whose, *, keeps: bool) -> Iterator[TimelineEvent]:
    pressed = [(key, whose(lane.side, lane.section)) for lane in call.lanes for key in lane.keys]
    # In a recording session INFO is the client's, who tells of some party or other.
    pressed += [(key, "" if call.dialog.session else whose(side, 0)) for key, side in keys_told(call)]
    for key, party in pressed:
        text = key.key if keeps else ""
        until_s = key.at_s + key.length_s
        if until_s >= 0:
            yield TimelineEvent(at_s=key.at_s, until_s=until_s, kind=EventKind.KEY, party=party, text=text)


def _pauses(spans: Iterable[Span]) -> list[TimelineEvent]:
    return [TimelineEvent(at_s=at_s, until_s=until_s, kind=EventKind.PAUSE) for at_s, until_s in spans]


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


def _notes(call: RecordedCall, length_s: float, whose: Whose) -> Iterator[TimelineEvent]:
    if not (call.was_answered or call.dialog.joined_late):
        yield TimelineEvent(at_s=0.0, kind=EventKind.NOTE, text="Nobody answered: this was heard before an answer")
    for lane in call.lanes:
        for coding in lane.undecoded:
            text = f"What this party sent {_describe_undecoded(coding)}"
            yield TimelineEvent(at_s=0.0, kind=EventKind.NOTE, party=whose(lane.side, lane.section), text=text)
        if lane.is_scrambled:
            text = "What this party sent is no sound: it is encrypted, as it looks, and the signalling does not say so"
            yield TimelineEvent(at_s=0.0, kind=EventKind.NOTE, party=whose(lane.side, lane.section), text=text)
    for line in find_refused_lines(call.dialog):
        text = f"What this party sent {_describe_undecoded(line.coding)}"
        at_s = max((line.at_ns - call.began_ns) / 1e9, 0.0)
        yield TimelineEvent(at_s=at_s, kind=EventKind.NOTE, party=whose(Side.CALLER, line.section), text=text)
    for remark in call.remarks:
        yield TimelineEvent(at_s=max((remark.at_ns - call.began_ns) / 1e9, 0.0), kind=EventKind.NOTE, text=remark.text)
    for kind, since_ns in find_other_media(call.dialog).items():
        # A fax that comes after all that was said is told of at its end.
        at_s = min(max((since_ns - call.began_ns) / 1e9, 0.0), length_s - _LAST_S)
        yield TimelineEvent(at_s=at_s, kind=EventKind.NOTE, text=_OTHER_MEDIA[kind])


def _wishes(call: RecordedCall, whose: Whose) -> Iterator[TimelineEvent]:
    """What the parties' telephones asked for, which binds whoever records.

    Source: RFC 7866 section 7.3.2 (a=recordpref).
    """
    known: dict[Side, str] = {}
    for stance in sorted(call.dialog.stances, key=lambda each: each.at_ns):
        wish = stance.media.recording_wish
        if wish and wish != known.get(stance.side):
            known[stance.side] = wish
            at_s, party = max((stance.at_ns - call.began_ns) / 1e9, 0.0), whose(stance.side, stance.section)
            if wish in _WISHES:
                yield TimelineEvent(at_s=at_s, kind=EventKind.NOTE, party=party, text=_WISHES[wish])


def _voicemails(call: RecordedCall, terms: Terms, length_s: float) -> Iterator[TimelineEvent]:
    """Why nothing is to be heard from some moment on, which may be the last one."""
    rule = terms.verdict.rule
    for at_ns in terms.voicemails_ns:
        at_s = (at_ns - call.began_ns) / 1e9
        if at_s <= length_s:
            yield TimelineEvent(
                at_s=max(min(at_s, length_s - _LAST_S), 0.0),
                kind=EventKind.NOTE,
                text=f"The call went to voicemail, where the rule {rule} ends the recording",
            )


def _stops(call: RecordedCall, terms: Terms, length_s: float) -> Iterator[TimelineEvent]:
    """Why the recording ends here, where the call went on."""
    rule, text = terms.verdict.rule, ""
    if terms.stopper.is_against_rule:
        text = "Somebody stopped the recording here"
        if terms.stopper is Stopper.SYSTEM:
            text = "The telephone system stopped the recording here"
    elif terms.stopper is Stopper.RULE or call.length_s > terms.verdict.longest_s:
        text = f"The recording ends after the longest length that the rule {rule} lets it have"
        text = text if rule else "The recording ends after the longest length that it may have"
    if text:
        yield TimelineEvent(at_s=max(length_s - _LAST_S, 0.0), kind=EventKind.NOTE, text=text)


def _unheeded(call: RecordedCall, terms: Terms) -> Iterator[TimelineEvent]:
    """What the telephone system asked for, and nobody understood."""
    for at_ns, said in terms.unheeded:
        yield TimelineEvent(
            at_s=max((at_ns - call.began_ns) / 1e9, 0.0),
            kind=EventKind.NOTE,
            text=f"The telephone system asked for what does not exist ({said}); what there is: {_ACTIONS}",
        )


def _farewell(call: RecordedCall) -> Iterator[TimelineEvent]:
    """Why a recorder ended its session by itself, in which the recorded call may well have gone on."""
    dialog = call.dialog
    if dialog.session is None or dialog.ended_by is not Side.CALLED:
        return
    reason = read_reason(dialog.headers.get(f"Reason ({Side.CALLED})", ""))
    at_s = max((dialog.ended_ns - call.began_ns) / 1e9, 0.0)
    if reason in _FAREWELLS:
        yield TimelineEvent(at_s=at_s, kind=EventKind.NOTE, text=_FAREWELLS[reason])
    elif reason:
        text = f"The recorder ended the recording session: {reason}"
        yield TimelineEvent(at_s=at_s, kind=EventKind.NOTE, text=text)


def _describe_undecoded(coding: str) -> str:
    if coding in LOCKS:
        return LOCKS[coding]
    if coding.isdecimal():
        return f"is partly of payload type {coding}, which the signalling does not name"
    return f"is in {coding}, which cannot be decoded"
