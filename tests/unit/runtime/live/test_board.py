"""The supervisor's list of calls and its way to the database."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from hub.access.live_reader import LiveReader
from hub.catalog import live_calls
from hub.catalog.live_calls import LiveQuery
from hub.db.errors import DatabaseAway
from hub.runtime.live import board as board_module
from hub.runtime.live.board import LiveBoard
from hub.sdk import LiveCall, Party
from tests.doubles import outbox
from tests.unit.runtime.live.conftest import MARIA

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def call(ref, **more):
    return LiveCall(id=ref, started_at=NOW, parties=(Party(number=ref),), **more)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    for name in ("_TOGETHER_S", "_APART_S", "_AWAY_S"):
        monkeypatch.setattr(board_module, name, 0.01)


def run(db, script):
    """Run `script` beside a board that writes."""

    async def both():
        board = LiveBoard(db)
        writing = asyncio.create_task(board.run())
        try:
            await script(board)
        finally:
            writing.cancel()
            with suppress(asyncio.CancelledError):
                await writing

    asyncio.run(asyncio.wait_for(both(), 60))


def listed(db, limit=500):
    found = LiveReader(db).search(MARIA, LiveQuery(), limit=limit).items
    return sorted((item.device_id, item.parties[0].number) for item in found)


class Outage:
    """The database takes nothing between `begin` and `end`; tries: how often that was found out."""

    def __init__(self, patch):
        self._patch, self._write = patch, live_calls.write
        self.tries = 0

    def begin(self):
        self._patch.setattr(live_calls, "write", self._refuse)

    def end(self):
        self._patch.setattr(live_calls, "write", self._write)

    def _refuse(self, *_):
        self.tries += 1
        raise DatabaseAway("away")


async def until(condition):
    while not await asyncio.to_thread(condition):  # noqa: ASYNC110 - what is waited for happens in a database
        await asyncio.sleep(0.01)


def test_each_device_has_its_own_calls(db):
    async def script(board):
        board.note(1, {"a": call("a"), "b": call("b")})
        board.note(2, {"a": call("a")})
        await until(lambda: listed(db) == [(1, "a"), (1, "b"), (2, "a")])
        board.note(1, {"a": None, "nobody": None})
        await until(lambda: listed(db) == [(1, "b"), (2, "a")])
        board.clear(1)
        await until(lambda: listed(db) == [(2, "a")])

    run(db, script)


def test_pages_are_told_by_device_and_learn_nothing_of_the_calls(db):
    async def script(board):
        board.note(1, {"secret": call("secret")})
        await until(lambda: listed(db) == [(1, "secret")])

    run(db, script)
    with db.read() as session:
        found = [(event.topic, event.subject, event.payload) for event in outbox.told(session)]
    assert found == [("live.changed", "instance:1", {})]


def test_while_the_database_is_away_only_the_last_word_on_each_call_waits(sqlite_db, monkeypatch):
    outage = Outage(monkeypatch)

    async def script(board):
        board.note(1, {"old": call("old")})
        await until(lambda: listed(sqlite_db) == [(1, "old")])
        outage.begin()
        for number in range(2000):
            board.note(1, {"busy": call(f"{number}"), f"short {number}": call("short")})
            board.note(1, {f"short {number}": None})
        board.note(1, {"old": None})
        await until(lambda: outage.tries > 1)
        assert len(board._waiting) <= 4
        outage.end()
        await until(lambda: listed(sqlite_db) == [(1, "1999")])

    run(sqlite_db, script)


def test_a_device_that_dies_while_the_database_is_away_leaves_nothing_behind(sqlite_db, monkeypatch):
    outage = Outage(monkeypatch)

    async def script(board):
        board.note(1, {"written": call("written")})
        await until(lambda: listed(sqlite_db) == [(1, "written")])
        outage.begin()
        board.note(1, {"waiting": call("waiting")})
        await until(lambda: outage.tries)
        board.clear(1)
        board.note(1, {"new life": call("new life")})
        outage.end()
        await until(lambda: listed(sqlite_db) == [(1, "new life")])

    run(sqlite_db, script)


def test_names_that_no_database_takes_are_listed_all_the_same(db):
    async def script(board):
        odd = LiveCall(
            id="\x00\udcff", started_at=NOW, parties=(Party(number="\x00\udcff", name="\x00"),), call_id="\x00"
        )
        board.note(1, {odd.id: odd})
        await until(lambda: [number for _, number in listed(db)] == ["\\x00\\udcff"])

    run(db, script)


def test_five_thousand_calls_and_two_hundred_changes_are_written_in_batches(sqlite_db):
    async def script(board):
        board.note(1, {str(number): call(str(number)) for number in range(5000)})
        await until(lambda: LiveReader(sqlite_db).count(MARIA, LiveQuery()) == 5000)
        board.note(1, {str(number): None for number in range(100)} | {f"n{n}": call(f"n{n}") for n in range(100)})
        await until(lambda: LiveReader(sqlite_db).count(MARIA, LiveQuery(text="n")) == 100)

    run(sqlite_db, script)
