"""The fixed processes, and the channel by which the web asks."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from hub.runtime.children import ChildCommand, ChildGaveUp
from hub.runtime.command_server import CommandServer
from tests.doubles.supervision import Supervised, wait_until

_STAYS = (
    "import os, sys, time; from hub.runtime import lifeline; lifeline.hold(); "
    "open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); time.sleep(3600)"
)


def child(name, code, *arguments):
    return ChildCommand(name=name, argv=(sys.executable, "-P", "-c", code, *map(str, arguments)), stop_s=5.0)


def test_a_fixed_process_that_ends_is_started_again_and_goes_with_the_hub(tmp_data, sqlite_db, tmp_path):
    pids = tmp_path / "pids"
    hub = Supervised(tmp_data, sqlite_db, children=[child("web", _STAYS, pids)])
    with hub.running():
        first = wait_until(lambda: pids.exists() and hub.processes()[0].pid)
        assert hub.processes()[0].name == "web"
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: len(pids.read_text().splitlines()) == 2)
        assert hub.processes()[0].starts == 2
    last = pids.read_text().splitlines()[-1]
    wait_until(lambda: not Path(f"/proc/{last}").exists())


def test_a_fixed_process_that_keeps_ending_raises_an_alarm(tmp_data, sqlite_db):
    hub = Supervised(tmp_data, sqlite_db, children=[child("worker", "raise SystemExit(1)")])
    with hub.running():
        wait_until(lambda: hub.open_alarms() == ["INTERNAL_SERVICE_ERROR"])


def test_a_fixed_process_that_cannot_be_set_up_ends_the_hub(tmp_data, sqlite_db):
    hub = Supervised(tmp_data, sqlite_db, children=[child("web", "raise SystemExit(2)")])
    with hub.running():
        wait_until(lambda: hub.ended)
    assert isinstance(hub.ended[0], ChildGaveUp)


def test_a_fixed_process_that_does_not_stop_is_killed_and_that_is_told(tmp_data, sqlite_db, tmp_path):
    ready = tmp_path / "ready"
    stubborn = (
        "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "open(sys.argv[1], 'w').close(); time.sleep(3600)"
    )
    command = ChildCommand(name="web", argv=(sys.executable, "-P", "-c", stubborn, str(ready)), stop_s=0.2)
    hub = Supervised(tmp_data, sqlite_db, children=[command])
    with hub.running():
        wait_until(ready.exists)
    wait_until(lambda: hub.open_alarms() == ["INTERNAL_SERVICE_ERROR"])


@pytest.mark.parametrize("line", [b"", b"\n", b"{}\n", b"[1]\n", b"\xff\xfe\n", b'{"command": "fly"}\n', b"x" * 100])
def test_what_is_no_request_is_answered_or_dropped_and_the_next_one_served(tmp_data, sqlite_db, line):
    hub = Supervised(tmp_data, sqlite_db)
    with hub.running():
        wait_until(lambda: hub.processes() == [])
        with socket.socket(socket.AF_UNIX) as channel:
            channel.connect(str(tmp_data.command_socket))
            channel.sendall(line)
            channel.shutdown(socket.SHUT_WR)
            channel.settimeout(10)
            answer = channel.recv(1000)
        assert answer == b"" or b"refused" in answer
        assert hub.processes() == []


def test_a_channel_that_is_found_can_be_connected_to(tmp_path):
    path = tmp_path / "command.sock"

    async def start_and_look() -> None:
        server = CommandServer(path, {})
        starting = asyncio.create_task(server.start())
        while not path.exists():  # noqa: ASYNC110 - the very moment it appears is what matters
            await asyncio.sleep(0)
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"{}\n")
        assert b"refused" in await reader.read()
        writer.close()
        await writer.wait_closed()
        await starting
        await server.stop()

    asyncio.run(start_and_look())
    assert list(tmp_path.iterdir()) == []
