import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from hub.sdk import Health, HealthState, RetryLater, SettingsError
from plugins.ipoffice.folder import WORK_NAME
from plugins.ipoffice.plugin import IPOffice
from plugins.ipoffice.running import note_running, running_pids
from plugins.ipoffice.settings import IPOfficeSettings
from tests.doubles import vrl_files
from tests.doubles.source_context import SourceContext
from tests.unit.plugins.ipoffice.test_rivals import WATCHER


def check(ctx: SourceContext, **settings: Any) -> Health:
    return IPOffice(IPOfficeSettings.model_validate(settings), ctx).check()


@pytest.fixture
def ctx(tmp_path: Path) -> SourceContext:
    return SourceContext(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "vrl").mkdir()
    return tmp_path / "vrl"


def test_a_good_folder_says_what_is_in_it_and_how_it_is_watched(ctx: SourceContext, folder: Path) -> None:
    (folder / "a.wav").write_bytes(vrl_files.wave())
    os.utime(folder / "a.wav", (time.time() - 600, time.time() - 600))
    before = sorted(path.stat().st_mtime_ns for path in folder.rglob("*"))
    begun_s = time.monotonic()
    health = check(ctx, folder=str(folder))
    assert time.monotonic() - begun_s < 10
    assert health.state is HealthState.OK
    assert "1 recording waiting for 10 minutes" in health.summary
    assert "announced by the kernel" in health.summary
    assert health.numbers["files_waiting"] == 1
    assert sorted(path.stat().st_mtime_ns for path in folder.rglob("*")) == before
    assert list(ctx.state.items()) == []


def test_a_missing_folder_is_shown_beside_its_field(ctx: SourceContext, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as told:
        check(ctx, folder=str(tmp_path / "none"))
    assert told.value.field == "folder"
    assert told.value.hint


def test_somebody_who_watches_the_folder_is_named(ctx: SourceContext, folder: Path) -> None:
    command = [sys.executable, "-c", WATCHER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        other.stdout.readline()
        try:
            health = check(ctx, folder=str(folder))
        finally:
            other.kill()
    assert health.state is HealthState.DEGRADED
    assert any(str(other.pid) in warning and "Media Manager" in warning for warning in health.warnings)


def test_files_that_vanish_meanwhile_are_noticed(ctx: SourceContext, folder: Path) -> None:
    for name in "abc":
        (folder / f"{name}.wav").write_bytes(vrl_files.wave())
    timer = threading.Timer(0.7, lambda: [path.unlink() for path in folder.glob("*.wav")])
    timer.start()
    health = check(ctx, folder=str(folder))
    timer.join()
    assert any(" and 2 more vanished" in warning for warning in health.warnings)


def test_subfolders_and_leftovers_of_another_hub_are_pointed_out(ctx: SourceContext, folder: Path) -> None:
    (folder / "2026").mkdir()
    left = folder / WORK_NAME / "0123" / "18ea" / "r"
    left.mkdir(parents=True)
    (left / "a.wav").write_bytes(vrl_files.wave())
    health = check(ctx, folder=str(folder))
    assert any("1 subfolders, such as 2026" in warning for warning in health.warnings)
    assert any("another hub" in warning and "0123" in warning for warning in health.warnings)


def test_ports_must_be_free_unless_the_device_itself_has_them(ctx: SourceContext, folder: Path) -> None:
    with socket.socket() as blocker:
        blocker.bind(("127.0.0.1", 0))
        blocker.listen()
        port = blocker.getsockname()[1]
        sender = {"name": "A", "login": "a", "password": "geheim-123"}
        landing = {"topology": "push", "landing_address": "127.0.0.1", "landing_port": port, "senders": [sender]}
        smdr = {
            "folder": str(folder),
            "smdr": "listen",
            "smdr_host": "127.0.0.1",
            "smdr_port": port,
            "smdr_peers": ["127.0.0.1"],
        }
        for settings, field in ((landing, "landing_port"), (smdr, "smdr_port")):
            with pytest.raises(SettingsError) as told:
                check(ctx, **settings)
            assert told.value.field == field
            assert "ss -ltnp" in told.value.hint
        note_running(ctx.state)
        assert running_pids(ctx.state) == {os.getpid()}
        assert check(ctx, **landing).state is HealthState.OK
    assert check(ctx, **landing).state is HealthState.OK
    with pytest.raises(SettingsError) as told:
        check(ctx, **{**landing, "landing_address": "192.0.2.1"})
    assert told.value.field == "landing_address"


def test_a_pbx_is_reached_without_taking_its_rows(ctx: SourceContext, folder: Path) -> None:
    with socket.socket() as pbx:
        pbx.bind(("127.0.0.1", 0))
        pbx.listen()
        settings = {
            "folder": str(folder),
            "smdr": "connect",
            "smdr_host": "127.0.0.1",
            "smdr_port": pbx.getsockname()[1],
        }
        assert "takes connections" in check(ctx, **settings).summary
    with pytest.raises(RetryLater, match="cannot be reached"):
        check(ctx, **settings)


def test_a_process_that_is_gone_runs_no_device(ctx: SourceContext) -> None:
    ctx.state.put("running", [os.getpid(), "1"])
    assert running_pids(ctx.state) == frozenset()
    ctx.state.put("running", [2**22 + 1, "1"])
    assert running_pids(ctx.state) == frozenset()
    ctx.state.put("running", "nonsense")
    assert running_pids(ctx.state) == frozenset()
