"""Fetching from a real OpenSSH server."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.sdk import AuthError, HealthState, RetryLater, SettingsError, Stage
from plugins.ipoffice import porter
from plugins.ipoffice.fetch import fetcher as module
from plugins.ipoffice.fetch.fetcher import part_name
from plugins.ipoffice.fetch.remote import Remote, WrongHostKey, connected, read_private_key
from plugins.ipoffice.folder import Look
from plugins.ipoffice.plugin import IPOffice
from plugins.ipoffice.settings import IPOfficeSettings
from tests.doubles import vrl_files
from tests.doubles.source_context import SourceContext, running, until
from tests.doubles.sshd import Sshd


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    server = Sshd(tmp_path / "sshd")
    server.start()
    yield server
    server.stop()


class Branch:
    """A Voicemail Pro on another machine, and the hub that fetches from it."""

    def __init__(self, tmp_path: Path, sshd: Sshd, **settings: Any) -> None:
        self.folder = tmp_path / "vrl"
        self.folder.mkdir()
        self.ctx = SourceContext(tmp_path)
        self.settings = IPOfficeSettings.model_validate(
            {
                "topology": "fetch",
                "fetch_host": "127.0.0.1",
                "fetch_port": sshd.port,
                "fetch_login": sshd.login,
                "fetch_key": sshd.client_key.read_text(),
                "fetch_host_key": sshd.fingerprint,
                "fetch_folder": str(self.folder),
                "fetch_every_s": 5,
                "settle_age_s": 0.5,
                **settings,
            }
        ).model_copy(update={"fetch_every_s": 0.3})

    def put(self, name: str, data: bytes | None = None) -> Path:
        path = self.folder / name
        path.write_bytes(vrl_files.wave(os.fsencode(name) * 500) if data is None else data)
        os.utime(path, (1_700_000_000, 1_700_000_000))
        return path

    def run(self, act: Callable[[], Awaitable[None]]) -> None:
        async def both() -> None:
            async with running(IPOffice(self.settings, self.ctx)):
                await act()

        asyncio.run(both())


def test_files_are_fetched_once_and_left_there(tmp_path: Path, sshd: Sshd) -> None:
    branch = Branch(tmp_path, sshd)
    names = ["a.wav", "b'\" \n.wav", os.fsdecode(b"\xff.wav")]
    for name in names:
        branch.put(name)
    branch.put("x.tmp")
    (branch.folder / "link.wav").symlink_to("/etc/passwd")

    async def act() -> None:
        await until(lambda: len(branch.ctx.taken) == 3)
        branch.put("later.wav")
        await until(lambda: len(branch.ctx.taken) == 4)
        await asyncio.sleep(1.5)

    branch.run(act)
    branch.run(lambda: asyncio.sleep(2))
    assert len(branch.ctx.taken) == 4
    assert branch.ctx.duplicates == 0
    assert len(list(branch.folder.iterdir())) == 6
    draft = branch.ctx.draft("a.wav")
    assert draft.started_at.timestamp() == pytest.approx(1_700_000_000, abs=2)
    assert not any(files for _, _, files in os.walk(branch.ctx.scratch / "fetched"))


def test_sidecars_come_along_and_subfolders_if_wanted(tmp_path: Path, sshd: Sshd) -> None:
    branch = Branch(tmp_path, sshd, recursive=True)
    (branch.folder / "2026").mkdir()
    branch.put("2026/a.wav")
    branch.put("2026/a.xml", b"<call><callid>77</callid></call>")

    async def act() -> None:
        await until(lambda: branch.ctx.taken)

    branch.run(act)
    assert branch.ctx.draft("2026/a.wav").call_id == "77"


def test_a_file_that_still_grows_there_is_not_fetched(tmp_path: Path, sshd: Sshd) -> None:
    branch = Branch(tmp_path, sshd)
    whole = vrl_files.wave(b"\x55" * 20_000)

    async def act() -> None:
        with (branch.folder / "a.wav").open("wb") as file:
            for start in range(0, len(whole), 2000):
                file.write(whole[start : start + 2000])
                file.flush()
                await asyncio.sleep(0.25)
        assert not branch.ctx.taken
        await until(lambda: branch.ctx.taken)

    branch.run(act)
    assert branch.ctx.taken[0][1] == whole


def test_the_server_is_emptied_at_the_stage_that_the_settings_name(
    tmp_path: Path, sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(porter, "EMPTY_FIRST_S", 0.2)
    branch = Branch(tmp_path, sshd, fetch_delete="yes", empty_after="primary")
    branch.put("a.wav")
    branch.put("a.xml", b"<call/>")

    async def act() -> None:
        await until(lambda: branch.ctx.taken)
        await asyncio.sleep(1.5)
        assert len(list(branch.folder.iterdir())) == 2
        (receipt_id,) = branch.ctx.receipts
        branch.ctx.stages[receipt_id] = Stage.STORED
        await until(lambda: not list(branch.folder.iterdir()))

    branch.run(act)
    assert not any(files for _, _, files in os.walk(branch.ctx.scratch / "fetched"))


def test_a_file_of_the_same_name_that_came_meanwhile_is_not_deleted(
    tmp_path: Path, sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(porter, "EMPTY_FIRST_S", 0.2)
    branch = Branch(tmp_path, sshd, fetch_delete="yes")
    taken = branch.ctx.submit

    async def submit_and_replace(draft: Any) -> Any:
        branch.ctx.submit = taken  # type: ignore[method-assign]
        branch.put("a.wav", vrl_files.wave(b"another call"))
        return await taken(draft)

    branch.ctx.submit = submit_and_replace  # type: ignore[method-assign]
    branch.put("a.wav")

    async def act() -> None:
        await until(lambda: len(branch.ctx.taken) == 2)
        await until(lambda: not list(branch.folder.iterdir()))

    branch.run(act)
    assert branch.ctx.taken[1][1] == vrl_files.wave(b"another call")


def test_a_transfer_that_broke_off_goes_on_where_it_stopped(tmp_path: Path, sshd: Sshd) -> None:
    branch = Branch(tmp_path, sshd)
    path = branch.put("a.wav", vrl_files.wave(os.urandom(100_000)))
    whole = path.read_bytes()
    begun = branch.ctx.scratch / "fetched" / "files.part"
    begun.mkdir(parents=True)
    look = Look(len(whole), 1_700_000_000 * 10**9, 0)
    # Other bytes than the server's show that the beginning was not fetched again.
    (begun / part_name("a.wav", look)).write_bytes(whole[:44] + b"\x11" * 50_000)
    (begun / "something old").write_bytes(b"x")

    async def act() -> None:
        await until(lambda: branch.ctx.taken)

    branch.run(act)
    assert branch.ctx.taken[0][1] == whole[:44] + b"\x11" * 50_000 + whole[50_044:]
    assert list(begun.iterdir()) == []


def test_a_server_that_goes_away_in_the_middle_is_waited_for(
    tmp_path: Path, sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", 64 * 1024)
    branch = Branch(tmp_path, sshd)
    whole = branch.put("a.wav", vrl_files.wave(os.urandom(30_000_000))).read_bytes()
    begun = branch.ctx.scratch / "fetched" / "files.part"

    async def act() -> None:
        await until(lambda: any(p.stat().st_size > 500_000 for p in begun.glob("*")))
        await asyncio.to_thread(sshd.stop)
        await until(lambda: branch.ctx.lamp.state is HealthState.DOWN, 30)
        assert not branch.ctx.taken
        reached = sum(path.stat().st_size for path in begun.iterdir())
        assert reached > 500_000
        await asyncio.to_thread(sshd.start)
        await until(lambda: branch.ctx.taken, 30)
        await until(lambda: branch.ctx.lamp.state is HealthState.OK)

    branch.run(act)
    assert branch.ctx.taken[0][1] == whole


def test_another_host_key_is_not_trusted_and_says_so_once(tmp_path: Path, sshd: Sshd) -> None:
    branch = Branch(tmp_path, sshd)
    branch.put("a.wav")
    sshd.reset()

    async def act() -> None:
        await until(lambda: branch.ctx.alarms)
        await asyncio.sleep(1)

    branch.run(act)
    assert sshd.fingerprint in branch.ctx.lamp.summary
    assert not branch.ctx.taken
    assert [alarm.code for _, alarm in branch.ctx.alarm_history if alarm] == ["DEVICE_AUTH"]


def test_a_host_key_of_another_kind_is_found_among_those_of_the_server(tmp_path: Path, sshd: Sshd) -> None:
    import subprocess  # noqa: PLC0415

    rsa = sshd.folder / "host_key_rsa"
    command = ["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", str(rsa)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    sshd.stop()
    sshd.extra_lines = f"HostKey {rsa}\n"
    sshd.start()
    shown = subprocess.run(["ssh-keygen", "-lf", f"{rsa}.pub"], capture_output=True, check=True, text=True)
    remote = Remote("127.0.0.1", sshd.port, sshd.login, "", sshd.client_key.read_text(), shown.stdout.split()[1])

    async def look() -> None:
        async with connected(remote) as sftp:
            assert await sftp.exists(b"/")

    asyncio.run(look())


def test_a_key_that_lost_its_line_ends_in_a_form_is_read(sshd: Sshd) -> None:
    text = sshd.client_key.read_text()
    for changed in (text.replace("\n", ""), text.replace("\n", " "), text.replace("\n", "\r\n")):
        assert read_private_key(changed).public_data == read_private_key(text).public_data
    with pytest.raises(ValueError, match="cannot be read"):
        read_private_key("no key at all")


def test_errors_tell_what_a_person_must_do(tmp_path: Path, sshd: Sshd) -> None:
    key = sshd.client_key.read_text()
    other = Sshd(tmp_path / "other")

    async def connect(remote: Remote) -> None:
        async with connected(remote):
            pass

    def fails(error: type[Exception], host: str, port: int, private_key: str, fingerprint: str) -> None:
        with pytest.raises(error):
            asyncio.run(connect(Remote(host, port, sshd.login, "", private_key, fingerprint)))

    fails(WrongHostKey, "127.0.0.1", sshd.port, key, "")
    fails(AuthError, "127.0.0.1", sshd.port, other.client_key.read_text(), sshd.fingerprint)
    fails(ValueError, "127.0.0.1", sshd.port, "no key", sshd.fingerprint)
    sshd.stop()
    fails(RetryLater, "127.0.0.1", sshd.port, key, sshd.fingerprint)


def test_the_test_button_shows_the_fingerprint_and_then_what_is_there(tmp_path: Path, sshd: Sshd) -> None:
    branch = Branch(tmp_path, sshd)
    branch.put("a.wav")
    begun_s = time.monotonic()
    unknown = branch.settings.model_copy(update={"fetch_host_key": ""})
    with pytest.raises(SettingsError) as told:
        IPOffice(unknown, branch.ctx).check()
    assert told.value.field == "fetch_host_key"
    assert sshd.fingerprint in str(told.value)
    health = IPOffice(branch.settings, branch.ctx).check()
    assert health.state is HealthState.OK
    assert health.summary.endswith(": 1.")
    missing = branch.settings.model_copy(update={"fetch_folder": str(tmp_path / "none")})
    with pytest.raises(SettingsError) as told:
        IPOffice(missing, branch.ctx).check()
    assert told.value.field == "fetch_folder"
    assert time.monotonic() - begun_s < 10
