"""Sessions that carry one end of a call each: how they are known by what they tell, and what they tell together.

Source: Cisco Unified Communications Manager, built-in bridge: the dialogs of both ends have the same x-refci; RFC 7866
section 3 (a communication session may be recorded by several recording sessions).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from itertools import chain
from typing import TypeVar

from hub.sdk import Direction, Notice, Role
from plugins.pbx_sip.siprec.belonging import Belonging
from plugins.pbx_sip.siprec.facts import CallEnd, CallFacts, Party, Rule

T = TypeVar("T")


def find_end(
    call: tuple[str, ...], parties: Sequence[Party], labels: Sequence[str], mixed_labels: Sequence[str]
) -> CallEnd | None:
    """The end that a session with one line carries alone, where its metadata says whose line that is.

    call: ids of the recorded call, () if there are none.
    """
    heard = [party for party in parties if party.labels]
    if not call or len(labels) != 1 or mixed_labels or len(heard) != 1 or heard[0].label_rule is not Rule.ASSOCIATION:
        return None
    [party] = heard
    others = [name for other in parties if other is not party and (name := _name(other))]
    return CallEnd(call=call, party=_name(party) or party.participant_id, others=", ".join(others[:10]))


def join_facts(sessions: Sequence[tuple[CallFacts, Mapping[str, str]]]) -> CallFacts:
    """What several sessions of one call say together, the first of them first.

    sessions: each with the names that its lines have beside those of the others.
    """
    every = [facts for facts, _ in sessions]
    parties: dict[str, Party] = {}
    for facts, names in sessions:
        for party in facts.parties:
            labels = tuple(names[label] for label in party.labels)
            own = replace(party, labels=labels)
            key = _name(party) or party.participant_id or " ".join(labels)
            parties[key] = _join_party(parties[key], own) if key in parties else own
    return replace(
        every[0],
        parties=tuple(parties.values()),
        labels=tuple(names[label] for facts, names in sessions for label in facts.labels),
        mixed_labels=tuple(names[label] for facts, names in sessions for label in facts.mixed_labels),
        direction=_first_said((facts.direction for facts in every), Direction.UNKNOWN),
        recorded=_first_said((facts.recorded for facts in every), ""),
        end=None,
        belonging=reduce(Belonging.joined, [facts.belonging for facts in every]),
        notice=next((facts.notice for facts in every if facts.notice != Notice()), Notice()),
        recording_ids=_join_texts(facts.recording_ids for facts in every),
        group_ids=_join_texts(facts.group_ids for facts in every),
        session_ids=_join_texts(facts.session_ids for facts in every),
        sip_session_ids=_join_texts(facts.sip_session_ids for facts in every),
        ucid=_first_said((facts.ucid for facts in every), ""),
        started_at=min((facts.started_at for facts in every if facts.started_at), default=None),
        vendor_ids=_join_fields(facts.vendor_ids for facts in every),
        fields=_join_fields(facts.fields for facts in every),
        problems=_join_texts(facts.problems for facts in every),
    )


def _join_party(one: Party, other: Party) -> Party:
    """The same party as two sessions know it: mostly only one of them has its line."""
    joined = [each.joined_at for each in (one, other) if each.joined_at]
    left = [each.left_at for each in (one, other) if each.left_at]
    return replace(
        one if one.role is not Role.PARTICIPANT else replace(one, role=other.role, role_rule=other.role_rule),
        name=one.name or other.name,
        labels=(*one.labels, *other.labels),
        label_rule=one.label_rule if one.labels else other.label_rule,
        joined_at=min(joined, default=None),
        left_at=max(left) if len(left) == 2 else None,
        held=(*one.held, *other.held),
    )


def _name(party: Party) -> str:
    return party.number or party.aor or party.name


def _first_said(values: Iterable[T], nothing: T) -> T:
    return next((value for value in values if value != nothing), nothing)


def _join_texts(texts: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(texts)))


def _join_fields(fields: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """What the first says goes before what the others say."""
    return reduce(lambda one, other: {**other, **one}, fields, {})
