"""The supervisor and the processes of devices: how they live, fail and come back."""

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from hub.audit.actor import SYSTEM
from hub.db.database import Database
from hub.ingest.spool import Spool
from hub.runtime.commands import CommandClient
from hub.runtime.failure import FailureKind, PluginFailure, SupervisorAway
from hub.runtime.instance import InstanceOptions, InstanceState, Startup
from hub.runtime.roster_file import SupervisorRunning
from hub.sdk import HealthState, Kind
from tests.doubles.supervision import QUICK, Supervised, is_gone, wait_until

pytestmark = pytest.mark.usefixtures("zoo")


def test_a_device_runs_in_a_process_of_its_own_and_submits(hub):
    device = hub.add("steady")
    with hub.running():
        hub.wait_for(device, "ok")
        assert hub.pid(device) != os.getpid()
        wait_until(lambda: Spool(hub.config.spool).count() > 3)
        health = wait_until(lambda: (now := hub.health(device)).last_recording_ms and now)
        assert health.summary == "Recording."
        assert health.since_ms > 0
        pid = hub.pid(device)
    assert is_gone(pid)


def test_a_plug_in_that_says_nothing_counts_as_running(hub, tmp_path):
    device = hub.add("quiet", folder=str(tmp_path))
    with hub.running():
        assert hub.wait_for(device, "ok").summary == "Running."
    assert (tmp_path / "stopped").exists(), "its run() was not cancelled in order"


def test_a_device_added_while_the_hub_runs_starts_and_a_deleted_one_stops(hub, tmp_path):
    with hub.running():
        device = hub.add("quiet", folder=str(tmp_path))
        hub.reload(device)
        hub.wait_for(device, "ok")
        pid = hub.pid(device)
        hub.instances.delete(device, SYSTEM)
        hub.reload(device)
        wait_until(lambda: is_gone(pid))
        assert hub.status(device) is None


def test_a_switched_off_device_stops_and_its_alarms_end(hub, tmp_path):
    device = hub.add("alarming", folder=str(tmp_path))
    with hub.running():
        wait_until(lambda: hub.open_alarms() == ["DEVICE_DOWN"])
        pid = hub.pid(device)
        hub.instances.change(device, 1, SYSTEM, enabled=False)
        wait_until(lambda: is_gone(pid))
        wait_until(lambda: hub.open_alarms() == [])
        assert hub.health(device).state is InstanceState.DISABLED


def test_the_lamp_follows_the_plug_in_with_its_alarm(hub, tmp_path):
    device = hub.add("alarming", folder=str(tmp_path))
    with hub.running():
        red = hub.wait_for(device, "down")
        assert red.summary == "Something is wrong."
        wait_until(lambda: hub.open_alarms() == ["DEVICE_DOWN"])
        (tmp_path / "well").touch()
        green = hub.wait_for(device, "ok")
        assert green.since_ms > red.since_ms
        wait_until(lambda: hub.open_alarms() == [])


def test_new_settings_are_taken_up_by_a_fresh_process(hub, tmp_path):
    device = hub.add("quiet", folder=str(tmp_path))
    with hub.running():
        hub.wait_for(device, "ok")
        first = hub.pid(device)
        hub.instances.change(device, 1, SYSTEM, settings={"folder": str(tmp_path), "pause_s": 1})
        hub.reload(device)
        wait_until(lambda: hub.pid(device) != first)


def test_a_plug_in_that_blocks_its_loop_is_seen_killed_and_started_again(hub):
    device = hub.add("sleeper")
    with hub.running():
        first = hub.pid(device)
        health = wait_until(lambda: "hangs at" in (now := hub.health(device)).summary and now)
        assert health.state is InstanceState.DOWN
        assert "rechub_zoo.py line" in health.summary
        assert "in run" in health.summary
        wait_until(lambda: is_gone(first))
        wait_until(lambda: hub.pid(device) != first)


def test_a_plug_in_that_takes_too_much_memory_is_ended_and_told_why(hub):
    device = hub.add("leaker", options=InstanceOptions(memory_limit_mb=128))
    with hub.running():
        first = hub.pid(device)
        health = wait_until(lambda: "memory" in (now := hub.health(device)).summary and now)
        assert "It used more than 128 MB of memory" in health.summary
        assert is_gone(first)


