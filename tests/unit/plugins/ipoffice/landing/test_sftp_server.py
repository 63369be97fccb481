"""The SFTP server as its clients see it: paramiko, and OpenSSH's own sftp."""

import asyncio
import os
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncssh
import paramiko
import pytest

from hub.sdk import HealthState
from plugins.ipoffice.landing import doorkeeper, hostkey
from plugins.ipoffice.plugin import IPOffice
from plugins.ipoffice.settings import IPOfficeSettings
from tests.doubles import vrl_files
from tests.doubles.source_context import SourceContext, running, until

PASSWORD = "geheim-123"


class Landing:
    """A device that takes pushed recordings, and clients that push."""

    def __init__(self, tmp_path: Path, **settings: Any) -> None:
        self.tmp_path = tmp_path
        self.ctx = SourceContext(tmp_path)
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.key_file = tmp_path / "client_key"
        self.key_file.write_bytes(self.key.export_private_key())
        self.key_file.chmod(0o600)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        senders = [
            {"name": "Vienna secondary", "login": "wien", "password": PASSWORD},
            {"name": "Graz secondary", "login": "graz", "public_key": self.key.export_public_key().decode().strip()},
        ]
        self.settings = IPOfficeSettings.model_validate(
            {
                "topology": "push",
                "landing_address": "127.0.0.1",
                "landing_port": self.port,
                "senders": senders,
                "settle_age_s": 0.5,
                "landing_partial_wait_s": 60,
                **settings,
            }
        )
        self.root = self.ctx.scratch / "landing"

    def run(self, act: Callable[[], Any], after: Callable[[], Any] | None = None) -> Any:
        """Let a client act while the device runs, until `after` holds."""

        async def both() -> Any:
            async with running(IPOffice(self.settings, self.ctx)):
                await until(lambda: "listens on port" in self.ctx.lamp.summary)
                result = await asyncio.to_thread(act)
                if after is not None:
                    await until(after)
                return result

        return asyncio.run(both())

    @contextmanager
    def client(self, login: str = "wien", password: str = PASSWORD) -> Iterator[paramiko.SFTPClient]:
        transport = paramiko.Transport(("127.0.0.1", self.port))
        try:
            transport.connect(username=login, password=password)
            client = paramiko.SFTPClient.from_transport(transport)
            assert client is not None
            yield client
        finally:
            transport.close()

    def file(self, name: str, data: bytes | None = None) -> str:
        path = self.tmp_path / name
        path.write_bytes(vrl_files.wave(name.encode() * 3000) if data is None else data)
        return str(path)

    def names(self) -> list[tuple[str, str]]:
        return sorted((draft.origin_server, draft.origin_name) for draft, _, _ in self.ctx.taken)


