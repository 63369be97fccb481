"""A disk that runs full is said before it is full, and said to be over when there is room again."""

import shutil
from pathlib import Path

import pytest

from hub.alerts.board import Board
from hub.app.disk_space import DiskSpace
from hub.config import load_config
from hub.db.database import Database
from hub.ingest.spool import Spool

_TB = 1 << 40


@pytest.fixture
def board(db: Database) -> Board:
    return Board(db)


def _codes(board: Board) -> list[str]:
    board.flush()
    return [alarm.code for alarm in board.list_open()]


def _with_free(monkeypatch: pytest.MonkeyPatch, free_bytes: int) -> None:
    usage = shutil._ntuple_diskusage(_TB, _TB - free_bytes, free_bytes)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)


def test_a_disk_with_little_room_raises_an_alarm_that_room_clears(
    board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = DiskSpace(load_config({}, tmp_path), board)
    Spool(tmp_path / "spool")
    _with_free(monkeypatch, 1 << 20)
    watch.look()
    assert _codes(board) == ["DISK_SPACE_ERROR"]
    _with_free(monkeypatch, _TB // 2)
    watch.look()
    assert _codes(board) == []
    board.close()


def test_a_folder_that_is_gone_is_said_to_be_unknown(board: Board, tmp_path: Path) -> None:
    watch = DiskSpace(load_config({}, tmp_path / "not there"), board)
    watch.look()
    assert _codes(board) == ["DISK_SPACE_ERROR"]
    spool = Spool(tmp_path / "not there" / "spool")
    watch.look()
    assert _codes(board) == []
    spool.folder.rename(tmp_path / "away")
    watch.look()
    [alarm] = board.list_open() if not board.flush() else []
    assert (alarm.code, str(spool.folder) in alarm.text) == ("DISK_SPACE_ERROR", True)
    (tmp_path / "away").rename(spool.folder)
    watch.look()
    assert _codes(board) == []
    board.close()
