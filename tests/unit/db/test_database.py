"""Reading and writing, and a database that goes away and comes back."""

import sqlite3
import threading
import time

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hub.db.database import Database
from hub.db.errors import DatabaseAway, DatabaseBroken
from tests.doubles import postgres

_ADD = text("INSERT INTO preference (id, revision, content, changed_ms) VALUES (:id, 1, '{}', 0)")
_COUNT = text("SELECT count(*) FROM preference")


def _add(db, number=1):
    with db.write() as session:
        session.execute(_ADD, {"id": number})


def _count(db):
    with db.read() as session:
        return session.scalar(_COUNT)


def test_what_is_written_is_read(db):
    _add(db)
    assert _count(db) == 1


def test_an_exception_undoes_the_whole_write(db):
    def add_and_fail(session):
        session.execute(_ADD, {"id": 1})
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), db.write() as session:
        add_and_fail(session)
    assert _count(db) == 0


def test_a_read_cannot_write(db):
    with pytest.raises(DBAPIError), db.read() as session:
        session.execute(_ADD, {"id": 1})
    _add(db)


def test_a_read_sees_one_state_while_others_write(db):
    with db.read() as session:
        assert session.scalar(_COUNT) == 0
        _add(db)
        assert session.scalar(_COUNT) == 0
    assert _count(db) == 1


def test_a_write_within_a_write_of_the_same_thread_is_refused_at_once(sqlite_db):
    with pytest.raises(RuntimeError, match="wait for itself"), sqlite_db.write(), sqlite_db.write():
        pass
    _add(sqlite_db)