@pytest.fixture(autouse=True)
def one_quick_host_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making an RSA key takes a while."""
    monkeypatch.setattr(hostkey, "KINDS", {"ssh-ed25519": {}})


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path)


def test_an_upload_enters_the_hub_and_its_sender_still_sees_it(landing: Landing) -> None:
    local = landing.file("a.wav")

    def act() -> None:
        with landing.client() as client:
            client.put(local, "a.wav")  # it asks for the size afterwards
            end_s = time.monotonic() + 10
            while not landing.ctx.taken and time.monotonic() < end_s:
                time.sleep(0.02)
            assert client.stat("a.wav").st_size == Path(local).stat().st_size

    landing.run(act, lambda: not any(files for _, _, files in os.walk(landing.root)))
    assert landing.names() == [("Vienna secondary", "a.wav")]
    assert landing.ctx.taken[0][1] == Path(local).read_bytes()
    assert landing.ctx.lamp.state is HealthState.OK


def test_an_upload_under_another_name_enters_when_it_is_renamed(landing: Landing) -> None:
    local = landing.file("a.wav")

    def act() -> None:
        with landing.client() as client:
            client.mkdir("2026")
            client.put(local, "2026/a.wav.filepart")
            assert not landing.ctx.taken
            client.rename("2026/a.wav.filepart", "2026/a.wav")

    landing.run(act, lambda: landing.ctx.taken)
    assert landing.names() == [("Vienna secondary", "2026/a.wav")]


def test_an_upload_that_broke_off_waits_and_goes_on_where_it_stopped(landing: Landing) -> None:
    data = vrl_files.wave(os.urandom(200_000))

    def act() -> None:
        with landing.client() as client:
            file = client.open("a.wav", "w")
            file.write(data[:90_000])
            file.flush()
            assert client.stat("a.wav").st_size == 90_000
            client.get_channel().get_transport().sock.close()  # type: ignore[union-attr]
        time.sleep(2)
        assert not landing.ctx.taken
        with landing.client() as client:
            reached = client.stat("a.wav").st_size
            assert reached == 90_000
            with client.open("a.wav", "r+") as file:
                file.seek(reached)
                file.write(data[reached:])

    landing.run(act, lambda: landing.ctx.taken)
    assert landing.ctx.taken[0][1] == data


def test_an_upload_whose_sender_never_comes_back_is_taken_as_it_is(tmp_path: Path) -> None:
    landing = Landing(tmp_path, landing_partial_wait_s=10)
    landing.settings = landing.settings.model_copy(update={"landing_partial_wait_s": 2})

    def act() -> None:
        with landing.client() as client:
            file = client.open("a.wav", "w")
            file.write(vrl_files.wave()[:500])
            file.flush()
            client.stat("a.wav")
            client.get_channel().get_transport().sock.close()  # type: ignore[union-attr]

    landing.run(act, lambda: landing.ctx.taken)
    assert "the header says" in landing.ctx.draft("a.wav").fields["reading"]


def test_content_of_no_known_form_enters_when_its_sender_closes_it(landing: Landing) -> None:
    def act() -> None:
        with landing.client() as client:
            client.put(landing.file("a.wav", os.urandom(5000)), "a.wav")

    landing.run(act, lambda: landing.ctx.taken)
    assert landing.ctx.draft("a.wav").problem is not None


def test_a_sender_reaches_nothing_but_its_own_folder(landing: Landing) -> None:
    outside = landing.ctx.scratch / "landing" / "graz"
    landing.root.mkdir(parents=True)
    (landing.root / "wien").mkdir()
    (landing.root / "wien" / "link").symlink_to("/etc")
    (landing.root / "wien" / "passwd").symlink_to("/etc/passwd")

    def act() -> None:
        with landing.client() as client:
            assert client.normalize(".") == "/"
            assert client.normalize("../../..") == "/"
            for path in ("../wien/x", "/etc/passwd", "link/passwd", "passwd", "../../../../etc/passwd", "\0"):
                with pytest.raises(OSError):
                    client.open(path, "r")
            for path in ("link/x", "passwd", "/etc/x", "\0"):
                with pytest.raises(OSError):
                    client.open(path, "w")
            with client.open("../graz", "w") as file:  # its own folder has room for that name
                file.write(b"x")
            for path in ("link/x", "../graz/x/y"):
                with pytest.raises(OSError):
                    client.mkdir(path)
            with pytest.raises(OSError):
                client.symlink("/etc", "new")
            with pytest.raises(OSError):
                client.readlink("link")
            with pytest.raises(OSError):
                client.listdir("link")
            client.put(landing.file("x.txt"), "x.txt")
            with pytest.raises(OSError):
                client.rename("x.txt", "link/x.txt")
            with pytest.raises(OSError):
                client.posix_rename("x.txt", "../graz/x.txt")
            assert stat.S_ISLNK(client.lstat("link").st_mode or 0)
            client.chmod("x.txt", 0o777)
            client.utime("x.txt", (1, 1))

    landing.run(act)
    assert (landing.root / "wien" / "graz").read_bytes() == b"x"
    assert Path("/etc/passwd").exists()
    assert stat.S_IMODE((landing.root / "wien" / "x.txt").stat().st_mode) == 0o600
    assert list(outside.iterdir()) == []


def test_there_is_no_shell_no_command_and_no_forwarding(landing: Landing) -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    listener.settimeout(0.5)

    def act() -> None:
        with landing.client() as client:
            transport = client.get_channel().get_transport()  # type: ignore[union-attr]
            with pytest.raises(paramiko.SSHException):
                transport.open_session().invoke_shell()
            with pytest.raises(paramiko.SSHException):
                transport.open_session().invoke_subsystem("netconf")
            with pytest.raises(paramiko.SSHException):
                transport.open_session().exec_command("id")
            with pytest.raises(paramiko.SSHException):
                transport.open_session().exec_command("scp -t /tmp")
            with pytest.raises(paramiko.SSHException):
                transport.open_channel("direct-tcpip", listener.getsockname(), ("127.0.0.1", 1))
            with pytest.raises(paramiko.SSHException):
                transport.request_port_forward("", 0)
            with pytest.raises(paramiko.SSHException):
                transport.open_channel("direct-streamlocal@openssh.com")
            with pytest.raises(TimeoutError):
                listener.accept()

    try:
        landing.run(act)
    finally:
        listener.close()


def test_a_wrong_password_opens_nothing_and_the_third_ends_the_connection(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorkeeper, "FAILURE_PAUSE_S", 0.05)

    def act() -> None:
        for login, password in (("wien", "falsch-123"), ("nobody", PASSWORD), ("graz", PASSWORD), ("wien", "")):
            with pytest.raises(paramiko.AuthenticationException), landing.client(login, password):
                pass
        transport = paramiko.Transport(("127.0.0.1", landing.port))
        transport.start_client()
        for _ in range(doorkeeper.ATTEMPTS_OF_ONE_CONNECTION):
            with pytest.raises(paramiko.SSHException):
                transport.auth_password("wien", "falsch-123")
        end_s = time.monotonic() + 5
        while transport.is_active() and time.monotonic() < end_s:
            time.sleep(0.02)
        assert not transport.is_active()
        transport.close()

    landing.run(act)
    assert "sftp.sign_in_failed" in landing.ctx.log.events
    assert not any("falsch" in str(facts) for *_, facts in landing.ctx.log.lines)


def sftp(landing: Landing, batch: str) -> subprocess.CompletedProcess[str]:
    """Run OpenSSH's own client."""
    if shutil.which("sftp") is None:
        raise AssertionError("sftp is missing: apt-get install --no-install-recommends openssh-client")
    options = ["-i", str(landing.key_file), "-P", str(landing.port)]
    for option in ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes", "IdentitiesOnly=yes"):
        options += ["-o", option]
    command = ["sftp", "-F", "none", *options, "-b", "-", "graz@127.0.0.1"]
    return subprocess.run(command, input=batch, capture_output=True, text=True, timeout=60, check=False)


