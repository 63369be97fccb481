"""Calls whose recording comes in several dialogs, one for each end, put on one time line."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from plugins.pbx_sip.calls.dialog import Dialog
from plugins.pbx_sip.calls.hops import Joined
from plugins.pbx_sip.siprec.ends import join_facts
from plugins.pbx_sip.siprec.session import RecordingSession, name_line


def sort_ends(dialogs: Iterable[Dialog]) -> list[Dialog]:
    """Dialogs of one call in the order of their channels: the recorded user's first, then as they began."""
    return sorted(dialogs, key=lambda each: (each.carried is None or not each.carried.is_near, each.first_ns))


def awaits_others(dialog: Dialog, going: Iterable[Dialog]) -> bool:
    """Whether another end of a call whose end this is goes on, among dialogs that do."""
    end = dialog.carried
    if end is None:
        return False
    others = ((each, each.carried) for each in going)
    return any(
        other is not None and other.call == end.call and other.party != end.party and _overlap(dialog, each)
        for each, other in others
    )


def join_ends(calls: Sequence[Joined]) -> list[Joined]:
    """Put together the calls that are ends of one; all others stay as they are."""
    joined: list[Joined] = []
    waiting: dict[tuple[str, ...], list[list[Joined]]] = defaultdict(list)
    for call in sorted(calls, key=lambda each: each.dialog.first_ns):
        end = call.dialog.carried
        if end is None:
            joined.append(call)
            continue
        group = next((each for each in waiting[end.call] if _belongs(call, each)), None)
        if group is None:
            waiting[end.call].append([call])
        else:
            group.append(call)
    return joined + [_join(group) for groups in waiting.values() for group in groups]


def _belongs(call: Joined, group: Sequence[Joined]) -> bool:
    """Whether a call is another end of a group: at the same time, and never twice the same at once."""
    beside = [other for other in group if _overlap(call.dialog, other.dialog)]
    return bool(beside) and not any(_party(other) == _party(call) for other in beside)


def _party(call: Joined) -> str:
    return call.dialog.carried.party if call.dialog.carried else ""


def _overlap(one: Dialog, other: Dialog) -> bool:
    return one.first_ns < (other.ended_ns or other.last_ns) and other.first_ns < (one.ended_ns or one.last_ns)


def _join(group: Sequence[Joined]) -> Joined:
    if len(group) == 1:
        return group[0]
    by_call_id = {call.dialog.call_id: call for call in group}
    calls = [by_call_id[dialog.call_id] for dialog in sort_ends(call.dialog for call in group)]
    firsts = _number_sections(calls)
    voices = [
        replace(voice, section=first + voice.section)
        for first, call in zip(firsts, calls, strict=True)
        for voice in call.voices
    ]
    keys = sorted((key for call in calls for key in call.keys), key=lambda key: key.at_ns)
    hops = tuple(sorted((hop for call in calls for hop in call.hops), key=lambda hop: hop.first_ns))
    return Joined(dialog=_join_dialogs(calls, firsts), hops=hops, voices=tuple(voices), keys=tuple(keys))


def _number_sections(calls: Sequence[Joined]) -> list[int]:
    """By how much the media sections of each call are counted on, so that none of them has the number of another's."""
    firsts, first = [], 0
    for call in calls:
        firsts.append(first)
        used = [stance.section for stance in call.dialog.stances] + [voice.section for voice in call.voices]
        first += max(used, default=0) + 1
    return firsts


def _join_dialogs(calls: Sequence[Joined], firsts: Sequence[int]) -> Dialog:
    """All dialogs as one, in which the lines have no labels, as those of several might have the same."""
    dialogs = [call.dialog for call in calls]
    sessions = [
        (dialog.session.describe(), _name_lines(dialog, first))
        for dialog, first in zip(dialogs, firsts, strict=True)
        if dialog.session is not None
    ]
    return replace(
        dialogs[0],
        first_ns=min(each.first_ns for each in dialogs),
        last_ns=max(each.last_ns for each in dialogs),
        answered_ns=min((each.answered_ns for each in dialogs if each.answered_ns), default=0),
        ended_ns=max(each.ended_ns for each in dialogs) if all(each.ended_ns for each in dialogs) else 0,
        stances=[
            replace(stance, section=first + stance.section)
            for dialog, first in zip(dialogs, firsts, strict=True)
            for stance in dialog.stances
        ],
        declined=[stance for dialog in dialogs for stance in dialog.declined],
        session=RecordingSession.of(join_facts(sessions)),
        labels={},
    )


def _name_lines(dialog: Dialog, first: int) -> dict[str, str]:
    """What the lines of a dialog are called in its facts -> what they are called beside those of the others."""
    assert dialog.session is not None
    sections = {name_line(section, label): section for section, label in dialog.labels.items()}
    return {
        label: name_line(first + sections.get(label, place), "")
        for place, label in enumerate(dialog.session.describe().labels)
    }
