"""What happened in the course of a recording, in the viewer's words."""

from collections.abc import Sequence
from dataclasses import dataclass

from hub.sdk import EventKind, Party, TimelineEvent
from webui import parties
from webui.language import gettext, later
from webui.told import told

_WORDS = {
    EventKind.KEY: later("Key pressed"),
    EventKind.PAUSE: later("Recording paused"),
    EventKind.HOLD: later("On hold"),
    EventKind.JOIN: later("Joined the call"),
    EventKind.LEAVE: later("Left the call"),
    EventKind.GAP: later("Sound was lost"),
    EventKind.NOTE: later("Note"),
}
_ICONS = {
    EventKind.KEY: "keyboard",
    EventKind.PAUSE: "circle-pause",
    EventKind.HOLD: "hourglass",
    EventKind.JOIN: "user-round",
    EventKind.LEAVE: "log-out",
    EventKind.GAP: "triangle-alert",
    EventKind.NOTE: "info",
}


@dataclass(frozen=True, slots=True)
class Happening:
    """One event as it is shown; what: such as "Key 5 pressed". who: the party it is about, "" if nobody."""

    at_s: float
    until_s: float | None
    kind: EventKind
    icon: str
    what: str
    who: str


def describe(events: Sequence[TimelineEvent], people: Sequence[Party]) -> list[Happening]:
    """The events in words, in time."""
    names = {party.number: parties.name_of(party) for party in people}
    return [
        Happening(
            at_s=event.at_s,
            until_s=event.until_s,
            kind=event.kind,
            icon=_ICONS[event.kind],
            what=_what(event),
            who=names.get(event.party, event.party),
        )
        for event in events
    ]


def _what(event: TimelineEvent) -> str:
    if event.kind is EventKind.KEY and event.text:
        return gettext("Key {key} pressed").format(key=event.text)
    if event.kind is EventKind.NOTE and event.text:
        return told(event.text)
    return gettext(": ").join(filter(None, (gettext(_WORDS[event.kind]), told(event.text))))
