"""What a maker of recordings is asked for, and what it gives back; both go from process to process."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hub.sdk import RecordingDraft
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.drafts.terms import Terms
from plugins.pbx_sip.rtp.quality import Quality


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What was decided on a call while it lasted, or came to be known of it; interaction: as in calls.dialog.Dialog."""

    terms: Terms = field(default_factory=Terms)
    interaction: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Calls that are over and may be hops of each other.

    messages: all that was signalled, (ns since 1970, call, content), in order. units: by folder of a journal, (segment,
    offset, length) of the media. claims: (endpoint, Call-ID, since): who else used the same endpoints. decided: by
    Call-ID. folder: for the files that are made; name: what they begin with. strays: these calls were not signalled.
    """

    messages: tuple[tuple[int, str, bytes], ...]
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

    has_media: whether media was received. was_answered: whether it came to a conversation. name: by which it is known,
    also where it is one of several calls that came in one dialog. qualities: how each party came in.
    """

    call_ids: tuple[str, ...]
    draft: RecordingDraft | None = None
    why: str = ""
    has_media: bool = False
    was_answered: bool = False
    name: str = ""
    qualities: tuple[Quality, ...] = ()
