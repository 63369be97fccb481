"""The hub as people start it, killed at every step of a recording's way and through a bad night: nothing is lost or doubled."""

import hashlib
import re
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hub.steps import KILL_VARIABLE, DurableStep
from plugins.connectors.local.tree import INCOMING_NAME
from tests.doubles import speechlike
from tests.doubles.hub import Administrator, Hub, until
from tests.house import tree
from tests.privileges import namespace

STEPS = [
    step
    for step in DurableStep
    if not step.value.startswith("quarantine.") and step != DurableStep.VAULT_ORPHAN_REMOVED
]
FILES_A_STEP = 13
_WITHIN_S = 90.0
_KILLED = re.compile(rb"code=-9|killed by signal 9|exit code -9|SIGKILL")


@dataclass
class Site:
    """One hub with a hand-off folder and two stores, and every file that was dropped."""

    place: Path
    files: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for folder in (self.handoff, self.second):
            folder.mkdir(parents=True, exist_ok=True)
        self.hub = Hub(self.place / "data")

    @property
    def handoff(self) -> Path:
        return self.place / "VRL"

    @property
    def second(self) -> Path:
        return self.place / "second"

    def set_up(self, admin: Administrator) -> None:
        """A device on the folder, and a second store that keeps a copy of everything."""
        device = {"plugin": "ipoffice", "name": "Head office", "settings": {"folder": str(self.handoff)}}
        store = {"plugin": "local", "name": "Second", "settings": {"folder": str(self.second)}}
        assert admin.api.post("/devices", json=device).status_code == 201
        made = admin.api.post("/connectors", json=store)
        assert made.status_code == 201, made.text
        found = admin.api.get("/preferences")
        wanted = found.json() | {"copy_stores": [made.json()["id"]]}
        saved = admin.api.put("/preferences", json=wanted, headers={"If-Match": found.headers["etag"]})
        assert saved.status_code == 200, saved.text

    def drop(self, number: int, seconds: float = 1.0) -> None:
        """So many calls appear as Voicemail Pro would write them."""
        for _ in range(number):
            name = f"call {len(self.files):03}.wav"
            content = speechlike.wav(speechlike.talk(seconds, 1, seed=1000 + len(self.files)))
            unfinished = self.handoff / f".{name}"
            unfinished.write_bytes(content)
            unfinished.rename(self.handoff / name)
            self.files[name] = content

    def found(self, admin: Administrator) -> dict[str, dict[str, Any]]:
        """Each recording by the name it came with.

        Raises: AssertionError if one came twice.
        """
        recordings: dict[str, dict[str, Any]] = {}
        query: dict[str, Any] = {"limit": 100}
        while True:
            page = admin.api.get("/recordings", params=query).json()
            for row in page["items"]:
                whole = admin.api.get(f"/recordings/{row['id']}").json()
                for origin in whole["origins"]:
                    assert origin["name"] not in recordings, f"{origin['name']} came twice"
                    recordings[origin["name"]] = whole
            if not page.get("next"):
                return recordings
            query["cursor"] = page["next"]

    def waiting(self) -> list[Path]:
        """Files that are still in the hand-off folder."""
        return [path for path in self.handoff.rglob("*") if path.is_file()]

    def count(self, admin: Administrator) -> int:
        return int(admin.api.get("/recordings/count").json()["n"])

    def assert_all_found_once(self, admin: Administrator) -> None:
        """Every file is one recording with its very bytes, and the folder is empty."""
        until(lambda: self.count(admin) >= len(self.files), _WITHIN_S, "all recordings")
        until(lambda: not self.waiting(), _WITHIN_S, "the folder is empty")
        found = self.found(admin)
        assert found.keys() == self.files.keys()
        for name, content in self.files.items():
            assert found[name]["seal"]["sha256"] == [hashlib.sha256(content).hexdigest()], name
            assert admin.browser.get(f"/media/{found[name]['id']}/original").content == content, name

    def assert_all_copied(self) -> None:
        """The second store holds every original too."""
        wanted = {hashlib.sha256(content).hexdigest() for content in self.files.values()}

        def held() -> set[str]:
            coming = self.second / INCOMING_NAME
            paths = [path for path in self.second.rglob("*") if path.is_file() and coming not in path.parents]
            return {hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}

        until(lambda: wanted <= held(), _WITHIN_S, "the second copies")


