"""Which label a party sends on: by association, else by vendor, else by order."""

from collections.abc import Sequence

from hub.sdk import Role
from plugins.pbx_sip.siprec.facts import Rule
from plugins.pbx_sip.siprec.roster import Member

# Labels that say whose they are: SEMS and Frafos, Twilio.
LABEL_ROLES = {"a_leg": Role.CALLER, "b_leg": Role.CALLED, "inbound": Role.CALLER, "outbound": Role.CALLED}


def assign_labels(
    members: Sequence[Member],
    labels: Sequence[str],
    mixed_labels: Sequence[str],
    known_rule: Rule = Rule.ASSOCIATION,
) -> dict[str, tuple[tuple[str, ...], Rule]]:
    """The labels of each member by participant id; known_rule: how those with labels got them.

    Where all share the only label there is, all have it but those who are said to receive it. A label that carries a
    mix beside separate ones is nobody's.
    """
    found = {member.participant.id: (tuple(member.labels), known_rule) for member in members if member.labels}
    waiting = [member for member in members if not member.labels]
    # Those who are still there first: who left before anything was said may never have been recorded.
    waiting.sort(key=lambda member: member.left_at is not None)
    if len(labels) == 1:
        sharing = [member for member in waiting if not (found and member.is_listener)]
        return found | {member.participant.id: (tuple(labels), Rule.ORDER) for member in sharing}
    taken = {label for assigned, _ in found.values() for label in assigned} | set(mixed_labels)
    free = sort_labels([label for label in labels if label not in taken])
    for label in list(free):
        role = LABEL_ROLES.get(label.lower())
        fitting = [member for member in waiting if role and member.role is role]
        if len(fitting) == 1:
            found[fitting[0].participant.id] = ((label,), Rule.VENDOR)
            waiting.remove(fitting[0])
            free.remove(label)
    for member, label in zip(waiting, free, strict=False):
        found[member.participant.id] = ((label,), Rule.ORDER)
    return found


def sort_labels(labels: Sequence[str]) -> list[str]:
    """Labels by their number if all are numbers, else in the order of the media lines."""
    if all(label.isascii() and label.isdecimal() and len(label) < 20 for label in labels):
        return sorted(labels, key=int)
    return list(labels)
