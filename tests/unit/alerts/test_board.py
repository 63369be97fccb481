import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from hub.alerts.board import HUB, Board
from hub.alerts.codes.system import SYSTEM_STARTED
from hub.alerts.entries import OPEN_LIMIT
from hub.alerts.errors import AlarmGone
from hub.audit.models import AuditLine
from hub.catalog.models import Event
from hub.clock import to_ms
from hub.db.database import Database
from hub.db.errors import DatabaseAway
from hub.sdk import Alarm, Severity
from tests.doubles.outage import away
from tests.unit.alerts.conftest import MARIA, NAS, SetClock, an_alarm


def _topics(db: Database) -> list[str]:
    with db.read() as session:
        return list(session.scalars(select(Event.topic).order_by(Event.id)))


def test_the_same_trouble_again_is_one_alarm_with_its_count_and_last_moment(board: Board, clock: SetClock) -> None:
    first = board.raise_alarm(NAS, an_alarm())
    clock.move(minutes=5)
    assert board.raise_alarm(NAS, an_alarm()) == first
    (alarm,) = board.list_open()
    assert (alarm.count, alarm.raised_at, alarm.last_raised_at) == (2, alarm.raised_at, clock.now)
    assert (clock.now - alarm.raised_at).total_seconds() == 300


def test_an_alarm_tells_all_that_was_said(board: Board, clock: SetClock) -> None:
    alarm = board.get(board.raise_alarm(NAS, an_alarm()))
    assert alarm is not None
    assert (alarm.source, alarm.instance_id, alarm.key, alarm.code) == (NAS, 7, "mount", "DEVICE_DOWN")
    assert (alarm.severity, alarm.text, alarm.hint) == (Severity.MAJOR, "Gone.", "Look.")
    assert (alarm.title, alarm.is_open, alarm.acknowledged_by) == ("Device does not work", True, "")
    assert board.get(alarm.id + 1) is None


def test_other_keys_and_other_sources_are_other_alarms(board: Board) -> None:
    ids = {
        board.raise_alarm(NAS, an_alarm("a")),
        board.raise_alarm(NAS, an_alarm("b")),
        board.raise_alarm(HUB, an_alarm("a")),
    }
    assert len(ids) == 3
    assert board.clear(NAS, "a")
    assert {(alarm.source, alarm.key) for alarm in board.list_open()} == {(NAS, "b"), (HUB, "a")}
    assert [alarm.key for alarm in board.list_open(HUB)] == ["a"]


def test_trouble_that_comes_back_after_its_end_is_a_new_alarm(board: Board, clock: SetClock) -> None:
    first = board.raise_alarm(NAS, an_alarm())
    assert board.clear(NAS, "mount")
    clock.move(seconds=1)
    second = board.raise_alarm(NAS, an_alarm())
    assert second != first
    assert [alarm.id for alarm in board.list_open()] == [second]
    assert [alarm.id for alarm in board.list_history().items] == [first]


def test_clearing_what_is_not_open_changes_nothing(board: Board, db: Database) -> None:
    assert not board.clear(NAS, "mount")
    assert board.clear_all(NAS) == 0
    assert _topics(db) == []


def test_a_stopped_device_takes_its_alarms_and_no_others_from_the_board(board: Board) -> None:
    for key in ("a", "b", "c"):
        board.raise_alarm(NAS, an_alarm(key))
    board.raise_alarm("instance:70", an_alarm())
    assert board.clear_all(NAS) == 3
    assert [alarm.source for alarm in board.list_open()] == ["instance:70"]


def test_the_worst_stands_first_and_among_equals_the_newest(board: Board, clock: SetClock) -> None:
    for key, severity in (
        ("w", Severity.WARNING),
        ("c1", Severity.CRITICAL),
        ("i", Severity.INFORMATION),
        ("c2", Severity.CRITICAL),
        ("m", Severity.MINOR),
    ):
        clock.move(seconds=1)
        board.raise_alarm(NAS, an_alarm(key, severity=severity))
    assert [alarm.key for alarm in board.list_open()] == ["c2", "c1", "m", "w", "i"]
    assert [alarm.key for alarm in board.list_open(limit=2)] == ["c2", "c1"]


