"""The trail: every act leaves a line, and no line can be changed, removed or moved without being found out."""

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hub.audit import (
    SYSTEM,
    Action,
    Actor,
    AuditFilter,
    append,
    daily_heads,
    drop_expired,
    erase_private,
    head,
    list_entries,
    seal,
    verify,
)
from hub.audit.trail import Fact, append_facts

ANNA = Actor(5, "anna", "web", "10.0.0.7", "req-1")
BERND = Actor(6, "Bernd", "api", "10.0.0.8", "req-2")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
_ADD_PRIVATE = """
INSERT INTO audit_private
SELECT line_id, 'more', salt, value FROM audit_private WHERE line_id = 3 AND key = 'number'
"""
_ADD_SEALED = """
INSERT INTO audit_line (at_ms, action, via, request_id, subject, facts, commitments, seq)
VALUES (1, 'x', 'x', '', '', '{}', '{}', 7)
"""
_GUARDED = ("audit_line", "audit_private", "audit_segment", "audit_head")


def _act(db, actor=ANNA, action=Action.REPLAY, **line):
    with db.write() as session:
        append(session, actor, action, **{"subject": "recording:1"} | line)


def _acts(db, n):
    for number in range(n):
        _act(db, subject=f"recording:{number}", details={"number": f"+49 30 {number}"}, facts={"n": number})
    seal(db, NOW)


def _entries(db, **wanted):
    with db.read() as session:
        return list(list_entries(session, AuditFilter(**wanted), limit=100).items)


def _tamper(db, statement):
    """Change the trail as someone with the database's own password would: triggers dropped first."""
    with db.write() as session:
        if db.dialect == "sqlite":
            names = session.scalars(
                text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'audit%'")
            )
            for name in names.all():
                session.execute(text(f"DROP TRIGGER {name}"))
            session.execute(text("PRAGMA defer_foreign_keys = ON"))
        else:
            for table in _GUARDED:
                session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
        session.execute(text(statement))


def _what(db, known=None):
    return {problem.what for problem in verify(db, known).problems}


def test_a_line_tells_who_did_what_to_what_and_when(db):
    _act(db, details={"query": "anna, 201"}, facts={"form": "original"})
    [entry] = _entries(db)
    assert (entry.login, entry.person_id, entry.via, entry.address) == ("anna", 5, "web", "10.0.0.7")
    assert (entry.action, entry.subject, entry.request_id) == ("recording.replay", "recording:1", "req-1")
    assert entry.details == {"query": "anna, 201"}
    assert entry.facts == {"form": "original"}
    assert abs(entry.at - datetime.now(UTC)) < timedelta(minutes=1)
    assert entry.seq is None


def test_a_line_is_written_with_its_act_or_not_at_all(db):
    def act_and_fail(session):
        append(session, ANNA, Action.DELETE)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), db.write() as session:
        act_and_fail(session)
    assert _entries(db) == []


def test_new_lines_are_sealed_in_order_and_the_chain_holds(db):
    _acts(db, 3)
    assert sorted(entry.seq for entry in _entries(db)) == [1, 2, 3]
    _acts(db, 2)
    verdict = verify(db)
    assert verdict.intact
    assert (verdict.lines, verdict.unsealed, verdict.erased, verdict.dropped) == (5, 0, 0, 0)
    assert verdict.head.seq == 5


def test_an_empty_trail_is_intact(db):
    assert seal(db, NOW) == 0
    assert verify(db).intact
    assert verify(db).head is None


def test_lines_wait_for_the_sealer_and_are_counted(db):
    _acts(db, 1)
    _act(db)
    verdict = verify(db)
    assert verdict.intact
    assert verdict.unsealed == 1


def test_two_sealers_at_once_make_one_chain(db):
    with db.write() as session:
        append_facts(session, SYSTEM, Action.INGEST, [Fact(subject=f"recording:{n}") for n in range(300)])
    threads = [threading.Thread(target=seal, args=(db, NOW)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    verdict = verify(db)
    assert verdict.intact
    assert verdict.lines == 300


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE audit_line SET action = 'recording.search' WHERE seq = 3", "changed"),
        ("UPDATE audit_line SET at_ms = at_ms - 60000 WHERE seq = 3", "changed"),
        ("UPDATE audit_line SET subject = 'recording:9' WHERE seq = 3", "changed"),
        ("UPDATE audit_line SET person_id = 99 WHERE seq = 3", "changed"),
        ("UPDATE audit_line SET facts = '{}' WHERE seq = 3", "changed"),
        ("UPDATE audit_line SET commitments = '{}' WHERE seq = 3", "changed"),
        ("UPDATE audit_private SET value = '\"other\"' WHERE line_id = 3", "private_changed"),
        ("DELETE FROM audit_private WHERE line_id = 3 AND key = 'number'", "private_missing"),
        (_ADD_PRIVATE, "private_added"),
        ("UPDATE audit_head SET seq = 4", "head"),
        ("DELETE FROM audit_head", "head"),
    ],
)
def test_a_tampered_line_is_found(db, statement, what):
    _acts(db, 5)
    _tamper(db, statement)
    assert what in _what(db)
    assert not verify(db).intact


