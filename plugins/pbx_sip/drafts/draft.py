"""The way from a recorded call to its draft."""

from dataclasses import replace
from pathlib import Path

from hub.sdk import RecordingDraft
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.calls.recorded import RecordedCall
from plugins.pbx_sip.calls.texts import make_all_readable
from plugins.pbx_sip.drafts.ordinary import make_call_draft
from plugins.pbx_sip.drafts.session import make_session_draft
from plugins.pbx_sip.drafts.terms import Terms

_EVERYTHING = Terms()


def make_draft(
    call: RecordedCall, plan: NumberPlan, path: Path, origin: str, terms: Terms = _EVERYTHING
) -> RecordingDraft:
    """Write the sound of a call to `path` and say whose it is; origin: what people know the capture by."""
    session = call.dialog.session
    if session is None:
        draft = make_call_draft(call, plan, path, origin, terms)
    else:
        draft = make_session_draft(call, session, plan, path, origin, terms)
    rule = terms.verdict.rule
    return make_all_readable(replace(draft, fields={**draft.fields, "recording_rule": rule}) if rule else draft)
