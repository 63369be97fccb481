"""The account of calls without a recording."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, true

from hub.audit import SYSTEM
from hub.rules.absences import AbsenceQuery, forget_absences, keep_absences, page_of_absences
from hub.rules.models import AbsentNumber
from hub.rules.rule import Otherwise, Rule
from hub.rules.rules import Rules
from hub.sdk import Absence, AbsentCall, Direction, Party, Role
from tests.doubles.recordings import EVERYTHING

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
OFFICE, BRANCH = 7, 8


def absent(name="a", why=Absence.NO_MEDIA, minutes=0, **more) -> AbsentCall:
    started_at = NOW - timedelta(minutes=minutes)
    return AbsentCall(
        absence_id=name, why=why, started_at=started_at, ended_at=started_at + timedelta(seconds=65), **more
    )


def keep(db, *calls, device=OFFICE, now=NOW):
    with db.write() as session:
        return keep_absences(session, device, [("0" * 64, call) for call in calls], now)


def page(db, query=None, **more):
    with db.read() as session:
        return page_of_absences(session, EVERYTHING, query or AbsenceQuery(), **more)


def test_all_that_is_known_of_a_call_is_kept(db):
    parties = (Party(number="+43 1 5550", name="Anna", role=Role.CALLER), Party(number="201", role=Role.CALLED))
    keep(
        db,
        absent(
            call_id="42",
            direction=Direction.INCOMING,
            parties=parties,
            rule="Sales",
            text="No packet came.",
            fields={"port": "span0"},
        ),
    )
    [row] = page(db).items
    assert (row.device_id, row.why, row.is_missing, row.is_mandatory) == (OFFICE, Absence.NO_MEDIA, True, False)
    assert (row.call_id, row.direction, row.parties) == ("42", Direction.INCOMING, parties)
    assert (row.rule, row.text, row.fields) == ("Sales", "No packet came.", {"port": "span0"})
    assert (row.started_at, row.duration_s) == (NOW, 65.0)


def test_the_same_absence_again_changes_nothing_and_tells_nothing(db):
    assert len(keep(db, absent(), absent())) == 1
    assert keep(db, absent(text="again")) == []
    assert [row.text for row in page(db).items] == [""]
    keep(db, absent(), device=BRANCH)
    assert len(page(db).items) == 2


def test_hostile_texts_are_kept_readable(db):
    keep(db, absent("id\x00\udcff" * 200, text="\x00" * 3000, rule="r\x07", fields={"\x00": "\udcff"}))
    [row] = page(db).items
    assert len(row.text) == 2000
    assert row.rule == "r\\x07"


def test_what_should_have_been_recorded_is_told_with_its_count_of_a_day(db):
    Rules(db).add(Rule(name="Must", treatment="mandatory"), SYSTEM)
    keep(db, absent("old"), now=NOW - timedelta(hours=25))
    keep(db, absent("1"), absent("2", why=Absence.LEFT_OUT))
    told = keep(
        db,
        absent("3", minutes=5),
        absent("4", text="last", minutes=1),
        absent("5", rule="Must"),
        absent("6", why=Absence.LEFT_OUT, rule="Must"),
    )
    assert [(lacking.is_mandatory, lacking.calls, lacking.last.absence_id) for lacking in told] == [
        (True, 1, "5"),
        (False, 3, "4"),
    ]
    assert keep(db, absent("7", why=Absence.NOT_ASKED_FOR), absent("8", why=Absence.DISCARDED)) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["new", "left", "branch", "old"]),
        ({"missing": True}, ["new", "branch"]),
        ({"missing": False}, ["left", "old"]),
        ({"reasons": frozenset({Absence.LEFT_OUT, Absence.DISCARDED})}, ["left", "old"]),
        ({"device_ids": frozenset({BRANCH})}, ["branch"]),
        ({"started_from": NOW - timedelta(minutes=20)}, ["new", "left"]),
        ({"started_before": NOW - timedelta(minutes=20)}, ["branch", "old"]),
        ({"number": "+43 1 555"}, ["left"]),
        ({"number": "nobody"}, []),
    ],
)
def test_the_list_can_be_narrowed(db, query, found):
    keep(
        db,
        absent("new"),
        absent("left", why=Absence.LEFT_OUT, minutes=10, parties=(Party(number="43 1555"),)),
        absent("old", why=Absence.DISCARDED, minutes=60),
    )
    keep(db, absent("branch", why=Absence.UNREADABLE, minutes=30), device=BRANCH)
    times = {NOW - timedelta(minutes=minutes): name for name, minutes in _MINUTES.items()}
    assert [times[row.started_at] for row in page(db, AbsenceQuery(**query)).items] == found


_MINUTES = {"new": 0, "left": 10, "branch": 30, "old": 60}


def test_pages_go_on_in_both_directions(db):
    keep(db, *(absent(str(at), minutes=at) for at in range(5)))
    first = page(db, limit=2)
    second = page(db, limit=2, before=first.older)
    assert [(NOW - row.started_at).seconds // 60 for row in (*first.items, *second.items)] == [0, 1, 2, 3]
    assert page(db, limit=2, after=second.newer).items == first.items
    assert first.newer is None


def test_they_are_forgotten_after_the_days_that_the_book_says_with_their_numbers(db):
    Rules(db).set_otherwise(Otherwise(absent_days=30), 1, SYSTEM)
    party = (Party(number="201"),)
    keep(db, absent("old", parties=party), now=NOW - timedelta(days=31))
    keep(db, absent("new", parties=party), now=NOW - timedelta(days=29))
    with db.write() as session:
        assert forget_absences(session, NOW) == 1
    assert len(page(db).items) == 1
    with db.read() as session:
        assert session.scalar(select(func.count()).select_from(AbsentNumber.table()).where(true())) == 1
