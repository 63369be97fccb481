"""The way from a recorded call to its draft."""

from pathlib import Path

from hub.sdk import RecordingDraft
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.calls.recorded import RecordedCall
from plugins.pbx_sip.drafts.ordinary import make_call_draft
from plugins.pbx_sip.drafts.session import make_session_draft


def make_draft(call: RecordedCall, plan: NumberPlan, path: Path, origin: str) -> RecordingDraft:
    """Write the sound of a call to `path` and say whose it is; origin: what people know the capture by."""
    session = call.dialog.session
    if session is None:
        return make_call_draft(call, plan, path, origin)
    return make_session_draft(call, session, plan, path, origin)
