"""Who may see the account of calls without a recording."""

from datetime import UTC, datetime

import pytest

from hub.access.absent_calls import AbsentCallReader
from hub.access.errors import Forbidden
from hub.access.person import Person
from hub.rules.absences import AbsenceQuery, keep_absences
from hub.sdk import Absence, AbsentCall

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def person(*permissions, is_administrator=False):
    return Person(
        id=1, login="otto", name="Otto", is_administrator=is_administrator, permissions=frozenset(permissions)
    )


@pytest.fixture
def reader(sqlite_db):
    call = AbsentCall(absence_id="a", why=Absence.NO_MEDIA, started_at=NOW, ended_at=NOW)
    with sqlite_db.write() as session:
        keep_absences(session, 7, [("r", call)])
    return AbsentCallReader(sqlite_db)


def test_an_administrator_with_the_permission_sees_all(reader):
    assert len(reader.list(person("absence.list", is_administrator=True), AbsenceQuery()).items) == 1


def test_others_see_nothing_outside_their_scope(reader):
    assert reader.list(person("absence.list"), AbsenceQuery()).items == ()


def test_without_the_permission_nobody_sees_any(reader):
    with pytest.raises(Forbidden):
        reader.list(person("recording.list", is_administrator=True), AbsenceQuery())