def test_openssh_uploads_keeps_times_and_sees_a_tidy_folder(landing: Landing) -> None:
    local = landing.file("a.wav")
    os.utime(local, (1_700_000_000, 1_700_000_000))

    def act() -> subprocess.CompletedProcess[str]:
        return sftp(landing, f"pwd\nput -p {local} a.wav\nls -la\nmkdir sub\nput {local} sub/b.wav\n")

    done = landing.run(act, lambda: len(landing.ctx.taken) == 2)
    assert done.returncode == 0, done.stderr
    assert "Remote working directory: /" in done.stdout
    assert str(landing.tmp_path) not in done.stdout.replace(local, "")
    assert landing.names() == [("Graz secondary", "a.wav"), ("Graz secondary", "sub/b.wav")]


def test_openssh_goes_on_with_a_partial_upload(landing: Landing) -> None:
    local = landing.file("a.wav")
    whole = Path(local).read_bytes()

    def act() -> subprocess.CompletedProcess[str]:
        (landing.root / "graz").mkdir(parents=True, exist_ok=True)
        (landing.root / "graz" / "a.wav").write_bytes(whole[:5000])
        return sftp(landing, f"reput {local} a.wav\n")

    done = landing.run(act, lambda: landing.ctx.taken)
    assert done.returncode == 0, done.stderr
    assert landing.ctx.taken[0][1] == whole


@pytest.mark.parametrize("command", ["ln -s /etc x", "get /etc/passwd /dev/null", "cd ..\ncd graz", "ln a.txt b.txt"])
def test_openssh_is_refused_what_leads_out(landing: Landing, command: str) -> None:
    done = landing.run(lambda: sftp(landing, f"{command}\n"))
    assert done.returncode != 0


def test_uploads_that_lie_there_at_a_start_are_taken_also_of_a_server_that_was_removed(landing: Landing) -> None:
    for login in ("wien", "gone"):
        (landing.root / login).mkdir(parents=True)
        (landing.root / login / "a.wav").write_bytes(vrl_files.wave(login.encode()))
    landing.run(lambda: None, lambda: len(landing.ctx.taken) == 2)
    assert landing.names() == [("Vienna secondary", "a.wav"), ("gone", "a.wav")]


def test_a_port_in_use_turns_the_lamp_red_until_it_is_free(landing: Landing) -> None:
    blocker = socket.socket()
    blocker.bind(("127.0.0.1", landing.port))
    blocker.listen()

    async def both() -> None:
        async with running(IPOffice(landing.settings, landing.ctx)):
            await until(lambda: landing.ctx.lamp.state is HealthState.DOWN)
            assert str(landing.port) in landing.ctx.lamp.summary
            blocker.close()
            await until(lambda: landing.ctx.lamp.state is HealthState.OK)

    asyncio.run(both())
