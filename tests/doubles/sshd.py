"""A real OpenSSH server on a free port of this machine, with keys and settings of its own."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

SERVER = "/usr/sbin/sshd"
START_S = 10


class Sshd:
    """One server, whose only user is the one who runs the tests, signed in by `client_key`."""

    def __init__(self, folder: Path) -> None:
        if not Path(SERVER).exists() or shutil.which("ssh-keygen") is None:
            raise AssertionError("OpenSSH is missing: apt-get install --no-install-recommends openssh-server")
        self.folder = folder
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.port = 0
        self.extra_lines = ""
        self.login = getpass.getuser()
        self.host_key = self._make_key("host_key")
        self.client_key = self._make_key("client_key")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def fingerprint(self) -> str:
        shown = subprocess.run(
            ["ssh-keygen", "-lf", f"{self.host_key}.pub"], capture_output=True, check=True, text=True
        )
        return shown.stdout.split()[1]

    def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        if not self.port:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
        authorized = self.folder / "authorized_keys"
        authorized.write_text(Path(f"{self.client_key}.pub").read_text())
        config = self.folder / "sshd_config"
        config.write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {self.host_key}\nPidFile none\n"
            f"AuthorizedKeysFile {authorized}\nStrictModes no\nPasswordAuthentication no\nUsePAM no\n"
            f"PermitRootLogin yes\nSubsystem sftp internal-sftp\n{self.extra_lines}"
        )
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([SERVER, "-D", "-e", "-f", str(config)], stdout=log, stderr=log)
        end_s = time.monotonic() + START_S
        while not self.status():
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < end_s, "sshd does not listen"
            time.sleep(0.02)

    def status(self) -> bool:
        """Whether it takes connections."""
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        """Stop listening, and end the sessions that are open."""
        if self._process is None:
            return
        sessions = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        self._process.kill()
        self._process.wait()
        for session in sessions:
            with suppress(ProcessLookupError):
                os.kill(int(session), signal.SIGKILL)
        self._process = None

    def reset(self) -> None:
        """Start anew with another host key."""
        self.stop()
        for path in (self.host_key, Path(f"{self.host_key}.pub")):
            path.unlink()
        self._make_key("host_key")
        self.start()

    def _make_key(self, name: str) -> Path:
        path = self.folder / name
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        return path