def test_writers_in_many_threads_all_get_their_turn(db):
    threads = [threading.Thread(target=_add, args=(db, number)) for number in range(1, 21)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _count(db) == 20


def test_sqlite_commits_survive_a_power_cut(sqlite_db):
    with sqlite_db.write() as session:
        assert session.scalar(text("PRAGMA synchronous")) == 2
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert session.scalar(text("PRAGMA foreign_keys")) == 1


def test_a_locked_sqlite_file_is_away_and_comes_back(sqlite_db):
    impatient = Database(sqlite_db.url, timeout_s=0.2)
    holder = sqlite3.connect(sqlite_db.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(DatabaseAway, match="locked") as caught:
            _add(impatient)
        assert "tries again" in caught.value.hint
        assert _count(impatient) == 0
        holder.execute("ROLLBACK")
        _add(impatient)
        assert _count(impatient) == 1
    finally:
        holder.close()
        impatient.close()


def test_a_writer_waits_for_a_lock_that_is_held_for_a_while(sqlite_db):
    holder = sqlite3.connect(sqlite_db.path, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, holder.execute, ["ROLLBACK"])
    release.start()
    try:
        _add(sqlite_db)
        assert _count(sqlite_db) == 1
    finally:
        release.join()
        holder.close()


def test_a_file_that_is_not_there_is_away_and_never_made_by_reading(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'mount' / 'catalog.sqlite3'}")
    with pytest.raises(DatabaseAway) as caught:
        database.check()
    assert "mounted" in caught.value.hint
    assert not (tmp_path / "mount").exists()
    database.upgrade()
    database.check()
    database.close()


def test_a_folder_that_was_unmounted_and_is_back_goes_on(sqlite_db, tmp_path):
    _add(sqlite_db)
    home, away = tmp_path, tmp_path.with_name(tmp_path.name + ".away")
    home.rename(away)
    try:
        with pytest.raises(DatabaseAway):
            _count(sqlite_db)
        with pytest.raises(DatabaseAway):
            _add(sqlite_db, 2)
        assert not home.exists()
    finally:
        away.rename(home)
    assert _count(sqlite_db) == 1
    _add(sqlite_db, 2)
    assert _count(sqlite_db) == 2


def test_a_file_restored_from_a_copy_is_opened_anew(sqlite_db, sqlite_template):
    _add(sqlite_db)
    for leftover in sqlite_db.path.parent.glob("catalog.sqlite3-*"):
        leftover.unlink()
    fresh = sqlite_db.path.with_name("fresh")
    fresh.write_bytes(sqlite_template.read_bytes())
    fresh.rename(sqlite_db.path)
    assert _count(sqlite_db) == 0


def test_a_damaged_file_is_said_to_be_damaged(tmp_path):
    path = tmp_path / "catalog.sqlite3"
    path.write_bytes(b"this is no database, but it is long enough to look at" * 100)
    database = Database(f"sqlite:///{path}")
    with pytest.raises(DatabaseBroken, match="damaged") as caught:
        database.check()
    assert "backup" in caught.value.hint
    database.close()


def test_a_folder_that_may_not_be_written_is_away(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(DatabaseAway, match="cannot be created"):
        Database(f"sqlite:///{blocked / 'catalog.sqlite3'}").upgrade()


def test_the_file_belongs_to_the_hub_alone(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'catalog.sqlite3'}")
    database.upgrade()
    database.close()
    assert database.path.stat().st_mode & 0o777 == 0o600


def test_a_database_without_tables_is_not_ready(tmp_path, postgres_server):
    postgres_server.create_database("t_empty")
    database = Database(postgres_server.url("t_empty"))
    try:
        assert database.revision() == ""
        with pytest.raises(DatabaseBroken) as caught:
            database.check()
        assert caught.value.hint == "Run `recording-hub db upgrade`."
    finally:
        database.close()
        postgres_server.drop_database("t_empty")


def test_a_catalog_of_a_newer_hub_is_refused(db):
    with db.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseBroken):
        db.check()
    with pytest.raises(DatabaseBroken, match="unknown to this hub") as caught:
        db.upgrade()
    assert "newer version" in caught.value.hint


def test_several_processes_that_upgrade_at_once_take_turns(tmp_path, postgres_server):
    postgres_server.create_database("t_together")
    for url in (f"sqlite:///{tmp_path / 'new.sqlite3'}", postgres_server.url("t_together")):
        databases = [Database(url) for _ in range(3)]
        failures = []
        threads = [threading.Thread(target=_upgrade, args=(each, failures)) for each in databases]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        databases[0].check()
        for each in databases:
            each.close()
    postgres_server.drop_database("t_together")


def _upgrade(database, failures):
    try:
        database.upgrade()
    except Exception as exc:  # noqa: BLE001
        failures.append(exc)


def test_postgres_that_stops_is_away_and_goes_on_when_it_is_back():
    with postgres.alone() as server:
        database = Database(server.url())
        try:
            database.upgrade()
            _add(database)
            server.stop("immediate")
            with pytest.raises(DatabaseAway) as caught:
                _count(database)
            assert "PostgreSQL runs" in caught.value.hint
            with pytest.raises(DatabaseAway):
                _add(database, 2)
            server.start()
            assert _count(database) == 1
            _add(database, 2)
            assert _count(database) == 2
        finally:
            database.close()


def test_a_transaction_cut_off_in_the_middle_is_away(postgres_server, postgres_db):
    kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"

    def add_cut_and_add(session):
        session.execute(_ADD, {"id": 1})
        with postgres_server.admin() as admin:
            admin.execute(kill, [postgres_db.engine.url.database])
        session.execute(_ADD, {"id": 2})

    with pytest.raises(DatabaseAway), postgres_db.write() as session:
        add_cut_and_add(session)
    assert _count(postgres_db) == 0


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://localhost/hub", "sqlite://", "sqlite:///:memory:"])
def test_an_address_that_is_none_is_refused_with_an_example(url):
    with pytest.raises(DatabaseBroken) as caught:
        Database(url)
    assert "postgresql+psycopg://" in caught.value.hint


def test_no_message_shows_the_password():
    database = Database("postgresql://hub:secret@127.0.0.1:1/catalog")
    with pytest.raises(DatabaseAway) as caught:
        database.check()
    assert "secret" not in str(caught.value)
    assert "127.0.0.1:1/catalog" in str(caught.value)
    database.close()


def test_an_unreachable_server_is_told_at_once():
    database = Database("postgresql://hub@127.0.0.1:1/catalog")
    begun = time.monotonic()
    with pytest.raises(DatabaseAway):
        database.check()
    assert time.monotonic() - begun < 10
    database.close()
