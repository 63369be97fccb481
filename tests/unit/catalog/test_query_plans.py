"""SQLite reads every page through an index, in the order of the list: nothing is scanned whole, nothing large is sorted."""

from datetime import timedelta

import pytest
from sqlalchemy import event

from hub.catalog import search
from hub.catalog.query import Cursor, RecordingQuery
from hub.sdk import Direction
from tests.doubles.recordings import EVERYTHING, NOON, commit_one

_A_MONTH = {"started_from": NOON - timedelta(days=30), "started_before": NOON + timedelta(days=1)}


@pytest.fixture
def plan_of(sqlite_db):
    """The query plans of all statements of one search, as (statement, steps)."""

    def plans(before=None, after=None, **conditions):
        seen = []

        def note(_connection, _cursor, statement, parameters, *_rest):
            seen.append((statement, parameters))

        event.listen(sqlite_db._reader, "before_cursor_execute", note)
        with sqlite_db.read() as session:
            search.search(session, EVERYTHING, RecordingQuery(**conditions), before=before, after=after)
            event.remove(sqlite_db._reader, "before_cursor_execute", note)
            driver = session.connection().connection
            steps = []
            for statement, parameters in seen:
                if statement.startswith("SELECT"):
                    rows = driver.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
                    steps.append((statement, [row[3] for row in rows]))
        return steps

    return plans


@pytest.mark.parametrize(
    ("conditions", "index"),
    [
        ({}, "ix_recording_start_ms_id"),
        (_A_MONTH, "ix_recording_start_ms_id"),
        ({"device_ids": frozenset({7})}, "ix_recording_device_id_start_ms_id"),
        ({"device_ids": frozenset({7, 8})} | _A_MONTH, "ix_recording_device_id_start_ms_id"),
        ({"directions": frozenset({Direction.INTERNAL})}, "ix_recording_direction_start_ms_id"),
        ({"directions": frozenset({Direction.INTERNAL, Direction.UNKNOWN})}, "ix_recording_direction_start_ms_id"),
        ({"min_s": 900.0}, "ix_recording_long_start_ms_id"),
        ({"problems": True}, "ix_recording_problem_start_ms_id"),
        ({"call_id": "4711"}, "ix_recording_call_id_start_ms"),
    ],
)
@pytest.mark.parametrize("place", [{}, {"before": Cursor(1, 1)}, {"after": Cursor(1, 1)}])
def test_a_filter_is_read_through_its_index_in_order(sqlite_db, plan_of, conditions, index, place):
    commit_one(sqlite_db)
    first_statement, steps = plan_of(**place, **conditions)[0]
    assert any(index in step for step in steps), (first_statement, steps)
    sorts = [step for step in steps if "TEMP B-TREE" in step]
    assert not sorts or "call_id" in index, (first_statement, steps)


@pytest.mark.parametrize("typed", ["4711", "anna", "20", "王伟", "anna,201"])
@pytest.mark.parametrize("more", [{}, {"directions": frozenset({Direction.INCOMING})}, {"skill": "billing"}])
def test_text_is_looked_up_and_its_recordings_are_reached_by_key(sqlite_db, plan_of, typed, more):
    commit_one(sqlite_db, agent="王伟", call_id="4711", target="4711")
    for statement, steps in plan_of(text=typed, **more, **_A_MONTH):
        for step in steps:
            assert not step.startswith(("SCAN recording", "SCAN party", "SCAN mention")), (statement, steps)
            assert not step.startswith("SEARCH recording USING INDEX ix_recording_direction"), (statement, steps)
