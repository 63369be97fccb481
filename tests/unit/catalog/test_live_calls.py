"""The list of calls that go on, as it is asked."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import false, text, true

from hub import ids
from hub.catalog import live_calls
from hub.catalog.live_calls import LiveChange, LiveQuery
from hub.catalog.query import Visible
from hub.sdk import LiveCall, LiveState, Party, Role

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
EVERYTHING = Visible(true())
CALLS = (
    ("8001", "Anna Berg", "+49 (30) 1234-5", LiveState.RECORDING, 1),
    ("8002", "José", "0900 123", LiveState.PAUSED, 1),
    ("8003", "李伟", "8001", LiveState.WAITING, 2),
)


@pytest.fixture
def listed(db):
    changes = []
    for number, (caller, name, called, state, device) in enumerate(CALLS):
        parties = (Party(number=caller, name=name, role=Role.CALLER), Party(number=called, role=Role.CALLED))
        call = LiveCall(
            id=str(number),
            started_at=NOW + timedelta(seconds=number),
            state=state,
            parties=parties,
            call_id=f"C-{number}",
        )
        changes.append(LiveChange(id=ids.new_id() + number, instance_id=device, call=call))
    with db.write() as session:
        live_calls.write(session, (), changes)
    return db


def found(db, visible=EVERYTHING, **query):
    with db.read() as session:
        return [item.parties[0].number for item in live_calls.search(session, visible, LiveQuery(**query)).items]


@pytest.mark.parametrize(
    ("query", "callers"),
    [
        ({}, ["8003", "8002", "8001"]),
        ({"text": "8001"}, ["8003", "8001"]),
        ({"text": "+49 30 12345"}, ["8001"]),
        ({"text": "jose"}, ["8002"]),
        ({"text": "李, berg"}, ["8003", "8001"]),
        ({"text": "c-1"}, ["8002"]),
        ({"text": "%"}, []),
        ({"device_ids": frozenset({2})}, ["8003"]),
        ({"states": frozenset({LiveState.PAUSED, LiveState.WAITING})}, ["8003", "8002"]),
        ({"text": "8001", "device_ids": frozenset({1})}, ["8001"]),
    ],
)
def test_calls_are_found_by_number_name_call_id_device_and_state(listed, query, callers):
    assert found(listed, **query) == callers
    with listed.read() as session:
        assert live_calls.count(session, EVERYTHING, LiveQuery(**query)) == len(callers)


def test_what_may_not_be_seen_is_neither_listed_counted_nor_found(listed):
    nothing = Visible(false())
    assert found(listed, nothing) == []
    with listed.read() as session:
        [first, *_] = live_calls.search(session, EVERYTHING, LiveQuery()).items
        assert live_calls.count(session, nothing, LiveQuery()) == 0
        assert live_calls.find(session, nothing, first.id) is None
        assert live_calls.find(session, EVERYTHING, first.id) == first


def test_the_list_goes_on_where_a_page_ended(listed):
    with listed.read() as session:
        page = live_calls.search(session, EVERYTHING, LiveQuery(), limit=2)
        rest = live_calls.search(session, EVERYTHING, LiveQuery(), before=page.older, limit=2)
    assert [item.call_id for item in (*page.items, *rest.items)] == ["C-2", "C-1", "C-0"]
    assert rest.older is None


def test_the_numbers_of_a_call_are_there_for_the_scope_and_go_with_it(listed):
    query = text("SELECT digits, plan, roles FROM live_number ORDER BY digits, plan, roles")
    with listed.read() as session:
        rows = [tuple(row) for row in session.execute(query)]
    assert ("49301234" + "5", 0, 2) in rows
    assert ("8001", 1, 1) in rows
    assert ("8001", 2, 2) in rows
    with listed.write() as session:
        live_calls.write(session, (1, 2), ())
    with listed.read() as session:
        assert session.execute(query).all() == []
