"""One call that is seen on several hops, before and behind a proxy, a border controller or a PBX, is one call.

Hops are known by the Call-ID where it is kept, and else by their media: the same two endpoints at the same time, the
very same packets, or, where the media is made anew on the way, the same two voices from beginning to end. Who the
parties are, by number, is written in many ways and says the same only of calls that cannot be told apart by ear. Media
between the same two machines is never another hop: load generators send the same packets in every call.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from zlib import crc32

from plugins.pbx_sip.calls.copies import is_copied
from plugins.pbx_sip.calls.dialog import Dialog, Side, ToldKey
from plugins.pbx_sip.calls.keys import join_keys
from plugins.pbx_sip.calls.likeness import Contour, Likeness, compare, draw_contour
from plugins.pbx_sip.calls.names import call_id_of
from plugins.pbx_sip.calls.neighbours import (
    END_TOGETHER_NS,
    are_beside,
    are_ends,
    are_relayed,
    are_sides_apart,
    begin_together,
    end_ns_of,
    end_together,
    endpoints_of,
    first_together,
    hosts_of,
    is_turned_beside,
    overlap,
    parties_of,
    ways_of,
)
from plugins.pbx_sip.calls.numbers import number_of
from plugins.pbx_sip.calls.voices import Voice
from plugins.pbx_sip.rtp.packets import RtpPackets, find_senders

_PASSED_ON_NS = 1_000_000_000
_SAMPLED = 8  # packets of each sender are enough to know it by
_LOOKED_AT_MAX = 500
_BESIDE_MAX = 8  # calls that begin and end together by chance, of which the nearest in time are listened to


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A dialog and the voices that were found of it."""

    dialog: Dialog
    voices: tuple[Voice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A call on all its hops. dialog: the one seen first. hops: all of them, in the order of their first message.

    keys: that were pressed, as INFO tells.
    """

    dialog: Dialog
    hops: tuple[Dialog, ...]
    voices: tuple[Voice, ...]
    keys: tuple[ToldKey, ...] = ()


@dataclass(frozen=True, slots=True)
class _Link:
    """Two calls, by number, that are hops of one. is_turned: the caller of one is the called side of the other."""

    one: int
    other: int
    is_turned: bool


def join_hops(calls: Sequence[Seen]) -> list[Joined]:
    """Put together what is one call."""
    links: dict[int, list[_Link]] = defaultdict(list)
    for link in _Comparison(calls).links():
        links[link.one].append(link)
        links[link.other].append(_Link(link.other, link.one, link.is_turned))
    joined: list[Joined] = []
    done: set[int] = set()
    for number in range(len(calls)):
        if number not in done:
            group = _gather(number, links)
            done |= group.keys()
            joined.append(_join([(calls[each], is_turned) for each, is_turned in group.items()]))
    return joined


def _gather(first: int, links: dict[int, list[_Link]]) -> dict[int, bool]:
    """All that are one call with the first, and whether their sides are turned beside it."""
    group, waiting = {first: False}, [first]
    while waiting:
        for link in links[waiting.pop()]:
            if link.other not in group:
                group[link.other] = group[link.one] != link.is_turned
                waiting.append(link.other)
    return group


class _Comparison:
    """Finds calls that are hops of each other; a call is listened to at most once, and only where it matters."""

    def __init__(self, calls: Sequence[Seen]) -> None:
        self._calls = calls
        self._contours: dict[int, dict[Side, Contour]] = {}
        self._samples = [_sample_call(call) for call in calls]

    def links(self) -> Iterator[_Link]:
        """Pairs of hops; each pair may be found more than once."""
        found: set[tuple[int, int]] = set()
        for marks, find in (
            ([{call_id_of(call.dialog.call_id)} for call in self._calls], self._find_same_call),
            ([ways_of(call.dialog) for call in self._calls], self._find_same_way),
            ([endpoints_of(call.dialog) for call in self._calls], self._find_half_heard),
            (self._samples, self._find_relayed),
            ([parties_of(call.dialog) for call in self._calls], self._find_named),
        ):
            for pair in self._pairs(marks) - found:
                if (is_turned := find(*pair)) is not None:
                    found.add(pair)
                    yield _Link(*pair, is_turned)
        for pair in self._pairs_beside() - found:
            likeness, is_turned = self._listen(*pair)
            link = is_turned if likeness is Likeness.SAME else None
            if likeness is Likeness.UNKNOWN:
                link = self._find_copied(*pair)
            if link is not None:
                yield _Link(*pair, link)

    def _pairs(self, marks: Iterable[Iterable[Hashable]]) -> set[tuple[int, int]]:
        """Calls that have a mark in common, of many those that begin next to each other; the earlier one first."""
        by_mark: dict[Hashable, list[int]] = defaultdict(list)
        for number, each in enumerate(marks):
            for mark in each:
                by_mark[mark].append(number)
        pairs = set()
        for numbers in by_mark.values():
            numbers.sort(key=lambda number: self._calls[number].dialog.first_ns)
            for place, one in enumerate(numbers):
                pairs |= {(one, other) for other in numbers[place + 1 : place + 1 + _BESIDE_MAX]}
        return {pair for pair in pairs if not are_ends(*(self._calls[number].dialog for number in pair))}

    def _pairs_beside(self) -> set[tuple[int, int]]:
        """Calls that begin and end together and whose both sides are heard."""
        whole = [
            number
            for number, call in enumerate(self._calls)
            if call.dialog.session is None and len({voice.side for voice in call.voices}) == len(Side)
        ]
        ended_ns = {number: end_ns_of(self._calls[number].dialog) for number in whole}
        hosts = {number: hosts_of(self._calls[number].dialog) for number in whole}
        whole.sort(key=lambda number: ended_ns[number])
        pairs = set()
        for place, number in enumerate(whole):
            one = self._calls[number].dialog
            beside: list[tuple[int, int]] = []
            for next_number in whole[place + 1 : place + 1 + _LOOKED_AT_MAX]:
                if ended_ns[next_number] - ended_ns[number] >= END_TOGETHER_NS:
                    break
                other = self._calls[next_number].dialog
                if hosts[number] != hosts[next_number] and are_beside(one, other):
                    beside.append((abs(one.first_ns - other.first_ns), next_number))
            pairs |= {_ordered(number, other) for _, other in sorted(beside)[:_BESIDE_MAX]}
        return pairs

    def _find_same_call(self, one: int, other: int) -> bool | None:
        """Whether two dialogs that share a Call-ID are turned, which they are not; None if they are not hops."""
        return False if overlap(self._calls[one].dialog, self._calls[other].dialog) else None

    def _find_same_way(self, one: int, other: int) -> bool | None:
        """Whether two calls, of which media goes between the same endpoints, are turned; None if they are not hops."""
        first, second = self._calls[one].dialog, self._calls[other].dialog
        return is_turned_beside(first, second) if overlap(first, second) else None

    def _find_half_heard(self, one: int, other: int) -> bool | None:
        """The same for two that share an endpoint, where one is not heard on a way of its own."""
        first, second = self._calls[one], self._calls[other]
        if (first.voices and second.voices) or not overlap(first.dialog, second.dialog):
            return None
        if not begin_together(first.dialog, second.dialog):
            return None
        is_forked = are_sides_apart(first.dialog, second.dialog)
        return None if is_forked and parties_of(first.dialog) != parties_of(second.dialog) else False

    def _find_relayed(self, one: int, other: int) -> bool | None:
        """The same for two in which the same packets were seen within a moment."""
        if not are_relayed(self._calls[one].dialog, self._calls[other].dialog):
            return None
        first, second = self._samples[one], self._samples[other]
        passed_on = [
            (first[mark], second[mark])
            for mark in first.keys() & second.keys()
            if abs(first[mark].at_ns - second[mark].at_ns) < _PASSED_ON_NS
        ]
        if not passed_on:
            return None
        # Other content may be coded or encrypted anew, or of a sender whose every call is numbered alike.
        is_same = any(here.content == there.content for here, there in passed_on)
        if not is_same and self._listen(one, other)[0] is Likeness.OTHER:
            return None
        return sum(here.side is not there.side for here, there in passed_on) * 2 > len(passed_on)

    def _find_copied(self, one: int, other: int) -> bool | None:
        """The same for two of one caller in which both sides say the same, octet by octet."""
        callers = {number_of(self._calls[number].dialog.caller) for number in (one, other)}
        if len(callers) > 1:
            return None
        first, second = self._longest(one), self._longest(other)
        for is_turned in (False, True):
            pairs = [(first.get(side), second.get(side.other if is_turned else side)) for side in Side]
            if all(here and there and is_copied(here, there) for here, there in pairs):
                return is_turned
        return None

    def _find_named(self, one: int, other: int) -> bool | None:
        """The same for two with the same numbers that begin and end together, unless they sound different.

        Callers who withhold their number are not told apart by it, so two such calls that were both heard stay two.
        """
        first, second = self._calls[one], self._calls[other]
        if not (first.dialog.ended_ns and second.dialog.ended_ns) or not are_relayed(first.dialog, second.dialog):
            return None
        if not end_together(first.dialog, second.dialog) or not first_together(first.dialog, second.dialog):
            return None
        if not first.voices or not second.voices:
            return False
        likeness, is_turned = self._listen(one, other)
        is_known = bool(number_of(first.dialog.caller))
        return is_turned if likeness is Likeness.SAME or (likeness is Likeness.UNKNOWN and is_known) else None

    def _listen(self, one: int, other: int) -> tuple[Likeness, bool]:
        """Whether two calls sound the same on both sides, and whether these are turned."""
        first, second = self._contours_of(one), self._contours_of(other)
        straight = _judge([(first[side], second[side]) for side in Side if side in first and side in second])
        if straight is Likeness.SAME:
            return straight, False
        turned = _judge([(first[side], second[side.other]) for side in Side if side in first and side.other in second])
        if turned is Likeness.SAME:
            return turned, True
        is_other = straight is Likeness.OTHER and turned in {Likeness.OTHER, None}
        return Likeness.OTHER if is_other else Likeness.UNKNOWN, False

    def _contours_of(self, number: int) -> dict[Side, Contour]:
        if number not in self._contours:
            answered_ns = self._calls[number].dialog.answered_ns
            drawn = {side: draw_contour(voice, answered_ns) for side, voice in self._longest(number).items()}
            self._contours[number] = {side: contour for side, contour in drawn.items() if contour is not None}
        return self._contours[number]

    def _longest(self, number: int) -> dict[Side, Voice]:
        """The voice of each side that says most."""
        ordered = sorted(self._calls[number].voices, key=lambda each: len(each.packets))
        return {voice.side: voice for voice in ordered}


def _judge(pairs: Iterable[tuple[Contour, Contour]]) -> Likeness | None:
    """Of both sides together; None if there is nothing to compare."""
    found: list[Likeness] = []
    for pair in pairs:
        found.append(compare(*pair))
        if found[-1] is Likeness.OTHER:
            return Likeness.OTHER
    if not found:
        return None
    is_same = len(found) == len(Side) and Likeness.SAME in found and Likeness.UNKNOWN not in found
    return Likeness.SAME if is_same else Likeness.UNKNOWN


@dataclass(frozen=True, slots=True)
class _Sampled:
    """A packet that was seen. content: by which its payload is known."""

    side: Side
    at_ns: int
    content: int


def _sample_call(call: Seen) -> dict[Hashable, _Sampled]:
    return {
        mark: _Sampled(voice.side, int(voice.packets.time_ns[row]), crc32(voice.packets.payload(row)))
        for voice in call.voices
        for mark, row in sample(voice.packets).items()
    }


def sample(packets: RtpPackets) -> dict[Hashable, int]:
    """The first packets of each sender by what a relay does not change, and which row each is."""
    marks: dict[Hashable, int] = {}
    for ssrc, every in find_senders(packets).items():
        rows = every[:_SAMPLED]
        columns = (packets.sequence[rows], packets.timestamp[rows], rows)
        for sequence, timestamp, row in zip(*(column.tolist() for column in columns), strict=True):
            marks.setdefault((ssrc, sequence, timestamp), row)
    return marks


def _ordered(one: int, other: int) -> tuple[int, int]:
    return min(one, other), max(one, other)


def _join(calls: Iterable[tuple[Seen, bool]]) -> Joined:
    """calls: with whether their sides are turned beside those of the others."""
    ordered = sorted(calls, key=lambda each: each[0].dialog.first_ns)
    (first, is_first_turned), *_ = ordered
    best: dict[tuple[Side, int], Voice] = {}
    keys: list[list[ToldKey]] = []
    for call, is_turned in ordered:
        is_other = is_turned != is_first_turned
        told = call.dialog.keys
        keys.append([replace(key, side=key.side.other) for key in told] if is_other else told)
        for voice in call.voices:
            side = voice.side.other if is_other else voice.side
            known = best.get((side, voice.section))
            if known is None or len(known.packets) < len(voice.packets):
                best[side, voice.section] = replace(voice, side=side)
    hops = tuple(call.dialog for call, _ in ordered)
    return Joined(dialog=first.dialog, hops=hops, voices=tuple(best.values()), keys=join_keys(keys))
