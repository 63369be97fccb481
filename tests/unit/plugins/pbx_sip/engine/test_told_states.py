"""Since when a call is paused or stopped, and by what, as people see it while it goes on."""

import pytest

from hub.sdk import DISCARDED, STATE_BY, STATE_SINCE, CallControl, LiveState
from plugins.pbx_sip.calls.moments import moment
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.calls.stopper import Stopper
from plugins.pbx_sip.engine.keypads import Keypads
from plugins.pbx_sip.engine.open_call import OpenCall, show
from tests.unit.plugins.pbx_sip.engine.test_call_table import AT, Owner, S


def _told(call: OpenCall) -> tuple[str | None, str | None]:
    fields = show(call, NumberPlan()).fields
    return fields.get(STATE_SINCE), fields.get(STATE_BY)


@pytest.mark.parametrize("by", [Stopper.PERSON, Stopper.KEYS, Stopper.SYSTEM, Stopper.RULE])
def test_a_call_tells_since_when_and_by_what_it_is_paused_or_stopped(by):
    owner = Owner()
    call = owner.begin()
    assert _told(call) == (None, None)
    owner.table.control(call, CallControl.PAUSE, AT + 2 * S, by=by)
    assert _told(call) == (moment(AT + 2 * S).isoformat(), by.value)
    owner.table.control(call, CallControl.RESUME, AT + 3 * S)
    assert _told(call) == (None, None)
    owner.table.control(call, CallControl.PAUSE, AT + 4 * S)
    owner.table.control(call, CallControl.STOP, AT + 5 * S, by=by)
    assert call.state is LiveState.STOPPED
    assert _told(call) == (moment(AT + 5 * S).isoformat(), by.value)


def test_who_paused_a_call_is_known_after_a_crash():
    owner = Owner()
    call = owner.begin()
    owner.table.control(call, CallControl.PAUSE, AT + 2 * S, by=Stopper.SYSTEM)
    again = OpenCall(dialog=call.dialog, keypads=Keypads())
    again.remember(owner.remembered[-1])
    assert _told(again) == (moment(AT + 2 * S).isoformat(), "system")


def test_a_stopped_call_tells_whether_its_recording_is_thrown_away():
    owner = Owner()
    stopped, discarded = owner.begin("one"), owner.begin("two")
    for call, action in ((stopped, CallControl.STOP), (discarded, CallControl.DISCARD)):
        owner.table.control(call, action, AT + 2 * S)
        assert call.state is LiveState.STOPPED
    assert DISCARDED not in show(stopped, NumberPlan()).fields
    assert show(discarded, NumberPlan()).fields[DISCARDED] == "yes"