def test_a_plug_in_that_ends_its_process_is_parked_after_some_times_and_a_person_can_start_it(hub):
    device = hub.add("exiter")
    with hub.running():
        parked = hub.wait_for(device, "parked")
        assert "It ended its own process with exit code 7." in parked.summary
        assert hub.status(device).starts == QUICK.crashes
        wait_until(lambda: hub.open_alarms() == ["PLUGIN_PARKED"])
        hub.commands.restart(device, deadline_s=30)
        wait_until(lambda: hub.status(device).starts > QUICK.crashes)


def test_a_killed_device_is_started_again_at_once_though_what_it_started_lives_on(hub, tmp_path):
    device = hub.add("parent", folder=str(tmp_path))
    child = tmp_path / "child"
    with hub.running():
        hub.wait_for(device, "ok")
        first, started = hub.pid(device), int(child.read_text())
        assert not any("socket:" in str(each.readlink()) for each in Path(f"/proc/{started}/fd").iterdir())
        os.kill(first, signal.SIGKILL)
        killed_s = time.monotonic()
        try:
            wait_until(lambda: hub.pid(device) not in {0, None, first})
            assert time.monotonic() - killed_s < QUICK.lost_s - 0.5
        finally:
            os.kill(started, signal.SIGKILL)
    os.kill(int(child.read_text()), signal.SIGKILL)


def test_a_plug_in_that_ignores_cancelling_and_sigterm_is_killed_within_the_deadline(hub):
    device = hub.add("stubborn")
    with hub.running():
        hub.wait_for(device, "ok")
        pid = hub.pid(device)
        hub.instances.change(device, 1, SYSTEM, enabled=False)
        hub.reload(device)
        wait_until(lambda: is_gone(pid), QUICK.stop_s + QUICK.term_s + 3)


def test_one_bad_device_leaves_the_others_recording(hub):
    bad = [hub.add(name) for name in ("sleeper", "exiter", "stubborn")]
    good = hub.add("steady")
    with hub.running():
        hub.wait_for(good, "ok")
        hub.wait_for(bad[1], "parked")
        before = Spool(hub.config.spool).count()
        wait_until(lambda: Spool(hub.config.spool).count() > before + 5)
        assert hub.status(good).starts == 1


@pytest.mark.parametrize(
    ("what", "state", "summary", "alarm"),
    [
        ("settings", "needs_settings", "The folder is not there.", "DEVICE_SETTINGS"),
        ("auth", "down", "The password was refused.", "DEVICE_AUTH"),
        ("later", "down", "The server is away.", None),
    ],
)
def test_an_error_of_a_plug_in_is_an_instruction(hub, what, state, summary, alarm):
    device = hub.add("raiser", folder=what)
    with hub.running():
        health = hub.wait_for(device, state)
        assert health.summary == summary
        if alarm:
            wait_until(lambda: hub.open_alarms() == [alarm])
            assert hub.status(device).starts == 1
        else:
            wait_until(lambda: hub.status(device).starts > 2)
        if what == "settings":
            assert health.field_errors == {"folder": ("The folder is not there.",)}
            assert health.hint == "Make it."


def test_new_settings_end_the_wait_for_credentials_and_the_alarm(hub):
    device = hub.add("raiser", folder="auth")
    with hub.running():
        wait_until(lambda: hub.open_alarms() == ["DEVICE_AUTH"])
        plugin = hub.add("steady")
        hub.instances.delete(plugin, SYSTEM)
        hub.instances.change(device, 1, SYSTEM, settings={"folder": "later"})
        wait_until(lambda: hub.health(device).summary == "The server is away.")


def test_a_device_that_must_not_start_by_itself_again_waits_for_a_person(hub):
    device = hub.add("raiser", folder="later", options=InstanceOptions(startup=Startup.STOP))
    with hub.running():
        parked = hub.wait_for(device, "parked")
        assert parked.summary == "It could not start and is set to wait for a person. The server is away."
        assert hub.status(device).starts == 1


