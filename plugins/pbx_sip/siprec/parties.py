"""The parties of a call as people see them, made of what metadata, headers and media lines say."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hub.sdk import Role
from plugins.pbx_sip.siprec.addresses import ANONYMOUS, is_same_number
from plugins.pbx_sip.siprec.assignment import LABEL_ROLES, assign_labels, sort_labels
from plugins.pbx_sip.siprec.facts import Party, Rule
from plugins.pbx_sip.siprec.hints import Hints, matches
from plugins.pbx_sip.siprec.roster import Member, Roster


def name_lines(streams: Sequence[str], labels: Sequence[str]) -> dict[str, str]:
    """Label in the metadata -> name of the line that carries its audio, by order where the description has no labels.

    Streams of video have labels too, but no line here.
    """
    if not set(streams) & set(labels) and len(streams) == len(labels):
        return dict(zip(streams, labels, strict=True))
    return {label: label for label in labels}


def make_parties(
    roster: Roster, names: Mapping[str, str], labels: Sequence[str], lines: Mapping[str, str]
) -> tuple[Party, ...]:
    """The parties that metadata names; names: number -> display name from elsewhere. lines: of `name_lines`."""
    members = roster.members(lines)
    known_rule = Rule.ASSOCIATION if all(label == line for label, line in lines.items()) else Rule.ORDER
    mixed = tuple(lines[label] for label in roster.mixed_labels if label in lines)
    assigned = assign_labels(members, labels, mixed, known_rule)
    return tuple(
        _make_party(member, names, *assigned.get(member.participant.id, ((), Rule.NONE))) for member in members
    )


def _make_party(member: Member, names: Mapping[str, str], labels: tuple[str, ...], label_rule: Rule) -> Party:
    participant = member.participant
    number = "" if member.is_placeholder else participant.number
    elsewhere = next((name for other, name in names.items() if name and is_same_number(number, other)), "")
    name = participant.name or elsewhere
    return Party(
        participant_id=participant.id,
        number=number,
        name="" if is_same_number(name, number) else name,
        aor=participant.aor,
        labels=labels,
        label_rule=label_rule,
        role=member.role,
        role_rule=member.role_rule,
        session_id=member.session_id,
        joined_at=member.joined_at,
        left_at=member.left_at,
        away=tuple(member.away),
        held=tuple(member.held),
        sendings=tuple(member.sendings),
        other_numbers=participant.other_numbers,
    )


def name_unknown(parties: Sequence[Party], hints: Hints) -> tuple[Party, ...]:
    """The parties, those without a number named by what extensions say of caller and called, in this order."""
    said = ((hints.calling, Role.CALLER), (hints.called, Role.CALLED))
    named = iter(
        (numbers[0], role)
        for numbers, role in said
        if numbers and not any(matches(one.number, numbers) for one in parties)
    )
    found = []
    for party in parties:
        if (not party.number or party.number.lower() in ANONYMOUS) and (known := next(named, None)):
            number, role = known
            name = party.name or hints.names.get(number, "")
            found.append(replace(party, number=number, name=name, role=role, role_rule=Rule.VENDOR))
        else:
            found.append(party)
    return tuple(found)


def make_strangers(labels: Sequence[str], named: Sequence[Party], mixed_labels: Sequence[str]) -> tuple[Party, ...]:
    """Whoever is heard on the lines that nothing tells more about."""
    heard = {label for party in named for label in party.labels} | set(mixed_labels)
    return tuple(_make_stranger(label) for label in sort_labels(labels) if label not in heard)


def _make_stranger(label: str) -> Party:
    role = LABEL_ROLES.get(label.lower(), Role.PARTICIPANT)
    return Party(labels=(label,), role=role, role_rule=Rule.NONE if role is Role.PARTICIPANT else Rule.VENDOR)


def find_shared(parties: Sequence[Party]) -> tuple[str, ...]:
    """The labels that several parties have at the same time, beyond those that the metadata itself tells."""
    found: dict[str, None] = {}
    for index, party in enumerate(parties):
        for other in parties[index + 1 :]:
            is_told = party.label_rule is other.label_rule is Rule.ASSOCIATION or (party.sendings and other.sendings)
            if not (is_told or _left_before(party, other) or _left_before(other, party)):
                found |= {label: None for label in party.labels if label in other.labels}
    return tuple(found)


def _left_before(party: Party, other: Party) -> bool:
    return party.left_at is not None and other.joined_at is not None and party.left_at <= other.joined_at
