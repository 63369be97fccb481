"""Calls that a telephone system sends to the recorder, through a hub as people start it."""

import asyncio
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.doubles import audio
from tests.doubles.hub import Administrator, Hub, until
from tests.doubles.many_calls import ManyCalls, many_calls
from tests.doubles.recording_client import RecordingClient


def free_ports() -> tuple[int, int]:
    """A SIP port and the first of 2,500 media ports that are most likely free: below those that the kernel gives away."""
    return random.randrange(20_000, 26_000), random.randrange(13_000, 15_100) * 2


def add_recorder(admin: Administrator, sip: int, rtp: int, **more: object) -> str:
    """A recorder on loopback; its id."""
    settings = {
        "address": "127.0.0.1",
        "ports": [str(sip)],
        "allowed_peers": ["127.0.0.0/8"],
        "rtp_first": rtp,
        "rtp_last": rtp + 2500,
    } | more
    made = admin.api.post("/devices", json={"plugin": "sip_recorder", "name": "Recorder", "settings": settings})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


CALLS = 500
LOSS_S = 1.5


def recordings(admin: Administrator) -> list[dict[str, object]]:
    """All there are."""
    found: list[dict[str, object]] = admin.api.get("/recordings", params={"limit": 100}).json()["items"]
    return found


def all_of(admin: Administrator, count: int) -> list[dict[str, object]]:
    """All recordings once there are so many; none before."""
    if admin.api.get("/recordings/count").json()["n"] < count:
        return []
    query: dict[str, object] = {"limit": 100}
    rows: list[dict[str, object]] = []
    while True:
        page = admin.api.get("/recordings", params=query).json()
        rows += page["items"]
        if not page.get("next"):
            return rows
        query["cursor"] = page["next"]


def lost_s(admin: Administrator, row: dict[str, object], sent_s: float) -> float:
    """How much of what was sent is not in a recording, s; of the channel that has less."""
    samples, rate_hz = audio.decoded(admin.api.get(f"/recordings/{row['id']}/original").content)
    assert rate_hz == 8000
    return sent_s - min(np.count_nonzero(samples, axis=0)) / rate_hz


def tones(samples: np.ndarray, rate_hz: int) -> list[int]:
    """The loudest frequency in each channel, Hz."""
    return [
        round(np.abs(np.fft.rfft(channel)).argmax() * rate_hz / len(channel)) for channel in samples.T.astype(float)
    ]


def test_a_session_that_a_telephone_system_sends_is_listed_with_its_parties_each_in_its_channel(tmp_path: Path) -> None:
    sip, rtp = free_ports()
    with Hub(tmp_path / "data") as hub, hub.administrator() as admin:
        add_recorder(admin, sip, rtp)

        async def call() -> str:
            with RecordingClient(("127.0.0.1", sip)) as client:
                await client.begin()
                await client.hum(3.0, 440.0, 620.0)
                await client.end()
                return client.call_id

        call_id = asyncio.run(call())
        [row] = until(lambda: recordings(admin), 60, "the recording")
        assert {party["number"] for party in row["parties"]} == {"201", "4930123456"}
        samples, rate_hz = audio.decoded(admin.api.get(f"/recordings/{row['id']}/original").content)
        assert tones(samples, rate_hz) == [440, 620]
        assert abs(len(samples) / rate_hz - 3.0) < 0.02
        assert call_id


def has_spare(admin: Administrator, device: str) -> bool:
    """Whether the device's worker has a successor that is ready."""
    return bool(admin.api.get(f"/devices/{device}").json()["health"]["numbers"].get("spare_workers"))


def worker_pids(hub: Hub) -> list[int]:
    """The capture workers of a hub, without the spares that wait for their death."""
    named = {pid for pid, words in commands() if "plugins.pbx_sip.engine.worker" in words and str(hub.data) in words}
    return [pid for pid in named if pid in {parent_of(each) for each in named}]


def control_pids(hub: Hub) -> list[int]:
    """The process of the device."""
    named = [pid for pid, words in commands() if "hub.runtime.source_host" in words]
    return [pid for pid in named if hub.process is not None and parent_of(pid) == hub.process.pid]


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def commands() -> Iterator[tuple[int, str]]:
    """Every process and its command line."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                yield int(folder.name), (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue


def kill(pids: list[int]) -> None:
    assert pids, "there is nobody to kill"
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def test_calls_outlive_the_death_of_worker_control_and_hub_and_lose_a_second_and_a_half_at_most(tmp_path: Path) -> None:
    sip, rtp = free_ports()
    with Hub(tmp_path / "data") as hub:
        with hub.administrator() as admin:
            device = add_recorder(admin, sip, rtp, calls_max=CALLS)
            until(lambda: has_spare(admin, device), 60, "the spare worker")

        async def talk(calls: ManyCalls) -> None:
            await calls.begin()
            await calls.talk(6.0)
            for victims in (worker_pids, control_pids, lambda hub: [*control_pids(hub), *worker_pids(hub)]):
                kill(victims(hub))
                await calls.talk(6.0)
            await asyncio.to_thread(hub.kill)
            await asyncio.to_thread(hub.start)
            await asyncio.to_thread(until, lambda: worker_pids(hub), 60, "the worker")
            await calls.talk(6.0)
            await calls.end()

        with many_calls(("127.0.0.1", sip), CALLS) as calls:
            asyncio.run(talk(calls))
            wanted = {client.call_id for client in calls.clients}
        with hub.administrator() as again:
            rows = until(lambda: all_of(again, CALLS), 240, "all recordings")
            assert sorted(row["call_id"] for row in rows) == sorted(wanted)
            assert max(lost_s(again, row, calls.sent_s) for row in rows[:: CALLS // 50]) <= 4 * LOSS_S
