import os
import subprocess
import sys
import time
from pathlib import Path

from plugins.ipoffice.contest import QUIET_S, Contest
from plugins.ipoffice.rivals import Rival, find_rivals
from tests.doubles.source_context import SourceContext

WATCHER = """
import ctypes, sys, time
libc = ctypes.CDLL(None)
fd = libc.inotify_init1(0)
assert libc.inotify_add_watch(fd, sys.argv[1].encode(), 0x100) >= 0
print("watching", flush=True)
time.sleep(60)
"""


def test_a_process_that_watches_the_folder_is_found_by_name(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WATCHER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "watching\n"
        try:
            (rival,) = find_rivals(str(tmp_path))
            assert rival.pid == other.pid
            assert "watches the folder" in str(rival)
            assert not find_rivals(str(tmp_path), frozenset({other.pid}))
        finally:
            other.kill()


def test_media_manager_is_known_by_its_name(tmp_path: Path) -> None:
    proc = tmp_path / "proc"
    commands = {
        11: b"/usr/bin/java\0-jar\0/opt/MediaManager/MediaManager.jar\0",
        12: b"/usr/bin/vim\0media-manager.txt\0",
        13: b"/opt/avaya/mediamanager\0",
    }
    for pid, command in commands.items():
        (proc / str(pid) / "fd").mkdir(parents=True)
        (proc / str(pid) / "cmdline").write_bytes(command)
    (proc / "self").mkdir()
    assert sorted(rival.pid for rival in find_rivals(str(tmp_path), proc=proc)) == [11, 13]


def test_one_vanished_file_is_an_accident_and_three_are_an_alarm(tmp_path: Path) -> None:
    ctx = SourceContext(tmp_path)
    contest = Contest(ctx, "/in")
    contest.vanished("a.wav")
    contest.judge([])
    assert not ctx.alarms
    contest.vanished("b.wav")
    contest.vanished("c.wav")
    contest.judge([])
    (alarm,) = ctx.alarms.values()
    assert alarm.code == "HANDOFF_CONTESTED"
    assert "Media Manager" in alarm.hint
    now_s = time.monotonic() + QUIET_S + 1
    contest.judge([], now_s)
    assert not ctx.alarms


def test_one_vanished_file_and_a_known_rival_are_an_alarm(tmp_path: Path) -> None:
    ctx = SourceContext(tmp_path)
    contest = Contest(ctx, "/in")
    contest.judge([Rival(os.getpid(), "java", "is Media Manager")])
    assert not ctx.alarms
    contest.vanished("a.wav")
    contest.judge([Rival(os.getpid(), "java", "is Media Manager")])
    assert "java" in next(iter(ctx.alarms.values())).text


def test_an_alarm_of_an_earlier_run_is_cleared_by_a_quiet_time(tmp_path: Path) -> None:
    ctx = SourceContext(tmp_path)
    contest = Contest(ctx, "/in")
    for name in "abc":
        contest.vanished(name)
    contest.judge([])
    again = Contest(ctx, "/in")
    assert again.is_raised
    again.judge([], time.monotonic() + QUIET_S + 1)
    assert not ctx.alarms
    assert ctx.state.get("handoff.contested") is None
