"""A client may send from the moment it is told where to: then the ports are there, unless a worker does not answer."""

import asyncio
import os
import re
import signal
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from tests.doubles.recording_client import RecordingClient
from tests.unit.plugins.pbx_sip.engine.live_devices import SIP, own_network, recorder, running, until, workers

__all__ = ["own_network"]
pytestmark = pytest.mark.usefixtures("own_network")


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked, suppress(OSError):
        asked.bind(("127.0.0.1", port))
        return True
    return False


def test_the_ports_of_an_answer_are_there_when_it_comes(tmp_path: Path) -> None:
    async def run() -> None:
        device, ctx = recorder(tmp_path)
        async with running(device, ctx):
            for _ in range(20):
                with RecordingClient(("127.0.0.1", SIP)) as client:
                    answer = await client.begin()
                    ports = [int(port) for port in re.findall(r"m=audio (\d+)", answer)]
                    assert ports
                    assert not any(map(is_free, ports))
                    await client.end()

    asyncio.run(run())


def test_calls_are_answered_while_a_worker_hangs(tmp_path: Path) -> None:
    async def run() -> None:
        device, ctx = recorder(tmp_path)
        async with running(device, ctx):
            await until(lambda: workers(tmp_path), "the worker")
            [worker] = workers(tmp_path)
            os.kill(worker, signal.SIGSTOP)
            try:
                with RecordingClient(("127.0.0.1", SIP)) as client:
                    assert (await client.begin()).startswith("SIP/2.0 200")
                    await client.end()
            finally:
                os.kill(worker, signal.SIGCONT)

    asyncio.run(run())