def test_two_hundred_files_are_found_once_each_after_a_kill_at_every_step(tmp_path: Path) -> None:
    site = Site(tmp_path)
    with site.hub, site.hub.administrator() as admin:
        site.set_up(admin)
        site.drop(2)
        until(lambda: site.count(admin) == 2, _WITHIN_S, "the first recordings")
        site.hub.kill()
        for step in STEPS:
            site.drop(FILES_A_STEP // 2)
            seen = site.hub.log.stat().st_size
            site.hub.environ = {KILL_VARIABLE: f"{step.value}:4"}
            site.hub.start()
            site.drop(FILES_A_STEP - FILES_A_STEP // 2)
            until(lambda seen=seen: _KILLED.search(site.hub.log.read_bytes()[seen:]), _WITHIN_S, f"a kill at {step}")
            site.hub.kill()
    site.hub.environ = {}
    with site.hub, site.hub.administrator() as admin:
        assert len(site.files) >= 200
        site.assert_all_found_once(admin)
        site.assert_all_copied()
        [alarm] = [each for each in admin.api.get("/alarms").json()["items"] if each["code"] == "SYSTEM_RESTART"]
        assert "had not been shut down before" in alarm["text"]
        assert alarm["count"] == len(STEPS) + 1


def test_nothing_is_lost_while_another_program_locks_the_catalog_for_half_a_minute(tmp_path: Path) -> None:
    site = Site(tmp_path)
    with site.hub, site.hub.administrator() as admin:
        site.set_up(admin)
        until(lambda: _lamp(admin) == "ok", _WITHIN_S, "a green lamp")
        with closing(sqlite3.connect(site.hub.data / "catalog.sqlite3", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            site.drop(20)
            spool = site.hub.data / "spool" / "ready"
            until(lambda: len(list(spool.iterdir())) == 20, _WITHIN_S, "the hub takes the files in all the same")
            time.sleep(30)
            assert site.count(admin) == 0
            other.execute("COMMIT")
        site.assert_all_found_once(admin)
        site.assert_all_copied()
        until(lambda: _alarms(admin) == set(), _WITHIN_S, "the alarms are over")


@pytest.mark.privileged
def test_nothing_is_lost_in_a_night_of_full_read_only_and_vanished_disks(tmp_path: Path) -> None:
    code = f"from tests.e2e.test_nothing_lost_serve import bad_night; bad_night({str(tmp_path)!r})"
    command = [*namespace(), sys.executable, "-W", "ignore", "-c", code]
    ended = subprocess.run(command, cwd=tree.ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-4000:]


def bad_night(place: str) -> None:
    """In a mount namespace of its own: storage turns read-only, the spool's disk fills, the folder goes and comes."""
    site = Site(Path(place))
    spool, storage, disk = site.hub.data / "spool", site.hub.data / "storage", site.place / "disk"
    for folder in (spool, storage, disk):
        folder.mkdir(parents=True, mode=0o700)
    _mount("-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", spool)
    _mount("-t", "tmpfs", "-o", "size=64m,mode=700", "tmpfs", storage)
    _mount("--bind", disk, site.handoff)
    with site.hub, site.hub.administrator() as admin:
        site.set_up(admin)
        site.drop(3)
        until(lambda: site.count(admin) == 3, _WITHIN_S, "the first recordings")
        _mount("-o", "remount,ro", storage)
        site.drop(30, seconds=6.0)
        until(lambda: {"STORAGE_DOWN", "SPOOL_FULL"} <= _alarms(admin), _WITHIN_S, "the alarms of both disks")
        assert site.waiting(), "what has no room in the spool stays where it is"
        subprocess.run(["umount", "--lazy", str(site.handoff)], check=True)
        until(lambda: _lamp(admin) == "down", _WITHIN_S, "a red lamp")
        _mount("-o", "remount,rw", storage)
        _mount("--bind", disk, site.handoff)
        until(lambda: site.count(admin) == len(site.files), _WITHIN_S, "all recordings")
        until(lambda: _lamp(admin) == "ok", _WITHIN_S, "a green lamp")
        until(lambda: _alarms(admin) == set(), _WITHIN_S, "the alarms are over")


def _mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


def _alarms(admin: Administrator) -> set[str]:
    return {alarm["code"] for alarm in admin.api.get("/alarms").json()["items"]}


def _lamp(admin: Administrator) -> str:
    return str(admin.api.get("/devices").json()["items"][0]["health"]["state"])
