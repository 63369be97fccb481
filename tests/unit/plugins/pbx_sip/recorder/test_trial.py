"""Test says whether a recorder could have its ports."""

import socket
import subprocess
import sys

import pytest

from hub.sdk import SettingsError
from plugins.pbx_sip.recorder.settings import RecorderSettings
from plugins.pbx_sip.recorder.trial import try_settings

HOLD = "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); sys.stdin.read()"
KNOWN = {"address": "127.0.0.1", "allowed_peers": ("192.0.2.7",)}


def holder(*before: str) -> tuple[subprocess.Popen[str], str]:
    """A process that listens on a port, and the port."""
    command = [*before, sys.executable, "-c", HOLD]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_ports_that_nobody_has_are_free():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert try_settings(RecorderSettings(ports=(str(port),), **KNOWN)) == "Address and ports are free."


def test_a_port_of_another_device_is_told_and_may_be_this_device():
    process, port = holder()
    with process:
        said = try_settings(RecorderSettings(ports=(port,), **KNOWN))
        assert process.stdin is not None
        process.stdin.close()
    assert f"A device of this hub uses TCP {port}" in said


def test_a_port_that_another_program_has_is_an_error_that_names_it():
    process, port = holder("setsid", "--fork")
    try:
        with pytest.raises(SettingsError) as error:
            try_settings(RecorderSettings(ports=(port,), **KNOWN))
    finally:
        process.communicate("")
    assert (error.value.field, f"TCP {port} is in use by process" in str(error.value)) == ("ports", True)
    assert f"sport = {port}" in error.value.hint
