"""The outbox: whoever reads on from the last id misses nothing."""

import threading
from datetime import timedelta

from sqlalchemy import text

from hub.catalog import events, preferences
from hub.clock import utc_now
from tests.doubles import outbox
from tests.doubles.hub import until


def _append(db, *subjects):
    with db.write() as session:
        for subject in subjects:
            events.append(session, events.Topic.SPOOL_CHANGED, subject, {"n": 1})


def _subjects(db, last_id=0, limit=500):
    with db.read() as session:
        return [event.subject for event in events.after(session, last_id, limit)]


def _soon_reads(db, last_id=0, *, expected):
    """An event waits for transactions that may belong to this database: another one's may delay it by a moment."""
    until(lambda: _subjects(db, last_id) == expected, 5, f"the events {expected}")


def _end_after(db, *subjects):
    """The id of the last of these events, once every reader may go on from it."""
    _soon_reads(db, expected=list(subjects))
    last = _newest(db)
    until(lambda: _last_id(db) == last, 5, "the end of the events")
    return last


def _newest(db):
    with db.read() as session:
        return outbox.newest(session)


def _last_id(db):
    with db.read() as session:
        return events.last_id(session)


def test_events_come_in_order_from_where_one_stopped(db):
    _append(db, "a", "b")
    _append(db, "c")
    _soon_reads(db, expected=["a", "b", "c"])
    first = until(lambda: _read(db, 0, 2), 5, "the first events")
    assert [event.subject for event in first] == ["a", "b"]
    assert first[0].payload == {"n": 1}
    assert first[0].topic == "spool.changed"
    _soon_reads(db, first[-1].id, expected=["c"])


def test_an_event_is_seen_only_when_its_act_is_done(db):
    with db.write() as session:
        events.append(session, "x", "late", {})
        assert _subjects(db) == []
    _soon_reads(db, expected=["late"])


def test_a_new_reader_begins_at_the_end(db):
    assert _last_id(db) == 0
    _append(db, "old")
    last = _end_after(db, "old")
    _append(db, "new")
    _soon_reads(db, last, expected=["new"])


def test_a_slow_transaction_keeps_later_events_back_so_that_none_is_skipped(postgres_db):
    slow = postgres_db.write()
    session = slow.__enter__()
    events.append(session, "x", "slow", {})
    try:
        _append(postgres_db, "fast")
        assert _subjects(postgres_db) == []
        with postgres_db.read() as reader:
            assert events.last_id(reader) == 0
    finally:
        slow.__exit__(None, None, None)
    _soon_reads(postgres_db, expected=["slow", "fast"])


def test_a_transaction_that_began_first_and_tells_last_is_not_missed(postgres_db):
    """Its number is lower than that of the one that told before it."""
    early = postgres_db.write()
    session = early.__enter__()
    session.execute(text("SELECT pg_current_xact_id()"))
    try:
        _append(postgres_db, "told first")
        seen = _subjects(postgres_db)
        events.append(session, "x", "told last", {})
        events.append(session, "x", "and once more", {})
    finally:
        early.__exit__(None, None, None)
    assert seen == []
    _soon_reads(postgres_db, expected=["told last", "and once more", "told first"])


def test_a_transaction_of_another_database_holds_nothing_up(postgres_db, postgres_server):
    with postgres_server.admin() as other, other.transaction():
        other.execute("SELECT pg_current_xact_id()")
        _append(postgres_db, "told")
        _soon_reads(postgres_db, expected=["told"])


def test_a_reader_among_many_writers_gets_every_event_once(db):
    failures = []

    def write(writer):
        try:
            for number in range(0, 15, 3):
                with db.write() as session:
                    if writer:
                        events.append(session, "x", f"{writer}.{number}", {})
                    preferences.load(session)
                    for each in range(0 if not writer else 1, 3):
                        events.append(session, "x", f"{writer}.{number + each}", {})
        except Exception as exc:  # noqa: BLE001
            failures.append(exc)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(3)]
    for thread in threads:
        thread.start()
    seen = []

    def read_to_the_end():
        done = not any(thread.is_alive() for thread in threads)
        while batch := _read(db, seen[-1].id if seen else 0, 7):
            seen.extend(batch)
        return done and seen[-1].id == _newest(db)

    until(read_to_the_end, 30, "the last event")
    assert failures == []
    assert sorted(event.subject for event in seen) == sorted(
        f"{writer}.{number}" for writer in range(3) for number in range(15)
    )


def _read(db, last_id, limit):
    with db.read() as session:
        return events.after(session, last_id, limit)


def test_a_reader_starts_again_when_the_database_was_restored(db):
    _append(db, "after the restore")
    _soon_reads(db, last_id=1 << 62, expected=["after the restore"])


def test_old_events_are_forgotten_and_ids_are_never_used_again(db):
    _append(db, "a", "b")
    last = _end_after(db, "a", "b")
    with db.write() as session:
        assert events.prune(session, utc_now() - timedelta(hours=1)) == 0
        assert events.prune(session, utc_now() + timedelta(hours=1)) == 2
    _append(db, "c")
    _soon_reads(db, last, expected=["c"])


def test_hostile_payloads_are_taken(db):
    with db.write() as session:
        events.append(session, "x", "\0" * 1000, {"\0": ["\ud800"]})
    [subject] = until(lambda: _subjects(db), 5, "the event")
    assert len(subject) <= 255