@pytest.mark.parametrize(("what", "text"), [("other", "ValueError: boom other"), ("return", "It stopped by itself.")])
def test_a_crash_says_what_happened(hub, what, text):
    device = hub.add("raiser", folder=what)
    with hub.running():
        assert text in hub.wait_for(device, "parked").summary


def test_a_plug_in_that_is_not_installed_any_more_says_so(hub, site):
    device = hub.add("quiet", folder="/tmp")
    for file in site.glob("*.dist-info/*"):
        file.unlink()
    with hub.running():
        health = hub.wait_for(device, "plugin_missing")
        assert health.summary == "No plug-in is called quiet."
        wait_until(lambda: hub.open_alarms() == ["PLUGIN_MISSING"])


def test_a_device_process_imports_the_sdk_the_spool_and_its_plug_in_only(hub, capfd):
    device = hub.add("raiser", folder="modules", options=InstanceOptions(startup=Startup.STOP))
    with hub.running():
        hub.wait_for(device, "parked")
    told = capfd.readouterr().out
    ours, every = (set(told.partition(words)[2].partition("\n")[0].split()) for words in ("hub modules", "all modules"))
    allowed = ("hub.sdk", "hub.ingest", "hub.runtime", "hub.clock", "hub.errors", "hub.ids", "hub.steps", "hub.alerts")
    words = {
        "hub.catalog",
        "hub.catalog.content",
        "hub.catalog.terms",
        "hub.catalog.timeline",
        "hub.db",
        "hub.db.plain",
    }
    strangers = {name for name in ours if not name.startswith((*allowed, "hub.rules"))}
    assert strangers <= words
    assert {"hub.ingest.spool", "hub.sdk.source"} <= ours
    heavy = {"sqlalchemy", "structlog", "starlette", "fastapi", "uvicorn", "av", "numpy", "alembic", "cryptography"}
    assert heavy & every == set()


def test_a_device_process_is_given_no_keys_and_no_database_address(hub, monkeypatch):
    monkeypatch.setenv("RECORDING_HUB_SECRET_KEY", "top secret")
    monkeypatch.setenv("RECORDING_HUB_DATABASE_URL", "postgresql://u:p@h/d")
    device = hub.add("quiet", folder="/tmp")
    with hub.running():
        hub.wait_for(device, "ok")
        environment = Path(f"/proc/{hub.pid(device)}/environ").read_bytes()
        command = Path(f"/proc/{hub.pid(device)}/cmdline").read_bytes()
    assert b"RECORDING_HUB" not in environment
    assert b"folder" not in command


def test_trying_settings_tells_health_or_what_is_wrong(hub):
    model = hub.instances._plugins.find(Kind.SOURCE, "raiser").info.settings
    with hub.running():
        steady = hub.commands.check(Kind.SOURCE, "steady", model())
        assert (steady.state, steady.summary) == (HealthState.OK, "All well.")
        with pytest.raises(PluginFailure) as caught:
            hub.commands.check(Kind.SOURCE, "raiser", model(folder="settings"))
        assert caught.value.kind is FailureKind.SETTINGS
        assert caught.value.by_field == {"folder": ["The folder is not there."]}
        assert caught.value.hint == "Make it."
        with pytest.raises(PluginFailure, match="ValueError: boom other"):
            hub.commands.check(Kind.SOURCE, "raiser", model(folder="other"))
        with pytest.raises(PluginFailure, match="It did not answer within 1 s"):
            hub.commands.check(Kind.SOURCE, "raiser", model(folder="hang"), deadline_s=1)
        with pytest.raises(PluginFailure, match="No plug-in is called nothing"):
            hub.commands.check(Kind.SOURCE, "nothing", model())
    assert not list(hub.config.run.glob("check-*"))
    left = {path.name for path in hub.config.state.glob("*")}
    assert left <= {"roster.json", "rules.json"}, "a check leaves nothing but what the supervisor wrote itself"


