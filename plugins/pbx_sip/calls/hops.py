"""One call that is seen on several hops, before and behind a proxy or a border controller, is one call.

Hops are known by media: the same endpoint in both at the same time, or the very same packets; and, where the media is
made anew on the way, by the same two parties who begin and end together. Media between the same two machines is never
another hop: load generators send the same packets in every call.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from plugins.pbx_sip.calls.dialog import Dialog, Side
from plugins.pbx_sip.calls.numbers import number_of
from plugins.pbx_sip.calls.voices import Voice
from plugins.pbx_sip.rtp.packets import RtpPackets, find_values

_BEGIN_TOGETHER_NS, _END_TOGETHER_NS = 1_000_000_000, 500_000_000
_SAMPLED = 8  # packets of each sender are enough to know it by


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A dialog and the voices that were found of it."""

    dialog: Dialog
    voices: tuple[Voice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A call on all its hops. dialog: the one seen first. hops: all of them, in the order of their first message."""

    dialog: Dialog
    hops: tuple[Dialog, ...]
    voices: tuple[Voice, ...]


def join_hops(calls: Sequence[Seen]) -> list[Joined]:
    """Put together what is one call."""
    groups: dict[int, list[int]] = {number: [number] for number in range(len(calls))}
    place = list(range(len(calls)))
    for one, other in _pairs(calls):
        kept, gone = sorted((place[one], place[other]))
        if kept != gone:
            for number in groups[gone]:
                place[number] = kept
            groups[kept] += groups.pop(gone)
    return [_join([calls[number] for number in group]) for group in groups.values()]


def _pairs(calls: Sequence[Seen]) -> Iterator[tuple[int, int]]:
    """Numbers of calls that are hops of one."""
    for mark, are_hops in ((_endpoints, _overlap), (_senders, _are_relayed), (_parties, _are_alike)):
        by_mark: dict[Hashable, list[int]] = defaultdict(list)
        for number, call in enumerate(calls):
            for each in mark(call):
                by_mark[each].append(number)
        for numbers in by_mark.values():
            for one, other in pairwise(numbers):
                if one != other and are_hops(calls[one], calls[other]):
                    yield one, other


def _endpoints(call: Seen) -> Iterable[Hashable]:
    return {listening.endpoint for listening in call.dialog.listenings}


def _senders(call: Seen) -> Iterable[Hashable]:
    return {mark for voice in call.voices for mark in sample(voice.packets)}


def sample(packets: RtpPackets) -> dict[Hashable, int]:
    """The first packets of each sender by what a relay does not change, and when each came, ns since 1970."""
    marks: dict[Hashable, int] = {}
    for ssrc in find_values(packets.ssrc):
        rows = np.flatnonzero(packets.ssrc == ssrc)[:_SAMPLED]
        columns = (packets.sequence[rows], packets.timestamp[rows], packets.time_ns[rows])
        for sequence, timestamp, at_ns in zip(*(column.tolist() for column in columns), strict=True):
            marks.setdefault((ssrc, sequence, timestamp), at_ns)
    return marks


def _parties(call: Seen) -> Iterable[Hashable]:
    caller, called = number_of(call.dialog.caller), number_of(call.dialog.called)
    return [(caller, called)] if called else []


def _overlap(one: Seen, other: Seen) -> bool:
    """Whether two dialogs were at the same time."""
    return one.dialog.first_ns < _end_ns(other) and other.dialog.first_ns < _end_ns(one)


def _are_relayed(one: Seen, other: Seen) -> bool:
    """Whether two dialogs at the same time run between other machines."""
    return _overlap(one, other) and _hosts(one) != _hosts(other)


def _hosts(call: Seen) -> set[int]:
    return {listening.endpoint >> 16 for listening in call.dialog.listenings}


def _are_alike(one: Seen, other: Seen) -> bool:
    """Whether two dialogs of the same parties began and ended together.

    Callers who withhold their number are not told apart by it, so two such calls that were both heard stay two.
    """
    if not _are_relayed(one, other) or not (one.dialog.ended_ns and other.dialog.ended_ns):
        return False
    if one.voices and other.voices and not number_of(one.dialog.caller):
        return False
    begins_ns = abs(one.dialog.first_ns - other.dialog.first_ns)
    return begins_ns < _BEGIN_TOGETHER_NS and abs(_end_ns(one) - _end_ns(other)) < _END_TOGETHER_NS


def _end_ns(call: Seen) -> int:
    return call.dialog.ended_ns or call.dialog.last_ns


def _join(calls: Sequence[Seen]) -> Joined:
    ordered = sorted(calls, key=lambda call: call.dialog.first_ns)
    first = ordered[0].dialog
    best: dict[tuple[Side, int], Voice] = {}
    for call in ordered:
        is_turned = number_of(call.dialog.caller) == number_of(first.called) != number_of(first.caller)
        for voice in call.voices:
            side = voice.side.other if is_turned else voice.side
            known = best.get((side, voice.section))
            if known is None or len(known.packets) < len(voice.packets):
                best[side, voice.section] = replace(voice, side=side)
    return Joined(dialog=first, hops=tuple(call.dialog for call in ordered), voices=tuple(best.values()))
