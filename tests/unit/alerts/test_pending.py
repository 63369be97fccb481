import threading
import time
from collections.abc import Iterator, Sequence

import pytest

from hub.alerts.board import HUB, Board
from hub.alerts.pending import PendingAlarms, Wish
from hub.db.database import Database
from hub.db.errors import DatabaseAway
from hub.sdk import Severity
from tests.doubles.outage import away
from tests.unit.alerts.conftest import NAS, SetClock, an_alarm


def test_an_alarm_raised_soon_is_on_the_board_without_its_raiser_waiting(board: Board) -> None:
    board.raise_soon(NAS, an_alarm())
    assert board.flush() == 0
    assert [alarm.key for alarm in board.list_open()] == ["mount"]
    board.clear_soon(NAS, "mount")
    assert board.flush() == 0
    assert board.list_open() == []


def test_what_is_raised_while_the_database_is_away_is_there_when_it_is_back(
    board: Board, db: Database, clock: SetClock
) -> None:
    raised_at = clock.now
    with away(db):
        for number in range(3):
            board.raise_soon(NAS, an_alarm())
            board.raise_soon(NAS, an_alarm(f"other {number}"))
            clock.move(seconds=1)
        assert board.flush(0.3) == 4
    assert board.flush() == 0
    opened = {alarm.key: alarm for alarm in board.list_open()}
    assert set(opened) == {"mount", "other 0", "other 1", "other 2"}
    assert (opened["mount"].count, opened["mount"].raised_at) == (3, raised_at)
    assert (clock.now - opened["mount"].last_raised_at).total_seconds() == 1


def test_trouble_that_came_and_went_while_the_database_was_away_is_in_the_history(
    board: Board, db: Database, clock: SetClock
) -> None:
    with away(db):
        board.raise_soon(NAS, an_alarm())
        clock.move(seconds=9)
        board.clear_soon(NAS, "mount")
    assert board.flush() == 0
    assert board.list_open() == []
    (past,) = board.list_history().items
    assert past.cleared_at is not None
    assert (past.cleared_at - past.raised_at).total_seconds() == 9


def test_what_was_open_before_is_cleared_when_the_database_is_back(board: Board, db: Database) -> None:
    board.raise_alarm(NAS, an_alarm())
    with away(db):
        board.clear_soon(NAS, "mount")
        board.raise_soon(NAS, an_alarm("new"))
        board.flush(0.2)
    assert board.flush() == 0
    assert [alarm.key for alarm in board.list_open()] == ["new"]


def test_a_stopped_device_is_swept_from_the_board_and_what_it_raises_after_that_stays(
    board: Board, db: Database
) -> None:
    board.raise_alarm(NAS, an_alarm("before"))
    with away(db):
        board.raise_soon(NAS, an_alarm("meanwhile"))
        board.raise_soon(NAS, an_alarm("twice"))
        board.clear_all_soon(NAS)
        board.raise_soon(NAS, an_alarm("after"))
        board.raise_soon(NAS, an_alarm("twice"))
        board.raise_soon(HUB, an_alarm("another"))
    assert board.flush() == 0
    assert {alarm.key for alarm in board.list_open()} == {"after", "twice", "another"}


def test_a_storm_during_an_outage_keeps_the_worst_and_says_how_many_are_lost(db: Database, clock: SetClock) -> None:
    board = Board(db, clock=clock, pending_limit=10)
    with away(db):
        for number in range(30):
            board.raise_soon(NAS, an_alarm(f"minor {number}", severity=Severity.MINOR))
        for number in range(8):
            board.raise_soon(NAS, an_alarm(f"critical {number}", severity=Severity.CRITICAL))
        started_s = time.monotonic()
        board.flush(0.1)
        assert time.monotonic() - started_s < 5
    assert board.flush() == 0
    opened = board.list_open()
    assert sum(alarm.severity is Severity.CRITICAL for alarm in opened) == 8
    (lost,) = [alarm for alarm in opened if alarm.code == "ALARMS_LOST"]
    told = int(lost.text.split()[0])
    assert told == 38 - sum(alarm.source == NAS for alarm in opened)
    board.close(1.0)


def test_a_board_that_closes_during_an_outage_names_what_is_lost(db: Database) -> None:
    board = Board(db)
    with away(db):
        board.raise_soon(NAS, an_alarm())
        started_s = time.monotonic()
        assert board.close(0.2) == 1
        assert time.monotonic() - started_s < 5
    board.raise_soon(NAS, an_alarm())
    assert board.flush(0.2) == 0
    assert board.list_open() == []


def test_closing_writes_what_waits(db: Database) -> None:
    board = Board(db)
    board.raise_soon(NAS, an_alarm())
    assert board.close(5.0) == 0
    assert len(board.list_open()) == 1


def test_raising_never_waits_for_a_slow_database(sqlite_db: Database) -> None:
    board = Board(sqlite_db)
    with sqlite_db.write():
        started_s = time.monotonic()
        for number in range(200):
            board.raise_soon(NAS, an_alarm(str(number % 5)))
        assert time.monotonic() - started_s < 2
        assert board.list_open() == []
    assert board.flush() == 0
    assert sum(alarm.count for alarm in board.list_open()) == 200
    board.close(1.0)


class Table:
    """Takes wishes unless it is told not to."""

    def __init__(self) -> None:
        self.written: list[Wish] = []
        self.refused_key: str | None = None
        self.away = threading.Event()

    def write(self, wishes: Sequence[Wish]) -> None:
        if self.away.is_set():
            raise DatabaseAway("away")
        if any(wish.key == self.refused_key for wish in wishes):
            raise ValueError("cannot be written")
        self.written.extend(wishes)


def _lost(lost: int) -> Wish:
    return _raised(f"lost {lost}")


def _raised(key: str) -> Wish:
    return Wish(source=HUB, key=key, alarm=an_alarm(key), first_ms=1, last_ms=1)


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def pending(table: Table) -> Iterator[PendingAlarms]:
    made = PendingAlarms(table.write, _lost)
    yield made
    made.close(1.0)


def test_one_wish_that_cannot_be_written_does_not_keep_the_others_out(table: Table, pending: PendingAlarms) -> None:
    table.refused_key = "bad"
    table.away.set()
    for key in ("a", "bad", "b"):
        pending.add(_raised(key))
    table.away.clear()
    assert pending.flush(5.0) == 0
    assert [wish.key for wish in table.written] == ["a", "b"]


def test_the_thread_ends_when_nothing_waits_and_starts_again(table: Table, pending: PendingAlarms) -> None:
    for round_ in range(3):
        pending.add(_raised(str(round_)))
        assert pending.flush(5.0) == 0
        deadline_s = time.monotonic() + 5
        while any(thread.name == "alarms" for thread in threading.enumerate()):
            assert time.monotonic() < deadline_s
            threading.Event().wait(0.01)
    assert len(table.written) == 3
