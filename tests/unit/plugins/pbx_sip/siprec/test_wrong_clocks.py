"""Clients whose clock is wrong: who was there when is bounded by when the message came that tells it."""

from datetime import UTC, datetime, timedelta

import pytest

from plugins.pbx_sip.siprec.session import RecordingSession

BEGAN = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
UPDATED = BEGAN + timedelta(seconds=1.5)
HEAD = '<recording xmlns="urn:ietf:params:xml:ns:recording:1"><datamode>'
FIRST = f"""{HEAD}complete</datamode><session session_id="S"/>
<participant participant_id="A"><nameID aor="sip:2001@x"/></participant>
<participantsessionassoc participant_id="A" session_id="S"/></recording>"""
TRANSFER = f"""{HEAD}partial</datamode><participant participant_id="C"><nameID aor="sip:2077@x"/></participant>
<participantsessionassoc participant_id="A" session_id="S"><disassociate-time>{{0}}</disassociate-time>
</participantsessionassoc><participantsessionassoc participant_id="C" session_id="S">
<associate-time>{{0}}</associate-time></participantsessionassoc></recording>"""


@pytest.mark.parametrize("off_s", [3 * 3600, 3600, 5, -3600, -3 * 3600, -400 * 86_400])
def test_a_time_that_cannot_be_is_that_of_the_message(off_s: float) -> None:
    session = RecordingSession()
    session.update(FIRST.encode(), received_at=BEGAN, lines={0: "1"})
    said = (UPDATED + timedelta(seconds=off_s)).isoformat()
    session.update(TRANSFER.format(said).encode(), received_at=UPDATED)
    anna, clara = session.describe().parties
    assert (anna.number, anna.left_at) == ("2001", UPDATED)
    assert (clara.number, clara.joined_at) == ("2077", UPDATED)


def test_a_time_that_can_be_is_believed() -> None:
    session = RecordingSession()
    session.update(FIRST.encode(), received_at=BEGAN, lines={0: "1"})
    said = UPDATED - timedelta(seconds=0.5)
    session.update(TRANSFER.format(said.isoformat()).encode(), received_at=UPDATED)
    assert session.describe().parties[0].left_at == said