def test_open_alarms_are_counted_by_severity_with_zeros(board: Board) -> None:
    board.raise_alarm(NAS, an_alarm("a", severity=Severity.MAJOR))
    board.raise_alarm(NAS, an_alarm("b", severity=Severity.MAJOR))
    board.raise_alarm(NAS, an_alarm("c", severity=Severity.WARNING))
    board.clear(NAS, "b")
    assert board.count_open() == {
        Severity.INFORMATION: 0,
        Severity.WARNING: 1,
        Severity.MINOR: 0,
        Severity.MAJOR: 1,
        Severity.CRITICAL: 0,
    }


def test_events_tell_of_new_alarms_new_words_and_ends_but_not_of_bare_repeats(board: Board, db: Database) -> None:
    board.raise_alarm(NAS, an_alarm())
    board.raise_alarm(NAS, an_alarm())
    board.raise_alarm(NAS, an_alarm(text="Still gone."))
    board.clear(NAS, "mount")
    with db.read() as session:
        rows = session.execute(select(Event.topic, Event.payload).order_by(Event.id))
        told = [(topic, payload.get("new"), payload.get("text")) for topic, payload in rows]
    assert told == [
        ("alarm.raised", True, "Gone."),
        ("alarm.raised", False, "Still gone."),
        ("alarm.cleared", None, None),
    ]


def test_an_alarm_raised_in_a_transaction_that_fails_was_never_raised(board: Board, db: Database) -> None:
    def raise_and_fail() -> None:
        with db.write() as session:
            board.raise_in(session, NAS, an_alarm())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        raise_and_fail()
    assert board.list_open() == []
    assert _topics(db) == []


def test_raise_and_clear_can_be_part_of_the_callers_transaction(board: Board, db: Database) -> None:
    with db.write() as session:
        board.raise_in(session, NAS, an_alarm())
        assert board.clear_in(session, NAS, "mount")
    assert len(board.list_history().items) == 1


def test_acknowledging_names_the_person_is_audited_once_and_leaves_a_condition_open(
    board: Board, db: Database, clock: SetClock
) -> None:
    alarm_id = board.raise_alarm(NAS, an_alarm())
    seen = board.acknowledge(alarm_id, MARIA)
    assert (seen.acknowledged_by, seen.acknowledged_at, seen.is_open) == ("maria", clock.now, True)
    clock.move(minutes=1)
    assert board.acknowledge(alarm_id, MARIA) == seen
    with db.read() as session:
        lines = session.execute(select(AuditLine.action, AuditLine.subject, AuditLine.facts)).all()
    assert lines == [("alarm.acknowledge", f"alarm:{alarm_id}", {"code": "DEVICE_DOWN", "source": NAS})]
    assert _topics(db) == ["alarm.raised", "alarm.acknowledged"]


def test_acknowledging_what_merely_happened_ends_it(board: Board, db: Database) -> None:
    alarm_id = board.raise_alarm(NAS, an_alarm(code="FILE_PARSE_ERROR"))
    assert not board.acknowledge(alarm_id, MARIA).is_open
    assert board.list_open() == []
    assert _topics(db) == ["alarm.raised", "alarm.acknowledged", "alarm.cleared"]


def test_what_is_over_cannot_be_acknowledged(board: Board) -> None:
    alarm_id = board.raise_alarm(NAS, an_alarm())
    board.clear(NAS, "mount")
    for gone in (alarm_id, alarm_id + 99):
        with pytest.raises(AlarmGone, match="not open"):
            board.acknowledge(gone, MARIA)


def test_all_can_be_acknowledged_at_once(board: Board, db: Database) -> None:
    board.acknowledge(board.raise_alarm(NAS, an_alarm("seen")), MARIA)
    board.raise_alarm(NAS, an_alarm("a"))
    board.raise_alarm(NAS, an_alarm("b", code="FILE_PARSE_ERROR"))
    assert board.acknowledge_all(MARIA) == 2
    assert board.acknowledge_all(MARIA) == 0
    assert {alarm.key for alarm in board.list_open()} == {"seen", "a"}
    with db.read() as session:
        assert len(session.scalars(select(AuditLine.id)).all()) == 3


def test_an_alarm_that_gets_worse_wants_to_be_seen_again(board: Board) -> None:
    alarm_id = board.raise_alarm(NAS, an_alarm(severity=Severity.MINOR))
    board.acknowledge(alarm_id, MARIA)
    board.raise_alarm(NAS, an_alarm(severity=Severity.WARNING))
    alarm = board.get(alarm_id)
    assert alarm is not None
    assert alarm.acknowledged_by == "maria"
    board.raise_alarm(NAS, an_alarm(severity=Severity.CRITICAL))
    alarm = board.get(alarm_id)
    assert alarm is not None
    assert (alarm.severity, alarm.acknowledged_at, alarm.acknowledged_by) == (Severity.CRITICAL, None, "")


