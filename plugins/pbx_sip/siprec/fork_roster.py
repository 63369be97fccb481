"""Who was in a forked call, when, and on which line, gathered over all that its headers said."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime

from hub.sdk import Role
from plugins.pbx_sip.siprec.assignment import LABEL_ROLES
from plugins.pbx_sip.siprec.facts import Party, Rule
from plugins.pbx_sip.siprec.forks import HEADERS, Fork, ForkParty

ATTENDANTS_MAX = 200


@dataclass(slots=True)
class _Attendant:
    party: ForkParty
    joined_at: datetime
    left_at: datetime | None = None


class ForkRoster:
    """The parties that headers name, of whom a transfer may bring others. fork: what is said now."""

    def __init__(self) -> None:
        self.fork = Fork()
        self._attendants: list[_Attendant] = []

    def note(self, fork: Fork, received_at: datetime) -> None:
        """Take in what the headers of a request say; parties named by a field of their own stay where From follows."""
        if fork == self.fork or not fork.parties or (fork.rule == HEADERS and self.fork.rule not in {"", HEADERS}):
            return
        self.fork = fork
        present = [each for each in self._attendants if each.left_at is None]
        for party in fork.parties:
            known = next((each for each in present if _is_same(each.party, party)), None)
            if known is not None:
                known.party = party
                present.remove(known)
            elif len(self._attendants) < ATTENDANTS_MAX:
                self._attendants.append(_Attendant(party, received_at))
        for gone in present:
            gone.left_at = received_at

    def parties(self, lines: Mapping[int, str], labels: Sequence[str]) -> tuple[Party, ...]:
        """All who were there; lines: index of a media line -> its name, of which labels are all there ever were."""
        said = {lines[index] for each in self._attendants for index in each.party.lines if index in lines}
        has_roles = any(label.lower() in LABEL_ROLES for label in labels)
        attendants = [_confirm_role(each) if has_roles else each for each in self._attendants]
        return tuple(_make_party(each, *_find_lines(each.party, lines, labels, said)) for each in attendants)


def _is_same(known: ForkParty, party: ForkParty) -> bool:
    """Whether somebody is named again, or known at last."""
    if known.number:
        return known.number == party.number
    return (known.lines, known.place) == (party.lines, party.place)


def _confirm_role(each: _Attendant) -> _Attendant:
    """Somebody of whom a role was likely only, where the lines have roles."""
    role = each.party.role if each.party.role is not Role.PARTICIPANT else each.party.likely_role
    return replace(each, party=replace(each.party, role=role))


def _find_lines(
    party: ForkParty, lines: Mapping[int, str], labels: Sequence[str], said: AbstractSet[str]
) -> tuple[tuple[str, ...], Rule]:
    """The lines that carry a party, and how that was found out: as is said, as labels tell, or by their order.

    said: the lines of which it is said who is on them.
    """
    mine = tuple(lines[index] for index in party.lines if index in lines)
    if mine or party.place is None:
        return mine, Rule.VENDOR if mine else Rule.NONE
    told = tuple(label for label in labels if LABEL_ROLES.get(label.lower(), Role.PARTICIPANT) is party.role)
    if told and party.role is not Role.PARTICIPANT:
        return told, Rule.VENDOR
    own = tuple(labels) if len(labels) == 1 else tuple(labels[party.place : party.place + 1])
    own = tuple(label for label in own if label not in said)
    return own, Rule.ORDER if own else Rule.NONE


def _make_party(each: _Attendant, labels: tuple[str, ...], label_rule: Rule) -> Party:
    party = each.party
    return Party(
        number=party.number,
        name=party.name,
        labels=labels,
        label_rule=label_rule,
        role=party.role,
        role_rule=Rule.NONE if party.role is Role.PARTICIPANT else Rule.VENDOR,
        joined_at=each.joined_at,
        left_at=each.left_at,
    )
