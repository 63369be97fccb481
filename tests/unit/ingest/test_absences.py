"""Calls without a recording go the same way as recordings: durably, once each, and with an alarm where one is due."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.audit import SYSTEM
from hub.ingest.drafts import decode_absence, encode_absence
from hub.ingest.entry import read_entry
from hub.rules.absences import AbsenceQuery, page_of_absences
from hub.rules.rule import Rule
from hub.rules.rules import Rules
from hub.sdk import Absence, AbsentCall, BadRecording, Direction, Party, Role
from tests.doubles.recordings import EVERYTHING
from tests.unit.ingest.conftest import NOON


def absent(name="a", why=Absence.NO_MEDIA, **more) -> AbsentCall:
    return AbsentCall(
        **{"absence_id": name, "why": why, "started_at": NOON, "ended_at": NOON + timedelta(seconds=9), **more}
    )


def kept(rig):
    with rig.db.read() as session:
        return page_of_absences(session, EVERYTHING, AbsenceQuery()).items


def test_it_waits_in_the_spool_and_comes_into_the_account_once(any_rig):
    rig = any_rig
    first = rig.spool.submit_absence(7, absent(text="No packet came."))
    again = rig.spool.submit_absence(7, absent(text="again"))
    assert (first.duplicate, again.duplicate, again.id) == (False, True, first.id)
    rig.empty()
    rig.spool.submit_absence(7, absent(text="after a restart"))
    rig.empty()
    assert [row.text for row in kept(rig)] == ["No packet came."]
    assert list(rig.spool.ready.iterdir()) == []


def test_missing_calls_raise_a_warning_with_their_number(any_rig):
    rig = any_rig
    rig.spool.submit_absence(7, absent("1"))
    rig.spool.submit_absence(7, absent("2", why=Absence.UNREADABLE))
    rig.spool.submit_absence(7, absent("3", why=Absence.LEFT_OUT))
    rig.empty()
    text = rig.alarms()["CALLS_MISSING"]
    assert text.startswith("2 calls of Head office should have been recorded and were not")


def test_a_mandatory_call_that_is_missing_raises_an_alarm_of_its_own(any_rig):
    rig = any_rig
    Rules(rig.db).add(Rule(name="Board", treatment="mandatory"), SYSTEM)
    rig.spool.submit_absence(7, absent(rule="Board", text="No packet came."))
    rig.empty()
    assert list(rig.alarms()) == ["MANDATORY_NOT_RECORDED"]
    assert "by the rule Board: No packet came." in rig.alarms()["MANDATORY_NOT_RECORDED"]


@pytest.mark.parametrize("why", [Absence.DISCARDED, Absence.PAUSED])
def test_a_mandatory_call_of_which_somebody_left_nothing_is_missing_as_well(any_rig, why):
    rig = any_rig
    Rules(rig.db).add(Rule(name="Board", treatment="mandatory"), SYSTEM)
    rig.spool.submit_absence(7, absent("1", why=why, rule="Board", text="Somebody threw it away."))
    rig.spool.submit_absence(7, absent("2", why=why, rule="Office"))
    rig.spool.submit_absence(7, absent("3", why=Absence.LEFT_OUT, rule="Board"))
    rig.empty()
    assert {row.rule: (row.is_missing, row.is_mandatory) for row in kept(rig) if row.why is why} == {
        "Board": (True, True),
        "Office": (False, False),
    }
    assert list(rig.alarms()) == ["MANDATORY_NOT_RECORDED"]
    assert rig.alarms()["MANDATORY_NOT_RECORDED"].startswith("A call of Head office was not recorded")


def test_what_a_rule_leaves_out_is_no_alarm(any_rig):
    rig = any_rig
    for at, why in enumerate((Absence.LEFT_OUT, Absence.NOT_ASKED_FOR, Absence.DISCARDED)):
        rig.spool.submit_absence(7, absent(str(at), why=why))
    rig.empty()
    assert len(kept(rig)) == 3
    assert rig.alarms() == {}


def test_a_time_of_another_age_is_refused(rig):
    with pytest.raises(BadRecording):
        rig.spool.submit_absence(7, absent(started_at=NOON.replace(year=1601)))


def test_the_spool_gives_back_what_it_took(rig):
    call = absent("name \udcff", direction=Direction.INTERNAL, parties=(Party(number="201", role=Role.CALLED),))
    receipt = rig.spool.submit_absence(8, call)
    entry = read_entry(rig.spool.ready / receipt.id)
    assert (entry.item, entry.instance_id, entry.origin_name) == (call, 8, call.absence_id)


@given(
    st.builds(
        absent,
        st.text(),
        st.sampled_from(list(Absence)),
        call_id=st.text(),
        direction=st.sampled_from(list(Direction)),
        rule=st.text(),
        text=st.text(),
        fields=st.dictionaries(st.text(), st.text(), max_size=3),
        parties=st.lists(st.builds(Party, number=st.text(), name=st.text()), max_size=3).map(tuple),
    )
)
def test_every_call_survives_being_written_and_read(call):
    assert decode_absence(encode_absence(call)) == call
