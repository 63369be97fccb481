"""Alarms of things that happened go when they do not happen again."""

from hub.sdk import Alarm, Severity
from hub.testing import FakeContext
from plugins.pbx_sip.engine.incidents import LASTS_S, Incidents


def test_an_incident_is_shown_until_it_has_not_happened_for_an_hour(tmp_path):
    now = [0.0]
    ctx = FakeContext(tmp_path)
    incidents = Incidents(ctx, clock=lambda: now[0])
    alarm = Alarm(key="k", code="CLIENT_REFUSED", severity=Severity.WARNING, text="Somebody was refused.")
    incidents.tell(alarm)
    now[0] = LASTS_S - 1
    incidents.tell(alarm)
    now[0] = LASTS_S + 1
    incidents.let_go()
    assert ctx.alarms == {"k": alarm}
    now[0] = 2 * LASTS_S + 1
    incidents.let_go()
    assert ctx.alarms == {}
