"""What a maker of recordings is asked for, and what it gives back; both go from process to process."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hub.sdk import RecordingDraft, Verdict
from plugins.pbx_sip.calls.numbers import NumberPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What was decided on a call while it lasted. pauses: spans in ns since 1970, UTC, of which nothing was kept."""

    verdict: Verdict = field(default_factory=Verdict)
    pauses: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Calls that are over and may be hops of each other.

    messages: all that was signalled, (ns since 1970, content), in order. units: by folder of a journal, (segment,
    offset, length) of the media. claims: (endpoint, Call-ID, since): who else used the same endpoints. decided: by
    Call-ID. folder: for the files that are made; name: what they begin with. strays: these calls were not signalled.
    """

    messages: tuple[tuple[int, bytes], ...]
    units: Mapping[str, tuple[tuple[int, int, int], ...]]
    claims: tuple[tuple[str, str, int], ...]
    decided: Mapping[str, Decided]
    plan: NumberPlan
    headers: tuple[str, ...]
    folder: Path
    name: str
    origin: str
    strays: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One call on all its hops. draft: None where there is nothing to hear; why: the reason then, in words.

    has_media: whether media was received. was_answered: whether it came to a conversation.
    """

    call_ids: tuple[str, ...]
    draft: RecordingDraft | None = None
    why: str = ""
    has_media: bool = False
    was_answered: bool = False
