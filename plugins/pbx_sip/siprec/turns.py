"""Lines that parties take over from each other: who is heard on one depends on when.

Source: RFC 7865 section 6.5 (an association of a participant with a stream begins and ends).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice, pairwise

from plugins.pbx_sip.siprec.facts import CallFacts, Party, Turn

TURNS_MAX = 100


def tell_turns_apart(facts: CallFacts) -> CallFacts:
    """A call in which a line is another one for each party that sent on it, where any of these had several lines.

    A line that one party has after the other, and neither has another, is left as it is, and so is a mixed one.
    """
    if facts.parts:
        return facts
    found = (turn for line in facts.labels if line not in facts.mixed_labels for turn in _find_turns(facts, line))
    turns = tuple(sorted(islice(found, TURNS_MAX), key=lambda turn: turn.at))
    if not turns:
        return facts
    parties = tuple(replace(each, labels=tuple(_rename(each, turns))) for each in facts.parties)
    return replace(facts, parties=parties, labels=(*facts.labels, *(turn.name for turn in turns)), turns=turns)


def _find_turns(facts: CallFacts, line: str) -> Iterator[Turn]:
    senders = [party for party in facts.parties if any(sending.line == line for sending in party.sendings)]
    if len(senders) < 2 or not any(len({sending.line for sending in party.sendings}) > 1 for party in senders):
        return
    starts = sorted(
        (sending.since, place)
        for place, party in enumerate(senders)
        for sending in party.sendings
        if sending.line == line
    )
    changes = [since for (_, one), (since, other) in pairwise(starts) if one != other]
    former = line
    for number, at in enumerate(changes, start=2):
        name = f"{line} ({number})"
        yield Turn(line=line, at=at, former=former, name=name)
        former = name


def _rename(party: Party, turns: Sequence[Turn]) -> Iterator[str]:
    """The lines of a party, of those that are several now the ones that were while it sent on it."""
    for label in party.labels:
        mine = [turn for turn in turns if turn.line == label]
        sendings = [sending for sending in party.sendings if sending.line == label]
        if not mine or not sendings:
            yield from (label, *(turn.name for turn in mine))
            continue
        names = [label, *(turn.name for turn in mine)]
        begins = [None, *(turn.at for turn in mine)]
        ends = [*(turn.at for turn in mine), None]
        for name, begin, end in zip(names, begins, ends, strict=True):
            if any(sending.is_within(begin, end) for sending in sendings):
                yield name
