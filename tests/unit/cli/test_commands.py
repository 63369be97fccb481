"""The command line says what it can do, and errors end with a code that a script understands."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest

from hub.cli import cli
from hub.cli.exits import MEANINGS, Exit


def _run(tmp_path: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "hub", *words],
        env={**os.environ, "RECORDING_HUB_DATA": str(tmp_path / "data"), **environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_every_command_has_help_that_begins_with_what_it_does() -> None:
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None, name
        assert command.help, name


def test_every_exit_code_is_explained() -> None:
    assert set(MEANINGS) == set(Exit)


def test_the_version_is_json_for_a_script(tmp_path: Path) -> None:
    found = json.loads(_run(tmp_path, "version", "--json").stdout)
    assert found["recording_hub"]
    assert found["plugin_api"] == "1.0"


def test_a_mistyped_command_ends_with_2(tmp_path: Path) -> None:
    done = _run(tmp_path, "sevre")
    assert done.returncode == Exit.USAGE
    assert "sevre" in done.stderr


def test_a_wrong_setting_is_named_with_the_way_out_and_no_traceback(tmp_path: Path) -> None:
    done = _run(tmp_path, "db", "status", RECORDING_HUB_PORT="many")
    assert done.returncode == Exit.FAILED
    assert "RECORDING_HUB_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_catalog_is_made_once_and_stays_as_it_is(tmp_path: Path) -> None:
    first, second = _run(tmp_path, "db", "upgrade"), _run(tmp_path, "db", "upgrade")
    assert (first.returncode, second.returncode) == (0, 0)
    assert "was" not in second.stdout
    assert json.loads(_run(tmp_path, "db", "status", "--json").stdout)["up_to_date"]


def test_the_check_of_a_hub_that_was_never_started_says_how_to_start_it(tmp_path: Path) -> None:
    done = _run(tmp_path, "check")
    assert done.returncode == Exit.OK
    assert "recording-hub serve" in done.stdout
    assert not (tmp_path / "data").exists()


def test_a_port_that_is_taken_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = _run(tmp_path, "serve", "--port", str(taken.getsockname()[1]))
    assert done.returncode == Exit.FAILED
    assert "cannot listen" in done.stderr


@pytest.mark.parametrize("command", ["plugins", "db status", "secrets status", "audit verify"])
def test_commands_do_not_need_a_running_hub(tmp_path: Path, command: str) -> None:
    _run(tmp_path, "db", "upgrade")
    done = _run(tmp_path, *command.split(), "--json")
    assert done.returncode == Exit.OK, done.stderr
    assert json.loads(done.stdout)
