"""Calls that go on, from the plug-in to the list and back to the plug-in."""

import sqlite3
from contextlib import closing

import pytest

from hub.audit.actor import SYSTEM
from hub.runtime.failure import FailureKind, PluginFailure
from hub.sdk import CallControl, Direction, LiveState
from tests.doubles.supervision import wait_until


def test_a_call_is_listed_while_it_goes_on_and_no_longer(board):
    call = board.begin("one")
    assert (call.state, call.direction, call.device_id) == (LiveState.RECORDING, Direction.OUTGOING, board.device)
    assert [party.number for party in call.parties] == ["8001", "+49 30 1234"]
    assert call.call_id == "one@pbx"
    board.end("one")
    wait_until(lambda: board.calls() == [])


def test_a_paused_call_says_when_it_goes_on_and_keeps_its_id(board):
    call = board.begin("one")
    assert board.hub.commands.control(board.device, call.id, CallControl.PAUSE, resume_after_s=60).done
    paused = wait_until(lambda: (now := board.calls()) and now[0].state is LiveState.PAUSED and now[0])
    assert paused.id == call.id
    assert 50 < (paused.resumes_at - paused.started_at).total_seconds() < 120
    board.hub.commands.control(board.device, call.id, CallControl.RESUME)
    wait_until(lambda: board.calls()[0].state is LiveState.RECORDING)


def test_a_source_that_does_not_do_it_says_why(board):
    call = board.begin("mandatory")
    result = board.hub.commands.control(board.device, call.id, CallControl.DISCARD)
    assert (result.done, result.text) == (False, "A rule says that it is kept.")


def test_a_call_that_is_over_cannot_be_steered(board):
    call = board.begin("one")
    board.end("one")
    wait_until(lambda: board.calls() == [])
    with pytest.raises(PluginFailure, match="The call is over") as caught:
        board.hub.commands.control(board.device, call.id, CallControl.PAUSE)
    assert caught.value.kind is FailureKind.NOT_FOUND


def test_the_same_request_twice_is_done_once(board):
    call = board.begin("one")
    for _ in range(2):
        assert board.hub.commands.control(board.device, call.id, CallControl.PAUSE, key="k1").done
    assert len((board.folder / "controls").read_text().splitlines()) == 1


def test_a_source_that_is_too_slow_is_not_waited_for(board):
    call = board.begin("slow")
    with pytest.raises(PluginFailure) as caught:
        board.hub.commands.control(board.device, call.id, CallControl.STOP, deadline_s=0.3)
    assert caught.value.kind is FailureKind.TIMEOUT
    assert board.begin("other"), "the others go on"


def test_a_source_that_dies_of_it_fails_the_request_and_takes_its_calls_off_the_list(board):
    call = board.begin("dying")
    with pytest.raises(PluginFailure, match="ended before it answered"):
        board.hub.commands.control(board.device, call.id, CallControl.STOP)
    found = wait_until(lambda: (now := board.calls()) and now[0].id != call.id and now[0])
    assert found.parties[-1].name == "dying", "its next life shows what goes on, under a new id"


def test_a_device_that_is_switched_off_shows_no_calls(board):
    board.begin("one")
    board.hub.instances.change(board.device, 1, SYSTEM, enabled=False)
    board.hub.reload(board.device)
    wait_until(lambda: board.calls() == [])
    with pytest.raises(PluginFailure, match="switched off"):
        board.hub.commands.control(board.device, 1, CallControl.STOP)


def test_calls_that_a_dead_hub_left_behind_are_gone_when_it_starts(tmp_data, sqlite_db):
    from tests.doubles.supervision import Supervised  # noqa: PLC0415

    with closing(sqlite3.connect(sqlite_db.path)) as other, other:
        other.execute(
            "INSERT INTO live_call VALUES (7, 1, 0, 'recording', 'unknown', '', '[]', NULL, '', 1, '{}', 'x')"
        )
    hub = Supervised(tmp_data, sqlite_db)
    with hub.running(), closing(sqlite3.connect(sqlite_db.path)) as other:
        wait_until(lambda: other.execute("SELECT count(*) FROM live_call").fetchone() == (0,))


def test_while_the_database_is_away_nothing_waits_and_afterwards_the_list_is_right(board):
    gone = board.begin("gone")
    with closing(sqlite3.connect(board.hub.db.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert board.hub.commands.control(board.device, gone.id, CallControl.DISCARD, deadline_s=20).done
        (board.folder / "calls" / "new").touch()
        other.execute("ROLLBACK")
    wait_until(lambda: [call.parties[-1].name for call in board.calls()] == ["new"])
