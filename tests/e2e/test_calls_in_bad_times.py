"""Calls that come while the catalog is away, the disk is full, or the disk is slow: none of their sound is lost."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from tests.doubles.hub import Hub, until
from tests.doubles.many_calls import ManyCalls, many_calls
from tests.doubles.postgres import alone
from tests.doubles.recording_client import RecordingClient
from tests.e2e.test_calls_as_they_happen import add_recorder, all_of, free_ports, has_spare, lost_s
from tests.house import tree
from tests.privileges import namespace, need_disks

AWAY_S = 32.0  # the hub waits 30 s for its database, and then does without
CALLS = 4
DISK_BYTES = 640 << 20  # a recorder takes no new call when there is less room than 512 MiB
WRITE_S, THAW_S = 3.0, 0.2
_SETTLE_S = 0.2
_WITHIN_S = 120.0


class Evening:
    """A hub with a recorder, and the groups of calls that it is sent; at the end each is found once with all its sound."""

    def __init__(self, hub: Hub, **settings: object) -> None:
        self.hub = hub
        self.sip, rtp = free_ports()
        self._groups: list[ManyCalls] = []
        self._opened = ExitStack()
        self.admin = self._opened.enter_context(hub.administrator())
        self.device = add_recorder(self.admin, self.sip, rtp, **settings)
        until(lambda: has_spare(self.admin, self.device), 60, "the spare worker")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    async def begin(self, count: int) -> ManyCalls:
        """So many calls more."""
        calls = self._opened.enter_context(many_calls(("127.0.0.1", self.sip), count))
        self._groups.append(calls)
        await calls.begin()
        await asyncio.sleep(_SETTLE_S)
        return calls

    def assert_found_whole_and_once(self) -> None:
        wanted = {client.call_id: calls.sent_s for calls in self._groups for client in calls.clients}
        rows = until(lambda: all_of(self.admin, len(wanted)), _WITHIN_S, "all recordings")
        assert sorted(str(row["call_id"]) for row in rows) == sorted(wanted)
        lost = {row["call_id"]: lost_s(self.admin, row, wanted[str(row["call_id"])]) for row in rows}
        assert max(lost.values()) < 1e-6, lost
        numbers = self.numbers()
        assert (numbers["packets_lost_in_kernel"], numbers["packets_lost_for_want_of_disk"]) == (0, 0)

    def numbers(self) -> dict[str, float]:
        """What the device counts."""
        counted: dict[str, float] = self.admin.api.get(f"/devices/{self.device}").json()["health"]["numbers"]
        return counted


async def go_on_through(
    evening: Evening, outage: Callable[[], Coroutine[Any, Any, None]], *, begins: bool = True
) -> None:
    """Calls that began before it, that end in it, that are all in it if they may, and that end after it."""
    async with asyncio.TaskGroup() as talking:
        is_over, is_back = asyncio.Event(), asyncio.Event()

        async def talk(calls: ManyCalls, until_then: asyncio.Event) -> None:
            await calls.talk_until(until_then)
            await calls.end()

        for until_then in (is_over, is_back):
            talking.create_task(talk(await evening.begin(CALLS), until_then))
        await asyncio.sleep(2.0)
        away = talking.create_task(outage())
        await asyncio.sleep(1.0)
        for until_then in (is_over, is_back) if begins else ():
            talking.create_task(talk(await evening.begin(CALLS), until_then))
        await asyncio.sleep(4.0)
        is_over.set()
        await away
        await asyncio.sleep(2.0)
        is_back.set()


def through_a_locked_catalog(folder: Path, away_s: float) -> None:
    async def lock() -> None:
        other = sqlite3.connect(folder / "data" / "catalog.sqlite3", isolation_level=None, timeout=30)
        try:
            other.execute("BEGIN EXCLUSIVE")
            await asyncio.sleep(away_s)
            other.execute("ROLLBACK")
        finally:
            other.close()

    with Hub(folder / "data") as hub, Evening(hub) as evening:
        asyncio.run(go_on_through(evening, lock))
        evening.assert_found_whole_and_once()


def through_a_stopped_server(folder: Path, away_s: float) -> None:
    with alone() as server:
        server.create_database("hub")

        async def stop() -> None:
            await asyncio.to_thread(server.stop, "immediate")
            await asyncio.sleep(away_s)
            await asyncio.to_thread(server.start)

        environ = {"RECORDING_HUB_DATABASE_URL": server.url("hub")}
        with Hub(folder / "data", environ) as hub, Evening(hub) as evening:
            asyncio.run(go_on_through(evening, stop))
            evening.assert_found_whole_and_once()


@pytest.mark.parametrize("through", [through_a_locked_catalog, through_a_stopped_server])
def test_calls_are_whole_and_listed_once_when_the_database_was_away(
    through: Callable[[Path, float], None], tmp_path: Path
) -> None:
    through(tmp_path, AWAY_S)


def inside(scene: str, folder: Path) -> None:
    """Play a scene of this module in a mount namespace of its own, which takes its mounts with it."""
    code = f"from pathlib import Path; from tests.e2e import test_calls_in_bad_times as it; it.{scene}(Path({str(folder)!r}))"
    command = [*namespace(), sys.executable, "-W", "ignore", "-c", code]
    ended = subprocess.run(command, cwd=tree.ROOT, env=os.environ, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-4000:]


def through_a_full_disk(folder: Path) -> None:
    """All that the hub has lies on a disk that another program fills."""
    data = folder / "data"
    data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(data)], check=True)
    ballast = data / "ballast"

    async def fill() -> None:
        await asyncio.to_thread(fill_disk, ballast)
        await asyncio.sleep(4.0)
        with RecordingClient(("127.0.0.1", evening.sip)) as late:
            assert (await late.begin()).startswith("SIP/2.0 503"), "a telephone system is sent to its next recorder"
        await asyncio.sleep(4.0)
        ballast.unlink()

    with Hub(data) as hub, Evening(hub) as evening:
        asyncio.run(go_on_through(evening, fill, begins=False))
        evening.assert_found_whole_and_once()


def fill_disk(ballast: Path) -> None:
    with ballast.open("wb") as file:
        size_bytes = shutil.disk_usage(ballast.parent).free
        while size_bytes:
            try:
                os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), size_bytes)
            except OSError:
                size_bytes //= 2


def through_a_slow_disk(folder: Path, calls: int = 60, length_s: float = 12.0) -> None:
    """All that the hub has lies on a disk of which every write lasts three seconds while calls go on."""
    data = folder / "data"
    data.mkdir()
    image = folder / "disk.img"
    with image.open("wb") as file:
        file.truncate(4 << 30)
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(data)], check=True)

    async def talk() -> None:
        group = await evening.begin(calls)
        with slow(data):
            await group.talk(length_s)
        await group.end()

    with Hub(data) as hub, Evening(hub) as evening:
        asyncio.run(talk())
        evening.assert_found_whole_and_once()


@contextmanager
def slow(disk: Path) -> Iterator[None]:
    """Whatever writes to a disk waits until it thaws for a moment, every three seconds."""
    over = threading.Event()

    def freeze() -> None:
        while not over.is_set():
            subprocess.run(["fsfreeze", "--freeze", str(disk)], check=True)
            over.wait(WRITE_S)
            subprocess.run(["fsfreeze", "--unfreeze", str(disk)], check=True)
            over.wait(THAW_S)

    freezing = threading.Thread(target=freeze)
    freezing.start()
    try:
        yield
    finally:
        over.set()
        freezing.join()


@pytest.mark.privileged
def test_calls_are_whole_and_listed_once_when_the_disk_was_full(tmp_path: Path) -> None:
    inside(through_a_full_disk.__name__, tmp_path)


@pytest.mark.privileged
def test_calls_are_whole_and_listed_once_when_the_disk_is_slow(tmp_path: Path) -> None:
    need_disks()
    inside(through_a_slow_disk.__name__, tmp_path)
