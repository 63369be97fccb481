"""Plug-ins that misbehave in every way, in a whole hub: pages go on, and every other device records."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.doubles import plugins
from tests.doubles.hub import Administrator, Hub, until

_PAGE_S = 5.0
_MEMORY_MB = 256


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Administrator]:
    """A hub with one good device, and four that are not."""
    folder = tmp_path_factory.mktemp("hostile")
    with plugins.on_path(folder / "site") as site:
        plugins.install_zoo(site)
        with Hub(folder / "data", {"PYTHONPATH": str(site)}) as hub, hub.administrator() as administrator:
            add(administrator, "steady", {"pause_s": 0.5})
            until(lambda: device(administrator, "steady")["health"]["last_recording_at"], 60, "a first recording")
            for name in ("sleeper", "leaker", "exiter", "stubborn"):
                add(administrator, name, {})
            yield administrator


def add(admin: Administrator, plugin: str, settings: dict[str, Any]) -> None:
    options = {"memory_limit_mb": _MEMORY_MB}
    answer = admin.api.post(
        "/devices", json={"plugin": plugin, "name": plugin, "settings": settings, "options": options}
    )
    assert answer.status_code == 201, answer.text


def device(admin: Administrator, name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = admin.api.get("/devices").json()["items"]
    return next(item for item in found if item["name"] == name)


def wait_for(admin: Administrator, name: str, words: str) -> dict[str, Any]:
    """The device once its lamp says `words`; meanwhile a page must come each time it is asked for."""

    def says() -> dict[str, Any] | None:
        began_s = time.monotonic()
        assert admin.browser.get("/recordings").status_code == 200
        assert time.monotonic() - began_s < _PAGE_S
        found = device(admin, name)
        return found if words in found["health"]["summary"] else None

    found: dict[str, Any] = until(says, 120, f"{name} says {words!r}")
    assert_others_record(admin)
    return found


def assert_others_record(admin: Administrator) -> None:
    before = device(admin, "steady")["health"]["last_recording_at"]
    until(lambda: device(admin, "steady")["health"]["last_recording_at"] > before, 30, "another recording")
    assert device(admin, "steady")["health"]["state"] == "ok"


def test_a_plug_in_that_ends_its_process_is_parked(admin: Administrator) -> None:
    assert wait_for(admin, "exiter", "It ended its own process with exit code 7.")
    until(lambda: device(admin, "exiter")["health"]["state"] == "parked", 120, "parking")


def test_a_plug_in_that_leaks_is_ended_at_its_limit(admin: Administrator) -> None:
    wait_for(admin, "leaker", f"It used more than {_MEMORY_MB} MB of memory")


def test_a_plug_in_that_sleeps_in_run_is_seen_and_started_again(admin: Administrator) -> None:
    assert wait_for(admin, "sleeper", "It does not respond.")["health"]["state"] == "down"
    wait_for(admin, "sleeper", "and was ended")


def test_a_plug_in_that_ignores_cancelling_goes_when_it_is_switched_off(admin: Administrator) -> None:
    until(lambda: device(admin, "stubborn")["health"]["state"] == "ok", 60, "its start")
    pid = until(lambda: _ignoring_sigterm(admin.hub), 10, "its process")
    found = device(admin, "stubborn")
    headers = {"If-Match": f'"{found["revision"]}"'}
    answer = admin.api.patch(f"/devices/{found['id']}", json={"enabled": False}, headers=headers)
    assert answer.status_code == 200, answer.text
    until(lambda: not Path(f"/proc/{pid}").exists(), 40, "the end of its process")
    assert_others_record(admin)


def _ignoring_sigterm(hub: Hub) -> int | None:
    """The device process that does not listen to SIGTERM: only the stubborn one is such."""
    term = 1 << 14
    for pid in hub.family():
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        ignored = next(line for line in status.splitlines() if line.startswith("SigIgn"))
        if b"source_host" in words and int(ignored.split()[1], 16) & term:
            return pid
    return None
