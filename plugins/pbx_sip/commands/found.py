"""A call that was found in a capture: as JSON values, as a row of a table, as a file with its facts beside it."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC
from pathlib import Path
from typing import Any

from hub.sdk import RecordingDraft, Role
from plugins.pbx_sip.calls.recorded import RecordedCall
from plugins.pbx_sip.sip.text import make_readable

_COLUMNS = {"time": -19, "caller": -18, "called": -18, "length": 8, "loss": 7, "MOS": 5, "codecs": -12}
_PARTY_MAX = 40


def describe(call: RecordedCall, draft: RecordingDraft) -> dict[str, Any]:
    """What is told of a call; loss and opinion are those of its worst lane."""
    measured = [lane.quality for lane in call.lanes if lane.quality is not None]
    names = (name for lane in call.lanes for name in (*lane.codings, *lane.undecoded))
    return {
        "started_at": draft.started_at.isoformat(timespec="milliseconds"),
        "caller": _party(draft, Role.CALLER),
        "called": _party(draft, Role.CALLED),
        "participants": _participants(draft),
        "direction": draft.direction.value,
        "length_s": round(draft.duration_s or 0.0, 3),
        "codecs": list(dict.fromkeys(names)),
        "loss_percent": max((round(quality.lost_share * 100, 2) for quality in measured), default=None),
        "mos": min((round(quality.mos, 2) for quality in measured if quality.mos is not None), default=None),
        "call_id": draft.call_id,
    }


def _party(draft: RecordingDraft, role: Role) -> str:
    return next((each.number or each.name for each in draft.parties if each.role is role), "")


def _participants(draft: RecordingDraft) -> list[str]:
    """Those of whom it is not known whether they called or were called, in the order that they are told of in."""
    return [each.number or each.name for each in draft.parties if each.role is Role.PARTICIPANT]


def _ends(draft: RecordingDraft) -> tuple[str, str]:
    """Caller and called; where that is not known, participants in their place."""
    others = [name for name in _participants(draft) if name]
    caller = _party(draft, Role.CALLER) or (others.pop(0) if others else "")
    return caller, _party(draft, Role.CALLED) or ", ".join(others)


def heading() -> str:
    """The names of the columns."""
    return _line(dict(zip(_COLUMNS, _COLUMNS, strict=True)))


def row(call: RecordedCall, draft: RecordingDraft) -> str:
    """One line of the table, the time as it is here."""
    facts = describe(call, draft)
    minutes, seconds = divmod(round(facts["length_s"]), 60)
    caller, called = _ends(draft)
    return _line(
        {
            "time": f"{draft.started_at.astimezone():%Y-%m-%d %H:%M:%S}",
            "caller": caller,
            "called": called,
            "length": f"{minutes}:{seconds:02}",
            "loss": "-" if facts["loss_percent"] is None else f"{facts['loss_percent']:.2f} %",
            "MOS": "-" if facts["mos"] is None else f"{facts['mos']:.2f}",
            "codecs": ", ".join(facts["codecs"]) or "no media",
        }
    )


def _line(cells: Mapping[str, str]) -> str:
    shown = []
    for name, width in _COLUMNS.items():
        text = "".join(letter for letter in cells[name] if letter.isprintable())[:_PARTY_MAX]
        shown.append(text.ljust(-width) if width < 0 else text.rjust(width))
    return "  ".join(shown).rstrip()


def keep(folder: Path, call: RecordedCall, draft: RecordingDraft, sound: Path) -> Path:
    """Put the sound of a call into a folder under a name that tells the call, and all that is known of it beside it.

    Returns: where the sound is now; nothing that is there is replaced. Raises: OSError.
    """
    parties = "_".join(filter(None, map(_plain, _ends(draft))))
    stem = "_".join(filter(None, (f"{draft.started_at.astimezone(UTC):%Y-%m-%dT%H-%M-%SZ}", parties)))
    number = 1
    while True:
        counted = f"{stem}-{number}" if number > 1 else stem
        beside = folder / f"{counted}.json"
        try:
            with beside.open("x", encoding="utf-8") as file:
                json.dump(_all_facts(call, draft, f"{counted}.wav"), file, ensure_ascii=False, indent=2)
        except FileExistsError:
            number += 1
            continue
        return sound.replace(folder / f"{counted}.wav")


def _plain(party: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "+*#.-" else "_" for letter in party[:_PARTY_MAX]).lstrip(
        "."
    )


def _all_facts(call: RecordedCall, draft: RecordingDraft, name: str) -> dict[str, Any]:
    return {
        "file": name,
        **describe(call, draft),
        "capture": draft.origin_name,
        "parties": [asdict(party) for party in draft.parties],
        "events": [asdict(event) for event in draft.events],
        "fields": dict(draft.fields),
        "headers": {name: make_readable(value.decode("utf-8", "surrogateescape")) for name, value in draft.raw.items()},
    }
