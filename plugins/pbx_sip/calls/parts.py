"""Calls that came at the same time in one recording session, each by itself."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from plugins.pbx_sip.calls.dialog import Dialog
from plugins.pbx_sip.calls.hops import Joined
from plugins.pbx_sip.calls.names import PART
from plugins.pbx_sip.siprec.parts import narrow
from plugins.pbx_sip.siprec.session import RecordingSession, find_told, name_line


def split_sessions(calls: Iterable[Joined]) -> list[Joined]:
    """The calls, a session that carries several as these; all others stay as they are."""
    return [
        replace(call, dialog=dialog, voices=tuple(each for each in call.voices if each.section not in others))
        for call in calls
        for dialog, others in _split(call.dialog)
    ]


def split_dialog(dialog: Dialog) -> list[Dialog]:
    """A dialog for each of the calls that it carries."""
    return [part for part, _ in _split(dialog)]


def _split(dialog: Dialog) -> Iterator[tuple[Dialog, set[int]]]:
    """Each call and the sections of the others; a line of which nothing is told goes with the first."""
    facts = dialog.session.describe() if dialog.session is not None else None
    if facts is None or not facts.parts:
        yield dialog, set()
        return
    owners = {label: place for place, part in enumerate(facts.parts) for label in part.labels}
    places = {section: owners.get(name_line(section, label), 0) for section, label in dialog.labels.items()}
    for place, part in enumerate(facts.parts):
        others = {section for section, owner in places.items() if owner != place}
        own = replace(
            dialog,
            call_id=f"{dialog.call_id}{PART}{part.session_ids[0]}",
            session=RecordingSession.of(narrow(facts, part, find_told(part.sip_session_ids) or part.session_ids[0])),
            labels={section: label for section, label in dialog.labels.items() if section not in others},
            stances=[stance for stance in dialog.stances if stance.section not in others],
            declined=[stance for stance in dialog.declined if stance.section not in others],
            listenings=[listening for listening in dialog.listenings if listening.section not in others],
        )
        yield own, others
