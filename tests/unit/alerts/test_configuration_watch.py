import pytest

from hub.alerts.board import Board
from hub.alerts.configuration_watch import ConfigurationWatch
from hub.audit import SYSTEM, Action, Actor, append, seal
from hub.clock import utc_now
from hub.db.database import Database
from tests.unit.alerts.conftest import MARIA


@pytest.fixture
def watch(db: Database, board: Board) -> ConfigurationWatch:
    made = ConfigurationWatch(db, board)
    made.look()
    return made


def _act(db: Database, actor: Actor, action: Action, subject: str, **details: str) -> None:
    with db.write() as session:
        append(session, actor, action, subject=subject, details=details)
    seal(db, utc_now())


def _history(board: Board) -> list[str]:
    return [alarm.text for alarm in board.list_history().items]


def test_who_changed_what_is_in_the_history_of_alarms(db: Database, board: Board, watch: ConfigurationWatch) -> None:
    _act(db, MARIA, Action.DEVICE_CHANGE, "instance:7", name="Vienna")
    _act(db, MARIA, Action.SETTINGS_CHANGE, "preferences")
    watch.look()
    watch.look()
    assert sorted(_history(board)) == [
        "The configuration was changed: Vienna was changed by maria.",
        "The configuration was changed: the preferences were changed by maria.",
    ]
    assert board.list_open() == []


def test_what_the_hub_sets_up_by_itself_and_what_is_no_configuration_is_no_news(
    db: Database, board: Board, watch: ConfigurationWatch
) -> None:
    _act(db, SYSTEM, Action.DEVICE_ADD, "instance:1", name="Primary storage")
    _act(db, MARIA, Action.SEARCH, "")
    watch.look()
    assert _history(board) == []


def test_what_happened_before_the_hub_started_is_not_told_again(db: Database, board: Board) -> None:
    _act(db, MARIA, Action.DEVICE_ADD, "instance:7", name="Vienna")
    watch = ConfigurationWatch(db, board)
    watch.look()
    _act(db, MARIA, Action.DEVICE_DELETE, "instance:7", name="Vienna")
    watch.look()
    assert _history(board) == ["The configuration was changed: Vienna was deleted by maria."]
