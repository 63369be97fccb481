"""Two recorders take the same call, and one of them dies for a while: one recording, and nothing of it is missing."""

import asyncio
import hashlib
import os
import signal
from pathlib import Path

import numpy as np

from tests.doubles import audio
from tests.doubles.hub import Administrator, Hub, until
from tests.doubles.recording_client import RecordingClient
from tests.e2e.test_calls_as_they_happen import commands, free_ports, has_spare, recordings

TALK_S = 4.0


def add(admin: Administrator, name: str) -> tuple[str, tuple[str, int]]:
    """A recorder on loopback: its id, and where it listens."""
    sip, rtp = free_ports()
    settings = {"address": "127.0.0.1", "ports": [str(sip)], "allowed_peers": ["127.0.0.0/8"]}
    settings |= {"rtp_first": rtp, "rtp_last": rtp + 200}
    made = admin.api.post("/devices", json={"plugin": "sip_recorder", "name": name, "settings": settings})
    assert made.status_code == 201, made.text
    device = str(made.json()["id"])
    until(lambda: has_spare(admin, device), 60, "the spare worker")
    return device, ("127.0.0.1", sip)


def workers(hub: Hub) -> list[int]:
    """Every capture worker and spare of this hub."""
    return [pid for pid, words in commands() if "plugins.pbx_sip.engine.worker" in words and f"{hub.data}/" in words]


def kill_all(pids: list[int]) -> None:
    assert pids, "there is nobody to kill"
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def quietest(samples: np.ndarray, rate_hz: int) -> float:
    """How loud the quietest tenth of a second is, of the channel that is quieter."""
    length = len(samples) // (rate_hz // 10) * (rate_hz // 10)
    tenths = samples[:length].astype(float).reshape(-1, rate_hz // 10, samples.shape[1])
    return float(np.sqrt((tenths**2).mean(axis=1)).min())


def test_what_one_recorder_loses_while_it_is_dead_comes_from_the_other(tmp_path: Path) -> None:
    with Hub(tmp_path / "data") as hub, hub.administrator() as admin:
        first, door = add(admin, "Berlin")
        mine = workers(hub)
        _, other_door = add(admin, "Hamburg")

        async def call() -> None:
            with RecordingClient(door) as one, RecordingClient(other_door, recorded=one.call_id) as other:
                for client in (one, other):
                    await client.begin()

                async def talk() -> None:
                    await asyncio.gather(*(client.hum(TALK_S, 440.0, 620.0) for client in (one, other)))

                await talk()
                kill_all(mine)
                await talk()
                await talk()
                await one.end()
                await asyncio.to_thread(until, lambda: recordings(admin), 90, "what Berlin has of it")
                await other.end()

        asyncio.run(call())

        def joined() -> list[dict[str, object]]:
            rows = [admin.api.get(f"/recordings/{row['id']}").json() for row in recordings(admin)]
            return rows if len(rows) == 1 and rows[0]["origin_count"] == 2 else []

        [row] = until(joined, 90, "one recording of both")
        kinds = [media["kind"] for media in row["media"]]
        assert kinds.count("original") == kinds.count("parallel") == 1
        whole = until(lambda: whole_sound(admin, row["id"]), 90, "the whole sound")
        assert 3 * TALK_S - 0.05 < whole < 3 * TALK_S + 0.5  # whoever hums may be late
        row = admin.api.get(f"/recordings/{row['id']}").json()
        assert row["device_id"] == first
        assert "Filled from Hamburg" in [event["text"] for event in row["events"]]
        assert "gap" not in [event["kind"] for event in row["events"]]
        assert_sealed(admin, row)


def whole_sound(admin: Administrator, recording: str) -> float:
    """The length of what is played once none of it is silent, s; 0.0 before."""
    samples, rate_hz = audio.decoded(admin.api.get(f"/recordings/{recording}/media").content)
    edge = rate_hz // 10
    return len(samples) / rate_hz if quietest(samples[edge:-edge], rate_hz) > 1000 else 0.0


def assert_sealed(admin: Administrator, row: dict[str, object]) -> None:
    """The original is as its seal says, the other one is either kept or its seal stays."""
    [original] = [media for media in row["media"] if media["kind"] == "original"]
    content = admin.api.get(f"/recordings/{row['id']}/original").content
    assert hashlib.sha256(content).hexdigest() == original["sha256"]
    [parallel] = [media for media in row["media"] if media["kind"] == "parallel"]
    assert len(parallel["sha256"]) == 64
    page = admin.browser.get(f"/r/{row['id']}")
    assert "Recorded by Berlin and Hamburg" in page.text
    assert parallel["sha256"] in page.text
    if parallel["copies"]:
        taken = admin.browser.get(f"/media/{row['id']}/parallel/0").content
        assert hashlib.sha256(taken).hexdigest() == parallel["sha256"]