@pytest.mark.parametrize("seq", [1, 3, 5])
def test_a_removed_line_is_found_wherever_it_stood(db, seq):
    _acts(db, 5)
    _tamper(db, f"DELETE FROM audit_private WHERE line_id = {seq}")
    _tamper(db, f"DELETE FROM audit_line WHERE seq = {seq}")
    assert _what(db) & {"removed", "head"}


def test_reordered_lines_are_found(db):
    _acts(db, 5)
    for statement in ("seq = -1 WHERE seq = 2", "seq = 2 WHERE seq = 3", "seq = 3 WHERE seq = -1"):
        _tamper(db, f"UPDATE audit_line SET {statement}")
    assert "changed" in _what(db)


def test_a_line_that_was_added_and_chained_by_hand_is_found(db):
    _acts(db, 5)
    columns = "at_ms, action, person_id, via, request_id, subject, facts, commitments"
    _tamper(
        db, f"INSERT INTO audit_line ({columns}, seq, hash) SELECT {columns}, 6, hash FROM audit_line WHERE seq = 5"
    )
    assert {"changed", "head"} <= _what(db)


def test_a_whole_chain_made_anew_is_found_by_a_head_that_was_kept_elsewhere(db):
    _acts(db, 5)
    with db.read() as session:
        known = head(session)
    assert verify(db, known).intact
    assert "known_head" in _what(db, replace(known, hash="00" * 32))
    assert "known_head" in _what(db, replace(known, seq=6))
    assert known.as_json() == {"seq": 5, "hash": known.hash, "sealed_ms": known.sealed_ms}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_line SET action = 'x' WHERE seq = 1",
        "UPDATE audit_line SET seq = 9 WHERE seq = 1",
        "UPDATE audit_line SET seq = NULL, hash = NULL WHERE seq = 1",
        "DELETE FROM audit_line WHERE seq = 1",
        "DELETE FROM audit_line",
        "UPDATE audit_private SET value = '1'",
        "UPDATE audit_head SET hash = NULL",
        "UPDATE audit_head SET seq = 1",
        "DELETE FROM audit_head",
        _ADD_SEALED,
    ],
)
def test_the_database_itself_refuses_to_change_the_trail(db, statement):
    _acts(db, 2)
    with pytest.raises(DBAPIError, match=r"refuses this|NOT NULL"), db.write() as session:
        session.execute(text(statement))
    assert verify(db).intact


def test_a_line_that_is_not_sealed_yet_cannot_be_changed_either(db):
    _act(db)
    with pytest.raises(DBAPIError, match="refuses this"), db.write() as session:
        session.execute(text("UPDATE audit_line SET seq = 1, hash = 'x', subject = 'other'"))
    with pytest.raises(DBAPIError, match="refuses this"), db.write() as session:
        session.execute(text("DELETE FROM audit_line"))


def test_sqlite_refuses_replacing_a_line(sqlite_db):
    _acts(sqlite_db, 1)
    columns = "id, at_ms, action, via, request_id, subject, facts, commitments"
    with pytest.raises(DBAPIError, match="REPLACE"), sqlite_db.write() as session:
        session.execute(
            text(f"INSERT OR REPLACE INTO audit_line ({columns}) VALUES (1, 1, 'x', 'x', '', '', '{{}}', '{{}}')")
        )


@pytest.mark.parametrize("table", _GUARDED)
def test_postgres_refuses_to_empty_the_trail(postgres_db, table):
    _acts(postgres_db, 1)
    with pytest.raises(DBAPIError, match="refuses this TRUNCATE"), postgres_db.write() as session:
        session.execute(text(f"TRUNCATE {table} CASCADE"))


def test_private_values_are_not_in_the_chain(db):
    _act(db, details={"number": "+49 30 1234567"})
    with db.read() as session:
        line = session.execute(text("SELECT facts, commitments, subject FROM audit_line")).one()
    stored = json.dumps([line.facts, line.commitments, line.subject])
    assert "1234567" not in stored
    assert "anna" not in stored
    assert "10.0.0.7" not in stored


def test_the_same_value_has_another_commitment_each_time(db):
    _act(db, details={"number": "201"})
    _act(db, details={"number": "201"})
    with db.read() as session:
        one, two = session.scalars(text("SELECT commitments FROM audit_line"))
    assert one != two