def test_what_needs_nobodys_attention_goes_straight_into_the_history(board: Board, db: Database) -> None:
    for _ in range(2):
        board.note(HUB, SYSTEM_STARTED.alarm("hub.started", time="10:00"))
    assert board.list_open() == []
    assert [alarm.text for alarm in board.list_history().items] == ["Recording Hub was started at 10:00."] * 2
    assert _topics(db) == ["alarm.raised", "alarm.raised"]


def test_the_history_comes_in_pages_newest_first_and_never_twice(board: Board, clock: SetClock) -> None:
    for number in range(7):
        board.raise_alarm(NAS, an_alarm(str(number)))
        if number % 3:
            clock.move(seconds=1)
    board.clear_all(NAS)
    seen, before = [], None
    for _ in range(4):
        page = board.list_history(before, limit=2)
        seen += [alarm.key for alarm in page.items]
        before = page.older
        if before is None:
            break
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]
    assert before is None


def test_old_history_is_forgotten_and_open_alarms_are_not(board: Board, clock: SetClock) -> None:
    board.raise_alarm(NAS, an_alarm("old"))
    board.raise_alarm(NAS, an_alarm("open"))
    board.clear(NAS, "old")
    clock.move(days=1)
    board.raise_alarm(NAS, an_alarm("new"))
    board.clear(NAS, "new")
    assert board.prune(to_ms(clock.now)) == 1
    assert [alarm.key for alarm in board.list_history().items] == ["new"]
    assert [alarm.key for alarm in board.list_open()] == ["open"]


def test_one_source_cannot_flood_the_board(board: Board, db: Database) -> None:
    with db.write() as session:
        for number in range(OPEN_LIMIT + 20):
            board.raise_in(session, NAS, an_alarm(f"file {number}"))
        board.raise_in(session, HUB, an_alarm())
    opened = board.list_open(NAS)
    assert len(opened) == OPEN_LIMIT + 1
    (many,) = [alarm for alarm in opened if alarm.code == "ALARMS_MANY"]
    assert many.count == 20
    assert f"has {OPEN_LIMIT} open alarms" in many.text
    assert len(board.list_open(HUB)) == 1
    board.raise_alarm(NAS, an_alarm("file 3"))
    assert {alarm.key: alarm.count for alarm in board.list_open(NAS)}["file 3"] == 2
    board.clear(NAS, "file 1")
    assert "ALARMS_MANY" not in {alarm.code for alarm in board.list_open(NAS)}


def test_threads_that_raise_the_same_trouble_at_once_make_one_alarm_and_lose_no_count(board: Board) -> None:
    start = threading.Barrier(4)

    def raise_some() -> None:
        start.wait()
        for _ in range(5):
            board.raise_alarm(NAS, an_alarm())

    threads = [threading.Thread(target=raise_some) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (alarm,) = board.list_open()
    assert alarm.count == 20


def test_a_board_without_its_database_says_so(board: Board, db: Database) -> None:
    with away(db), pytest.raises(DatabaseAway):
        board.raise_alarm(NAS, an_alarm())
    board.raise_alarm(NAS, an_alarm())
    assert len(board.list_open()) == 1


def test_a_very_long_key_still_finds_its_alarm(board: Board) -> None:
    keys = ["/srv/" + "x" * 400 + tail for tail in ("a", "b")]
    ids = {board.raise_alarm(NAS, an_alarm(key)) for key in keys}
    assert len(ids) == 2
    assert board.raise_alarm(NAS, an_alarm(keys[0])) in ids
    assert board.clear(NAS, keys[0])
    assert board.clear(NAS, keys[1])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(), max_size=300), st.text(st.characters(), max_size=300))
def test_any_text_that_python_knows_can_be_raised_and_cleared(board: Board, key: str, text: str) -> None:
    board.raise_alarm(NAS, Alarm(key=key, code="X", severity=Severity.MINOR, text=text, hint=text))
    assert board.clear(NAS, key)


def test_a_file_name_that_is_no_unicode_can_be_named_in_an_alarm(board: Board) -> None:
    name = b"call\xff\x00.wav".decode("utf-8", "surrogateescape")
    board.raise_alarm(NAS, an_alarm(name, text=f"File {name} cannot be read."))
    (alarm,) = board.list_open()
    assert alarm.text == "File call\\udcff\\x00.wav cannot be read."
    assert board.clear(NAS, name)
