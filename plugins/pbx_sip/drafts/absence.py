"""What is kept of a call of which there is no recording."""

from hub.sdk import Absence, AbsentCall
from plugins.pbx_sip.calls.dialog import Dialog
from plugins.pbx_sip.calls.moments import moment
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.calls.outline import find_belonging, find_direction, find_parties
from plugins.pbx_sip.calls.texts import make_all_readable

_SENTENCES = {
    "named": "A recording rule leaves it out.",
    "unnamed": "No recording rule asks for it.",
}


def describe_left_out(rule: str) -> str:
    """Why a call is not recorded that the recording rules leave out; rule: "" where none of them is about it."""
    return _SENTENCES["named" if rule else "unnamed"]


def describe_absence(dialog: Dialog, plan: NumberPlan, why: Absence, text: str, rule: str = "") -> AbsentCall:
    """A call without recording, as far as it is known. text: the reason in words. rule: that decided on it."""
    parties = find_parties(dialog, plan)
    belonging = find_belonging(dialog)
    facts = {
        "agent": belonging.agent,
        "skill": belonging.skill,
        "groups": ", ".join(belonging.all_groups),
        "account_code": belonging.account_code,
    }
    began_ns = dialog.answered_ns or dialog.first_ns
    absent = AbsentCall(
        absence_id=f"{dialog.call_id} {dialog.first_ns // 1_000_000}",
        why=why,
        started_at=moment(began_ns),
        ended_at=moment(max(dialog.ended_ns or dialog.last_ns, began_ns)),
        call_id=dialog.interaction or dialog.call_id,
        direction=find_direction(dialog, parties, plan),
        parties=parties,
        rule=rule,
        text=text,
        fields={name: value for name, value in facts.items() if value},
    )
    return make_all_readable(absent)