def test_erased_values_are_gone_and_the_chain_still_holds(db):
    _acts(db, 3)
    with db.write() as session:
        erased = erase_private(session, BERND, [1, 2], ["number", "actor.login"], "request of the person")
    assert erased == 4
    seal(db, NOW)
    verdict = verify(db)
    assert verdict.intact
    assert verdict.erased == 4
    erasure, third, _, first = _entries(db)
    assert (first.login, first.details, first.erased) == ("", {}, ("actor.login", "number"))
    assert (third.login, third.details) == ("anna", {"number": "+49 30 2"})
    assert erasure.action == "audit.erase"
    assert erasure.facts == {"keys": ["actor.login", "number"], "lines": [1, 2]}
    assert erasure.details == {"reason": "request of the person"}


def test_erasing_nothing_leaves_no_line(db):
    with db.write() as session:
        assert erase_private(session, BERND, [1], ["number"], "") == 0
    assert _entries(db) == []


def test_each_closed_day_has_a_head_and_expired_days_can_be_dropped(db):
    for day in range(3):
        _act(db)
        _act(db)
        seal(db, NOW + timedelta(days=day))
    with db.read() as session:
        days = daily_heads(session)
        assert [(day, kept.seq) for day, kept in days] == [(20261120, 2), (20261121, 4)]
        assert daily_heads(session, since_day=20261121) == days[1:]
    with db.write() as session:
        assert drop_expired(session, ANNA, 20261121) == [20261120]
    seal(db, NOW + timedelta(days=3))
    verdict = verify(db, days[0][1])
    assert verdict.intact
    assert (verdict.lines, verdict.dropped) == (5, 2)
    assert [entry.seq for entry in _entries(db)] == [7, 6, 5, 4, 3]
    with db.write() as session:
        assert drop_expired(session, ANNA, 20261121) == []


def test_a_day_dropped_without_a_line_is_found(db):
    _act(db)
    seal(db, NOW)
    _act(db)
    seal(db, NOW + timedelta(days=1))
    with db.write() as session:
        session.execute(text("UPDATE audit_segment SET dropped_ms = 1"))
        session.execute(text("DELETE FROM audit_private WHERE line_id = 1"))
        session.execute(text("DELETE FROM audit_line WHERE seq = 1"))
    assert _what(db) == {"dropped"}


def test_a_changed_end_of_day_is_found(db):
    _act(db)
    seal(db, NOW)
    _act(db)
    seal(db, NOW + timedelta(days=1))
    _tamper(db, "UPDATE audit_segment SET last_hash = (SELECT hash FROM audit_line WHERE seq = 2)")
    assert "segment" in _what(db)


def test_lines_are_found_by_what_people_filter(db):
    _act(db)
    _act(db, BERND, Action.SEARCH, subject="")
    _act(db, SYSTEM, Action.INGEST)
    assert [entry.action for entry in _entries(db, actions=frozenset({Action.SEARCH}))] == ["recording.search"]
    assert [entry.login for entry in _entries(db, login="ERN")] == ["Bernd"]
    assert [entry.login for entry in _entries(db, login="%")] == []
    assert [entry.login for entry in _entries(db, person_ids=frozenset({5}))] == ["anna"]
    assert {entry.login for entry in _entries(db, subject="recording:1")} == {"anna", "system"}
    assert _entries(db, started_before=NOW - timedelta(days=9000)) == []
    assert len(_entries(db, started_from=NOW - timedelta(days=9000))) == 3


def test_pages_of_the_trail_go_both_ways(db):
    _acts(db, 7)
    with db.read() as session:
        first = list_entries(session, AuditFilter(), limit=3)
        second = list_entries(session, AuditFilter(), before=first.older, limit=3)
        third = list_entries(session, AuditFilter(), before=second.older, limit=3)
        back = list_entries(session, AuditFilter(), after=second.newer, limit=3)
    assert [[entry.seq for entry in page.items] for page in (first, second, third)] == [[7, 6, 5], [4, 3, 2], [1]]
    assert first.newer is None
    assert third.older is None
    assert back.items == first.items


def test_hostile_texts_are_kept_and_chained(db):
    actor = Actor(None, "\0\ud800" * 50, "web", "x" * 500, "y" * 500)
    _act(db, actor, subject="\0" * 10, details={"\0": "\udcff", "k" * 200: ["\0", {"\0": 1.5}]}, facts={"a": "\ud800"})
    seal(db, NOW)
    assert verify(db).intact


def test_every_action_has_a_name_of_its_own():
    assert len({action.value for action in Action}) == len(Action.__members__)
    assert all("." in action.value for action in Action)
