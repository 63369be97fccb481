"""What happened in the course of a recording: bounded, in order, and as JSON."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import isfinite
from typing import Any

from hub.sdk import EventKind, TimelineEvent

EVENTS_MAX = 2000
TEXT_MAX_LENGTH = 255
_COMMON = frozenset({EventKind.KEY, EventKind.GAP})
"""What may come in thousands; the other kinds say what a recording is worth as evidence."""


def arrange(events: Iterable[TimelineEvent]) -> list[TimelineEvent]:
    """At most EVENTS_MAX events in time; a note says how many more there were.

    Key presses and gaps go first where there are too many. Events without a sensible time are left out, texts cut.
    """
    ordered = sorted((_cut(event) for event in events if _has_time(event)), key=_time)
    if len(ordered) <= EVENTS_MAX:
        return ordered
    chosen = sorted(range(len(ordered)), key=lambda place: (ordered[place].kind in _COMMON, place))[: EVENTS_MAX - 1]
    kept = set(chosen)
    left = [event for place, event in enumerate(ordered) if place not in kept]
    counts = ", ".join(f"{count} {kind.value}" for kind, count in Counter(event.kind for event in left).items())
    note = TimelineEvent(at_s=left[0].at_s, kind=EventKind.NOTE, text=f"{len(left)} more events are left out: {counts}")
    return sorted([*(ordered[place] for place in chosen), note], key=_time)


def events_json(events: Iterable[TimelineEvent]) -> list[dict[str, Any]]:
    """The arranged events as JSON values, each without what it leaves open."""
    return [_event_json(event) for event in arrange(events)]


def events_from(values: Iterable[Mapping[str, Any]]) -> tuple[TimelineEvent, ...]:
    """The events that `events_json` wrote.

    Raises: KeyError, TypeError, ValueError if these are none.
    """
    return tuple(
        TimelineEvent(
            at_s=value["at_s"],
            kind=EventKind(value["kind"]),
            until_s=value.get("until_s"),
            party=value.get("party", ""),
            text=value.get("text", ""),
        )
        for value in values
    )


def _has_time(event: TimelineEvent) -> bool:
    until_s = event.at_s if event.until_s is None else event.until_s
    return 0 <= event.at_s <= until_s and isfinite(until_s)


def _time(event: TimelineEvent) -> float:
    return event.at_s


def _cut(event: TimelineEvent) -> TimelineEvent:
    if len(event.text) <= TEXT_MAX_LENGTH and len(event.party) <= TEXT_MAX_LENGTH:
        return event
    return replace(event, text=event.text[:TEXT_MAX_LENGTH], party=event.party[:TEXT_MAX_LENGTH])


def _event_json(event: TimelineEvent) -> dict[str, Any]:
    values: dict[str, Any] = {"at_s": event.at_s, "kind": event.kind.value}
    if event.until_s is not None:
        values["until_s"] = event.until_s
    return values | {key: text for key, text in (("party", event.party), ("text", event.text)) if text}