def test_connectors_are_checked_from_time_to_time(hub, tmp_path):
    store = hub.add("shelf", Kind.CONNECTOR, folder=str(tmp_path / "store"))
    (tmp_path / "store").mkdir()
    with hub.running():
        hub.wait_for(store, "ok")
        (tmp_path / "store").rename(tmp_path / "elsewhere")
        red = hub.wait_for(store, "down")
        assert (red.summary, red.hint) == ("The shelf is away.", "Bring it back.")
        wait_until(lambda: hub.open_alarms() == ["STORAGE_DOWN"])
        (tmp_path / "elsewhere").rename(tmp_path / "store")
        hub.wait_for(store, "ok")
        wait_until(lambda: hub.open_alarms() == [])


def test_a_database_that_is_locked_stops_no_device_and_health_is_written_later(tmp_data, sqlite_db):
    quick = Database(sqlite_db.url, timeout_s=0.3)
    hub = Supervised(tmp_data, quick)
    device = hub.add("steady")
    with closing(quick), hub.running():
        hub.wait_for(device, "ok")
        wait_until(lambda: hub.health(device).last_recording_ms)
        before = hub.health(device).last_recording_ms
        with closing(sqlite3.connect(sqlite_db.path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            count = Spool(hub.config.spool).count()
            wait_until(lambda: Spool(hub.config.spool).count() > count + 20)
            other.execute("ROLLBACK")
        wait_until(lambda: hub.health(device).last_recording_ms > before)
        assert hub.status(device).starts == 1


def test_a_hub_that_starts_while_the_database_is_away_records_with_what_it_knew(hub):
    device = hub.add("steady")
    with hub.running():
        hub.wait_for(device, "ok")
    sealed = json.loads((hub.config.state / "roster.json").read_text())
    assert [values["name"] for values in sealed] == ["steady"]
    assert stat.S_IMODE((hub.config.state / "roster.json").stat().st_mode) == 0o600
    path = hub.db.path
    hub.db.close()
    path.rename(path.with_suffix(".away"))
    again = Supervised(hub.config, hub.db)
    count = Spool(hub.config.spool).count()
    with again.running():
        wait_until(lambda: Spool(hub.config.spool).count() > count + 3)
        path.with_suffix(".away").rename(path)
        again.wait_for(device, "ok")


def test_only_one_supervisor_works_on_a_data_folder(hub):
    with hub.running():
        other = Supervised(hub.config, hub.db)
        with other.running():
            wait_until(lambda: other.ended)
    assert isinstance(other.ended[0], SupervisorRunning)
    assert f"process {os.getpid()}" in str(other.ended[0])


def test_the_command_channel_is_for_the_hubs_own_user_and_goes_with_the_hub(hub):
    path = hub.config.command_socket
    with pytest.raises(SupervisorAway, match="does not answer"):
        CommandClient(path).status()
    path.touch()
    with hub.running():
        wait_until(path.is_socket)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert hub.processes() == []
    assert not path.exists()


def test_the_same_request_twice_is_done_once(hub):
    device = hub.add("quiet", folder="/tmp")
    with hub.running():
        hub.wait_for(device, "ok")
        hub.commands.restart(device, deadline_s=30, key="k1")
        wait_until(lambda: hub.status(device).starts == 2)
        hub.wait_for(device, "ok")
        hub.commands.restart(device, deadline_s=30, key="k1")
        hub.reload(device)
        assert hub.status(device).starts == 2
        with pytest.raises(PluginFailure, match="no such instance"):
            hub.commands.restart(12345, deadline_s=30)


def test_devices_end_with_a_supervisor_that_was_killed(hub, tmp_path):
    """Killed with SIGKILL, from outside: its devices may not live on."""
    hub.add("stubborn")
    script = tmp_path / "serve.py"
    script.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from hub.config import load_config\n"
        "from hub.db.database import Database\n"
        "from tests.doubles.supervision import Supervised\n"
        "import signal\n"
        "hub = Supervised(load_config({}, data=Path(sys.argv[1])), Database(sys.argv[2]))\n"
        "with hub.running():\n"
        "    signal.pause()\n"
    )
    with subprocess.Popen([sys.executable, str(script), str(hub.config.data), hub.db.url]) as process:
        wait_until(hub.config.command_socket.exists)
        device = hub.instances.list()[0].id
        pid = hub.pid(device)
        hub.wait_for(device, "ok")
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait_until(lambda: is_gone(pid), 5)
