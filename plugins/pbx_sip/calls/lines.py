"""Media lines of recording sessions that carry one party after the other: each has a line of its own.

Source: RFC 7866 section 7.1.1 (a label names a stream), RFC 3264 section 8 (a line may be changed, or used again),
RFC 7865 section 6.5 (the association of participants with streams changes).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from plugins.pbx_sip.calls.dialog import Dialog, Side, Stance
from plugins.pbx_sip.calls.hops import Joined
from plugins.pbx_sip.calls.voices import Voice
from plugins.pbx_sip.siprec.session import name_line

CHANGES_MAX = 100
_EARLIER_NS = 1000  # moments of the metadata are exact to this


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """From when on a line, by its section, goes by another label; both are as in `Dialog.labels`."""

    section: int
    at_ns: int
    former: str
    label: str


def part_lines(calls: Iterable[Joined]) -> list[Joined]:
    """The calls, where each line is one label's, and one party's as far as the metadata tells when it sent there."""
    return [_part(call) for call in calls]


def _part(call: Joined) -> Joined:
    session = call.dialog.session
    if session is None:
        return call
    for change in list(islice(_find_relabelled(call.dialog), CHANGES_MAX)):
        call = _cut_off(call, change)
    for turn in session.describe().turns:
        at_ns = round(turn.at.timestamp() * 1e9) - _EARLIER_NS
        for section, label in list(call.dialog.labels.items()):
            if name_line(section, label) == turn.former:
                call = _cut_off(call, _Change(section=section, at_ns=at_ns, former=turn.former, label=turn.name))
    return call


def _find_relabelled(dialog: Dialog) -> Iterator[_Change]:
    """Where the client gave a line another label, in time. A description without labels changes none."""
    labels: dict[int, str] = {}
    for stance in sorted(dialog.stances, key=lambda each: each.at_ns):
        if stance.side is Side.CALLER and stance.is_audio and (label := stance.media.label):
            former = labels.get(stance.section, label)
            labels[stance.section] = label
            if former != label:
                yield _Change(section=stance.section, at_ns=stance.at_ns, former=former, label=label)


def _cut_off(call: Joined, change: _Change) -> Joined:
    """The call in which what a line carried before a change is that of another line, which ends then."""
    dialog = call.dialog
    used = [*dialog.labels, *(each.section for each in dialog.stances), *(each.section for each in call.voices)]
    place = max(used) + 1
    labels = dialog.labels | {place: change.former, change.section: change.label}
    return replace(
        call,
        dialog=replace(dialog, labels=labels, stances=list(_cut_stances(dialog.stances, change, place))),
        voices=tuple(_cut_voices(call.voices, change, place)),
    )


def _cut_stances(stances: Iterable[Stance], change: _Change, place: int) -> Iterator[Stance]:
    """What was said before goes to `place`, where the client gives up the line; what held then holds on."""
    last: dict[Side, Stance] = {}
    since = []
    for stance in stances:
        if stance.section != change.section:
            yield stance
        elif stance.at_ns < change.at_ns:
            last[stance.side] = stance
            yield replace(stance, section=place)
        else:
            since.append(stance)
    if said := last.get(Side.CALLER):
        yield replace(said, section=place, at_ns=change.at_ns, media=replace(said.media, port=0))
    yield from (replace(stance, at_ns=change.at_ns) for stance in last.values())
    yield from since


def _cut_voices(voices: Iterable[Voice], change: _Change, place: int) -> Iterator[Voice]:
    """What came before goes to `place`; what came since is of somebody who came later than all others."""
    since = []
    for voice in voices:
        if voice.section != change.section:
            yield voice
            continue
        is_before = voice.packets.time_ns < change.at_ns
        if is_before.any():
            yield replace(voice.take(is_before), section=place)
        if not is_before.all():
            since.append(voice.take(~is_before))
    yield from since
