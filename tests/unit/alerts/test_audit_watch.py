import pytest
from sqlalchemy import text

from hub.alerts.audit_watch import AuditWatch
from hub.alerts.board import Board
from hub.audit import Action, append, seal
from hub.clock import utc_now
from hub.db.database import Database
from tests.unit.alerts.conftest import MARIA


@pytest.fixture
def watch(db: Database, board: Board) -> AuditWatch:
    return AuditWatch(db, board)


def _act(db: Database, times: int = 1) -> None:
    for _ in range(times):
        with db.write() as session:
            append(session, MARIA, Action.SEARCH, details={"text": "4711"})
    seal(db, utc_now())


def _without_guard(db: Database, statement: str) -> None:
    """What somebody does who may write to the database past the hub."""
    with db.write() as session:
        if db.dialect == "sqlite":
            for name in session.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all():
                session.execute(text(f'DROP TRIGGER "{name}"'))
        else:
            session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text(statement))


def test_an_untouched_trail_raises_nothing(db: Database, board: Board, watch: AuditWatch) -> None:
    watch.look()
    _act(db, 3)
    watch.look()
    assert board.list_open() == []


def test_a_changed_line_is_an_alarm_until_it_is_mended(db: Database, board: Board, watch: AuditWatch) -> None:
    _act(db, 3)
    _without_guard(db, "UPDATE audit_line SET action = 'recording.replay' WHERE seq = 2")
    watch.look()
    (alarm,) = board.list_open()
    assert alarm.code == "AUDIT_BROKEN"
    assert "(recording.replay) does not follow from the one before" in alarm.text
    _without_guard(db, "UPDATE audit_line SET action = 'recording.search' WHERE seq = 2")
    watch.look()
    assert board.list_open() == []


def test_a_trail_that_was_cut_short_together_with_its_head_is_noticed(
    db: Database, board: Board, watch: AuditWatch
) -> None:
    _act(db, 3)
    watch.look()
    _without_guard(db, "DELETE FROM audit_private")
    _without_guard(db, "DELETE FROM audit_line")
    _without_guard(db, "DELETE FROM audit_head")
    _act(db)
    watch.look()
    assert [alarm.code for alarm in board.list_open()] == ["AUDIT_BROKEN"]
