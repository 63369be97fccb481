"""How the parties of a call were told that it is recorded, as metadata and header fields of vendors say it.

There is no standard for it, so names are read by their words, as X-Recording-Announcement, recordingTone, BeepTone and
X-Consent-By: what is told of, and whether it is about its kind, its author or its time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from itertools import islice

from hub.sdk import Notice, NoticeKind
from plugins.pbx_sip.siprec.belonging import read_words

_TEXTS_MAX = 1000
_SAID_CHARS_MAX = 120
_RECORDING = frozenset({"record", "records", "recorded", "recording", "recordings"})
_MEANS = {
    **dict.fromkeys(("announcement", "announce", "announced", "advice", "prompt", "disclosure"), NoticeKind.ANNOUNCED),
    **dict.fromkeys(("notice", "notification", "notified", "warning", "consent"), NoticeKind.ANNOUNCED),
    **dict.fromkeys(("tone", "beep", "beeps"), NoticeKind.TONE),
}
_ALONE = frozenset({"consent", "beep", "beeps"})  # of nothing else than a recording in what a recorder is told
_SAID = {
    **dict.fromkeys(("announced", "announcement", "played", "prompt", "ivr", "advice"), NoticeKind.ANNOUNCED),
    **dict.fromkeys(("tone", "beep", "beeps"), NoticeKind.TONE),
    **dict.fromkeys(("agent", "spoken", "verbal", "oral"), NoticeKind.AGENT),
    **dict.fromkeys(("display", "displayed", "signalled", "signaled", "visual"), NoticeKind.SIGNALLED),
}
_YES = frozenset({"yes", "true", "on", "1", "given", "granted", "accepted", "obtained", "agreed", "enabled"})
_NO = frozenset({"none", "no", "false", "off", "0", "silent", "notplayed", "disabled"})


class _About(Enum):
    """What of a notice a name tells."""

    KIND = "kind"
    AUTHOR = "author"
    TIME = "time"


_ENDINGS = {
    **dict.fromkeys(("by", "source", "author"), _About.AUTHOR),
    **dict.fromkeys(("at", "time", "timestamp", "date"), _About.TIME),
}


@dataclass(slots=True)
class _Said:
    """What was found so far; text: as it was said."""

    kind: NoticeKind = NoticeKind.UNKNOWN
    text: str = ""
    author: str = ""
    at: datetime | None = None


def read_notice(texts: Iterable[tuple[str, str]]) -> Notice:
    """What (name, text) pairs say: elements of metadata by their last name, or header fields, the surest first.

    by: whoever told the parties, or, where nobody says it, what was said in its own words.
    """
    said = _Said()
    for name, text in islice(texts, _TEXTS_MAX):
        words = read_words(name)
        about = _ENDINGS.get(words[-1], _About.KIND) if words else _About.KIND
        means = _find_means(words)
        value = " ".join(text.split())[:_SAID_CHARS_MAX]
        if means is None or not value:
            continue
        if about is _About.TIME:
            said.at = said.at or _read_time(value)
        elif about is _About.AUTHOR:
            said.author = said.author or value
        elif said.kind is NoticeKind.UNKNOWN:
            said.kind = _read_kind(value, means, is_consent="consent" in words)
            said.text = said.text if said.text and said.kind is NoticeKind.UNKNOWN else f"{name}: {value}"
    return Notice(kind=said.kind, by=said.author or said.text, at=said.at)


def _find_means(words: list[str]) -> NoticeKind | None:
    """By what the parties would be told that a name with these words is about; None if it is about something else."""
    means = next((_MEANS[word] for word in reversed(words) if word in _MEANS), None)
    is_about_recording = not _RECORDING.isdisjoint(words) or not _ALONE.isdisjoint(words)
    return means if is_about_recording else None


def _read_kind(value: str, means: NoticeKind, *, is_consent: bool) -> NoticeKind:
    word = "".join(sign for sign in value.lower() if sign.isalnum())
    if word in _SAID:
        return _SAID[word]
    if word in _YES:
        return means
    # Whoever did not consent may well have been told.
    return NoticeKind.NONE if word in _NO and not is_consent else NoticeKind.UNKNOWN


def _read_time(value: str) -> datetime | None:
    """A moment as RFC 3339 has it; without a time zone it is no moment."""
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None
