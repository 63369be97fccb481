"""Several calls in one recording session: each is put before the rules, and what one forbids is not kept.

Source: RFC 7866 section 3 (a recording session may carry several communication sessions).
"""

from collections.abc import Callable
from dataclasses import replace

from hub.sdk import CallOutline, Recorded, Verdict
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.calls.outline import describe_outline
from plugins.pbx_sip.calls.parts import split_dialog
from plugins.pbx_sip.engine.open_call import OpenCall

_STRICTEST_FIRST = (Recorded.NO, Recorded.ON_DEMAND, Recorded.YES)


def decide_each(
    call: OpenCall, decide: Callable[[CallOutline], Verdict], described: CallOutline, plan: NumberPlan
) -> Verdict:
    """What the rules say of a call; described: as they look at it.

    Where it carries several, those that a rule forbids are noted in it, and the strictest of the others holds for all
    of these, as people and keys pause and stop them together.
    """
    parts = split_dialog(call.dialog)
    if len(parts) < 2:
        return decide(described)
    allowed: list[Verdict] = []
    for part in parts:
        if part.call_id in call.forbidden:
            continue
        verdict = decide(replace(describe_outline(part, plan), decided_by=described.decided_by))
        if verdict.recorded is Recorded.NO:
            call.forbidden[part.call_id] = verdict.rule
        else:
            allowed.append(verdict)
    if not allowed:
        return Verdict(recorded=Recorded.NO, rule=next(iter(call.forbidden.values())))
    return min(allowed, key=lambda verdict: _STRICTEST_FIRST.index(verdict.recorded))
