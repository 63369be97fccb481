"""What a control does about a worker that cannot begin."""

import asyncio
import os
import socket
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from hub.sdk import HealthState
from hub.testing import FakeContext
from plugins.pbx_sip.engine import foreman
from plugins.pbx_sip.engine.foreman import Foreman
from plugins.pbx_sip.engine.manning import HINT_MARK
from plugins.pbx_sip.engine.order import Order
from tests.unit.plugins.pbx_sip.engine.live_devices import mirror, own_network, until

__all__ = ["own_network"]


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When workers were started, each of which ends at once and says why."""
    started: list[float] = []

    def start(order: Path) -> int:
        started.append(time.monotonic())
        order.with_suffix(".log").write_text(f"a line of before\nthe disk is gone{HINT_MARK}Bring it back.\n")
        return os.posix_spawn("/bin/false", ["false"], {})

    monkeypatch.setattr(foreman, "start", start)
    return started


def crew_of_one(folder: Path) -> Foreman:
    return Foreman(folder, Order(journal=str(folder / "journal")), lambda _: None, FakeContext(folder).log)


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def test_a_worker_that_cannot_begin_is_started_ever_more_seldom(
    tmp_path: Path, starts: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreman, "_AGAIN_S", 0.05)
    monkeypatch.setattr(foreman, "_AGAIN_S_MAX", 0.4)

    async def run() -> None:
        one = crew_of_one(tmp_path)
        task = asyncio.create_task(one.run())
        await until(lambda: len(starts) > 5, "several starts")
        assert (one.trouble, one.hint) == ("the disk is gone", "Bring it back.")
        await ended(task)

    asyncio.run(run())
    rests_s = [after - before for before, after in pairwise(starts)]
    assert all(rest_s >= least_s for rest_s, least_s in zip(rests_s, (0.05, 0.1, 0.2, 0.4, 0.4), strict=True))


def test_a_worker_that_cannot_begin_is_started_again_at_once_where_an_interface_came(
    tmp_path: Path, starts: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreman, "_AGAIN_S", 0.05)
    there = [(1, "lo")]
    monkeypatch.setattr(socket, "if_nameindex", lambda: list(there))

    async def run() -> None:
        one = crew_of_one(tmp_path)
        one._rest_s = 3600.0
        task = asyncio.create_task(one.run())
        await until(lambda: one.trouble == "the disk is gone", "the first try")
        there.append((2, "eth1"))
        await until(lambda: len(starts) > 1, "another try")
        await ended(task)

    asyncio.run(run())


@pytest.mark.usefixtures("own_network")
def test_a_mirror_whose_filter_does_not_hold_any_more_says_so_and_what_to_do(tmp_path: Path) -> None:
    async def run() -> None:
        device, ctx = mirror(tmp_path)
        device.settings = device.settings.model_copy(update={"expression": "udp and wish"})
        task = asyncio.create_task(device.run())
        await until(lambda: ctx.health and "filter" in ctx.health[-1].summary, "the trouble")
        assert ctx.health[-1].state is HealthState.DOWN
        assert ctx.health[-1].summary.startswith(
            "Nothing is captured: the filter of the settings does not hold any more:"
        )
        assert ctx.health[-1].hint.startswith("Write it as tcpdump has it")
        await ended(task)

    asyncio.run(run())
