"""The way from a recorded call to its draft."""

from collections.abc import Sequence
from pathlib import Path

from hub.sdk import RecordingDraft, Verdict
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.calls.recorded import RecordedCall
from plugins.pbx_sip.drafts.ordinary import make_call_draft
from plugins.pbx_sip.drafts.session import make_session_draft
from plugins.pbx_sip.drafts.terms import Terms

_EVERYTHING = Verdict()


def make_draft(
    call: RecordedCall,
    plan: NumberPlan,
    path: Path,
    origin: str,
    *,
    verdict: Verdict = _EVERYTHING,
    pauses: Sequence[tuple[int, int]] = (),
) -> RecordingDraft:
    """Write the sound of a call to `path` and say whose it is.

    origin: what people know the capture by. verdict: how long the rules let a recording be, and what becomes of pressed
    keys. pauses: when nothing was to be recorded, (from, until) in ns since 1970.
    """
    terms = Terms(verdict=verdict, pauses=tuple(pauses))
    session = call.dialog.session
    if session is None:
        return make_call_draft(call, plan, path, origin, terms)
    return make_session_draft(call, session, plan, path, origin, terms)
