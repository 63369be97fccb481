"""A real PostgreSQL server for tests, on a free port of the loopback, in a folder of its own.

`Postgres` is one server with start, stop, status and reset. `share` starts one for a whole test run: the workers of
pytest-xdist find it by the run's id, and a keeper process takes it down when the last of them has gone, crashed or not.
"""

import fcntl
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psycopg

PACKAGE = "postgresql"
_TOGETHER = {  # for many tests at once, which never look back
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
_ALONE = {"fsync": "off", "shared_buffers": "256MB"}  # what was committed outlives a crash of the server


class Postgres:
    """One server whose data and socket live in `folder`; trusts everyone who reaches the loopback."""

    def __init__(self, folder: Path, settings: Mapping[str, str] = _TOGETHER) -> None:
        self.folder = folder
        self.settings = settings
        self._port_file = folder / "port"

    @property
    def port(self) -> int:
        return int(self._port_file.read_text())

    def url(self, database: str = "postgres") -> str:
        return f"postgresql+psycopg://hub@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it, with its data made first if there is none; the port stays the same over restarts."""
        if not (self.folder / "data").exists():
            self._make()
        options = " ".join(f"-c {name}={value}" for name, value in self.settings.items())
        self._run(
            "pg_ctl",
            *("start", "-w", "-t", "60", "-D", str(self.folder / "data"), "-l", str(self.folder / "log")),
            *("-o", f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 {options}"),
        )

    def stop(self, mode: str = "fast") -> None:
        """Stop it; "immediate" is the crash."""
        self._run("pg_ctl", "stop", "-w", "-m", mode, "-D", str(self.folder / "data"))

    def status(self) -> bool:
        done = subprocess.run(
            [_binary("pg_ctl"), "status", "-D", str(self.folder / "data")], capture_output=True, check=False, **_user()
        )
        return done.returncode == 0

    def reset(self) -> None:
        """Drop every database that tests made."""
        with self.admin() as connection:
            rows = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 't\\_%'").fetchall()
        for (name,) in rows:
            self.drop_database(name)

    @contextmanager
    def admin(self) -> Iterator[psycopg.Connection]:
        address = f"host=127.0.0.1 port={self.port} user=hub dbname=postgres"
        with psycopg.connect(address, autocommit=True) as connection:
            yield connection

    def create_database(self, name: str, template: str = "template0") -> None:
        with self.admin() as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')

    def drop_database(self, name: str) -> None:
        with self.admin() as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _make(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._port_file.write_text(str(_free_port()))
        if os.geteuid() == 0:
            entry = pwd.getpwnam(_account())
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
        data = str(self.folder / "data")
        self._run("initdb", "-D", data, "-U", "hub", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [_binary(program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            cwd=self.folder,
            **_user(),
        )
        if done.returncode:
            log = self.folder / "log"
            raise RuntimeError(f"{program}: {done.stderr}\n{log.read_text() if log.exists() else ''}")


@contextmanager
def alone() -> Iterator[Postgres]:
    """A server for one test that stops and starts it; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="recording-hub-postgres-"))
    server = Postgres(folder, _ALONE)
    try:
        server.start()
        yield server
    finally:
        if server.status():
            server.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


def share(run: str) -> tuple[Postgres, IO[str]]:
    """The server of test run `run`, started by whoever asks first; keep the file open as long as it is needed."""
    folder = Path(tempfile.gettempdir()) / f"recording-hub-postgres-run-{os.getuid()}-{run}"
    users = Path(f"{folder}.users").open("w")  # noqa: SIM115 - held until the worker ends
    server = Postgres(folder)
    with _starting(folder):
        fcntl.flock(users, fcntl.LOCK_SH)
        if not (folder / "data" / "PG_VERSION").exists() or not server.status():
            server.start()
            subprocess.run([sys.executable, "-P", __file__, str(folder)], check=True, stdin=subprocess.DEVNULL)
    return server, users


@contextmanager
def once(server: Postgres, name: str) -> Iterator[bool]:
    """Whether the caller is the first of the run to do `name`; the others wait until it is done."""
    mark = server.folder / f"{name}.done"
    with _starting(server.folder):
        yield not mark.exists()
        mark.touch()


@contextmanager
def _starting(folder: Path) -> Iterator[None]:
    with Path(f"{folder}.starting").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _keep(folder: Path) -> None:
    """Wait, detached, until nobody uses the server any more; then remove it."""
    if os.fork():
        os._exit(0)
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    with Path(f"{folder}.users").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_EX)
        with _starting(folder):
            server = Postgres(folder)
            if server.status():
                server.stop("immediate")
            shutil.rmtree(folder, ignore_errors=True)
            for name in (f"{folder}.users", f"{folder}.starting"):
                Path(name).unlink(missing_ok=True)


def _binary(program: str) -> str:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    for folder in folders:
        if (folder / program).exists():
            return str(folder / program)
    found = shutil.which(program)
    if found is None:
        raise RuntimeError(f"{program} is missing: install the Debian package {PACKAGE}")
    return found


def _account() -> str:
    """PostgreSQL refuses to run as root."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise RuntimeError(f"no account to run PostgreSQL: install the Debian package {PACKAGE}")


def _user() -> dict[str, object]:
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam(_account())
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    _keep(Path(sys.argv[1]))
