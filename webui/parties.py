"""The people of a call as lists and the player show them."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hub.sdk import Direction, Owner, OwnerKind, Party, Role
from webui.language import gettext, later

SHOWN = 2
# Unicode's marks of direction: UAX #9, section 2
_TURNS = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_ISOLATE, _END = "\u2068", "\u2069"
_ORDER = {Role.CALLER: 0, Role.CALLED: 1, Role.PARTICIPANT: 2}
ROLES = {Role.CALLER: later("Caller"), Role.CALLED: later("Called"), Role.PARTICIPANT: later("Participant")}
OWNER_KINDS = {
    OwnerKind.USER: later("User"),
    OwnerKind.GROUP: later("Hunt group"),
    OwnerKind.LINE: later("Line"),
    OwnerKind.ACCOUNT_CODE: later("Account code"),
}
OWNER_ICONS = {
    OwnerKind.USER: "user-round",
    OwnerKind.GROUP: "users",
    OwnerKind.LINE: "phone",
    OwnerKind.ACCOUNT_CODE: "key-round",
}
DIRECTION_ICONS = {
    Direction.INCOMING: "arrow-down-left",
    Direction.OUTGOING: "arrow-up-right",
    Direction.INTERNAL: "arrow-left-right",
    Direction.UNKNOWN: "circle-help",
}


@dataclass(frozen=True, slots=True)
class Lane:
    """One channel of the audio: who speaks on it."""

    label: str
    detail: str


def in_order(parties: Iterable[Party]) -> list[Party]:
    """The caller first, then the called, then everybody else."""
    return sorted(parties, key=lambda party: _ORDER[party.role])


def is_directed(parties: Iterable[Party]) -> bool:
    """Whether it is known who called whom."""
    return any(party.role is not Role.PARTICIPANT for party in parties)


def straight(text: str) -> str:
    """A text without marks that turn around what stands beside it."""
    return text if text.isascii() else text.translate(_TURNS)


def _apart(text: str) -> str:
    """A text that stands in one line with others and moves none of them; marked only where it would."""
    plain = straight(text)
    turns = not plain.isascii() and any(unicodedata.bidirectional(letter) in _RIGHT_TO_LEFT for letter in plain)
    return f"{_ISOLATE}{plain}{_END}" if turns else plain


def name_of(party: Party) -> str:
    """Number and name in one line, whichever way the name wants to turn what is beside it."""
    return f"{_apart(party.number)} {_apart(party.name)}".strip() or gettext("Unknown")


def title_of(parties: Sequence[Party]) -> str:
    """The call in one line, such as "8005 Li Wei → +44 20 7183 8750"."""
    shown = [name_of(party) for party in in_order(parties)]
    if not shown:
        return gettext("Unknown parties")
    first, rest = shown[:SHOWN], len(shown) - SHOWN
    return (" → " if is_directed(parties) else " · ").join(first) + (f" +{rest}" if rest > 0 else "")


def owner_of(owner: Owner) -> str:
    """The owner in one line."""
    return f"{_apart(owner.id)} {_apart(owner.name)}".strip()


def lanes_of(parties: Sequence[Party], channels: int) -> list[Lane]:
    """A label for each channel of the audio.

    One channel carries everybody; on more, the parties that are known to speak on each.
    """
    if channels <= 1:
        return [Lane(gettext("All parties"), title_of(parties))]
    lanes = []
    for channel in range(channels):
        here = [party for party in in_order(parties) if party.channel == channel]
        if here:
            label = ", ".join(_apart(party.name or party.number) for party in here)
            number = _apart(here[0].number) if here[0].name else ""
            detail = " · ".join([number, gettext(ROLES[here[0].role])]).strip(" ·")
            lanes.append(Lane(label, detail))
        else:
            lanes.append(Lane(gettext("Channel {number}").format(number=channel + 1), ""))
    return lanes
