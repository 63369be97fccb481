"""The course of a recording after what it lacked was filled from another device's recording of the same call."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from hub.sdk import EventKind, Party, TimelineEvent

_SHORTEST_GAP_S = 0.1  # what is left of a gap and shorter than this is not heard
_NEAR_S = 1.0  # the same thing, told by two devices
_TOGETHER_S = 0.1
_ANYWHERE = frozenset({EventKind.KEY, EventKind.HOLD, EventKind.JOIN, EventKind.LEAVE})
"""What a device that lost the sound also did not see; pauses and gaps of the other matter only where it is alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledSpan:
    """Some time of one channel that was filled, in seconds of the recording as it is now."""

    channel: int
    at_s: float
    until_s: float


def mend_events(
    events: Iterable[TimelineEvent],
    parties: Sequence[Party],
    spans: Sequence[FilledSpan],
    device: str,
    *,
    own_s: tuple[float, float],
    more: Iterable[TimelineEvent] = (),
) -> list[TimelineEvent]:
    """The events, with gaps that are no more as notes of where the sound comes from.

    spans: what was filled. device: what people call the other device. own_s: where what `events` tell of begins and
    ends in the recording as it is now. more: what the other device told, in seconds of that.
    """
    channels = {party.number: party.channel for party in parties if party.number and party.channel is not None}
    mended: list[TimelineEvent] = []
    for event in (_shift(event, own_s[0]) for event in events):
        if event.kind is EventKind.GAP and event.until_s is not None:
            mended += _rest_of(event, channels.get(event.party), spans)
        else:
            mended.append(event)
    for event in more:
        if any(span.at_s <= event.at_s < span.until_s for span in spans) and not _is_known(event, mended):
            is_alone = not own_s[0] <= event.at_s < own_s[1]
            if event.kind in _ANYWHERE or (is_alone and event.kind is EventKind.PAUSE):
                mended.append(event)
    numbers = {channel: number for number, channel in channels.items()}
    return sorted([*mended, *_notes(spans, numbers, device)], key=lambda event: event.at_s)


def note_unlike(events: Iterable[TimelineEvent], device: str) -> list[TimelineEvent]:
    """The events, with a note that another device's recording does not sound like this one."""
    note = TimelineEvent(
        at_s=0.0,
        kind=EventKind.NOTE,
        text=f"{device} recorded this call, too; it sounds different, so nothing was filled from it",
    )
    return [note, *events]


def _shift(event: TimelineEvent, lead_s: float) -> TimelineEvent:
    until_s = None if event.until_s is None else round(event.until_s + lead_s, 3)
    return replace(event, at_s=round(event.at_s + lead_s, 3), until_s=until_s)


def _rest_of(gap: TimelineEvent, channel: int | None, spans: Sequence[FilledSpan]) -> list[TimelineEvent]:
    """What of a gap was not filled; one that nobody is named for is filled where any channel was."""
    rest = [(gap.at_s, gap.until_s if gap.until_s is not None else gap.at_s)]
    for span in spans:
        if channel is None or span.channel == channel:
            rest = [
                piece
                for at_s, until_s in rest
                for piece in ((at_s, min(until_s, span.at_s)), (max(at_s, span.until_s), until_s))
                if piece[1] > piece[0]
            ]
    return [
        replace(gap, at_s=round(at_s, 3), until_s=round(until_s, 3))
        for at_s, until_s in rest
        if until_s - at_s >= _SHORTEST_GAP_S
    ]


def _is_known(event: TimelineEvent, events: Iterable[TimelineEvent]) -> bool:
    return any(known.kind is event.kind and abs(known.at_s - event.at_s) < _NEAR_S for known in events)


def _notes(spans: Sequence[FilledSpan], numbers: dict[int, str], device: str) -> Iterator[TimelineEvent]:
    """A note for each span; one for what was filled in several channels at once."""
    told: list[FilledSpan] = []
    for span in sorted(spans, key=lambda each: (each.at_s, each.channel)):
        if any(_is_together(span, other) for other in told):
            continue
        told.append(span)
        is_alone = sum(_is_together(span, other) for other in spans) == 1
        yield TimelineEvent(
            at_s=round(span.at_s, 3),
            until_s=round(span.until_s, 3),
            kind=EventKind.NOTE,
            party=numbers.get(span.channel, "") if is_alone else "",
            text=f"Filled from {device}",
        )


def _is_together(one: FilledSpan, other: FilledSpan) -> bool:
    return abs(one.at_s - other.at_s) < _TOGETHER_S and abs(one.until_s - other.until_s) < _TOGETHER_S
