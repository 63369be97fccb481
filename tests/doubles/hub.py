"""A real hub as people start it: `recording-hub serve` in a process of its own, on a free port, in a folder of its own.

`Hub` starts, stops and kills it; `Administrator` signs in by the one-time link and talks to pages and API.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import httpx2

from hub.access.permissions import CORE
from hub.access.sessions import Sessions
from hub.access.tokens import ApiTokens
from hub.app.offline import open_database
from hub.audit import SYSTEM
from hub.clock import utc_now
from hub.config import load_config

LOGIN, PASSWORD = "first.admin", "a long road to a calm lake 17"
_START_S = 60.0
_STOP_S = 30.0
_LINE = re.compile(r"Recording Hub is at (\S+)(?: - .*?: (\S+))?")


def until(condition: Callable[[], Any], within_s: float, what: str) -> Any:
    """The first true value of `condition`, tried until `within_s` have passed, ever less often."""
    began = time.monotonic()
    while not (value := condition()):
        waited_s = time.monotonic() - began
        assert waited_s < within_s, f"{what}: not within {within_s} s"
        time.sleep(min(0.25, max(0.02, waited_s / 10)))
    return value


class Hub:
    """One hub; `data` keeps all of it over restarts. `python`: interpreter of the environment it is installed in."""

    def __init__(
        self, data: Path, environ: Mapping[str, str] | None = None, python: Path | str = sys.executable
    ) -> None:
        self.data = data
        self.environ = dict(environ or {})
        self.python = str(python)
        self.address = ""
        self.setup_link = ""
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.data.with_name(self.data.name + ".log")

    def start(self) -> Self:
        """Start it and wait until a browser could use it."""
        assert self.process is None, "it runs"
        environ = {name: value for name, value in os.environ.items() if not name.startswith("RECORDING_HUB_")}
        environ |= {"RECORDING_HUB_DATA": str(self.data), "RECORDING_HUB_PORT": "0"} | self.environ
        seen = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [self.python, "-P", "-m", "hub", "serve"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environ,
                start_new_session=True,
            )
        line = until(lambda: self._announced(seen), _START_S, "the hub's address")
        self.address, self.setup_link = line[1], line[2] or ""
        return self

    def _announced(self, seen: int) -> re.Match[str] | None:
        assert self.process is not None
        text = self.log.read_bytes()[seen:].decode(errors="replace")
        found = _LINE.search(text)
        assert found or self.process.poll() is None, f"the hub ended with {self.process.returncode}:\n{text[-4000:]}"
        return found

    def stop(self) -> int:
        """Ask it to end, as systemd does; returns its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(_STOP_S)
        self.process = None
        return code

    def kill(self) -> None:
        """End all of its processes at once, as a power cut would."""
        assert self.process is not None
        for pid in self.family():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait(_STOP_S)
        self.process = None

    def status(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def reset(self) -> None:
        """End it if it runs."""
        if self.status():
            self.kill()
        self.process = None

    def family(self) -> list[int]:
        """Pids of the hub and of every process it started, itself first."""
        assert self.process is not None
        found = [self.process.pid]
        for pid in found:
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                try:
                    found += [int(child) for child in task.read_text().split()]
                except OSError:
                    continue
        return found

    def client(self) -> httpx2.Client:
        """A browser-like client: cookies are kept, forms come from our own pages."""
        return httpx2.Client(base_url=self.address, headers={"Sec-Fetch-Site": "same-origin"}, timeout=30)

    def administrator(self) -> "Administrator":
        """Use the one-time link if it is still good, sign in, and hold a token for the API."""
        return Administrator(self)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.reset()


class Administrator:
    """The first administrator of a hub, in a browser and with an API token."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.browser = hub.client()
        if hub.setup_link:
            token = hub.setup_link.partition("token=")[2]
            form = {"token": token, "login": LOGIN, "name": "First Admin", "password": PASSWORD, "repeat": PASSWORD}
            answer = self.browser.post("/setup", data=form)
            assert answer.status_code in {200, 303}, answer.text
        answer = self.browser.post("/sign-in", data={"login": LOGIN, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        self.api = httpx2.Client(base_url=f"{hub.address}/api/v1", timeout=30)
        self.api.headers["Authorization"] = f"Bearer {self._make_token()}"

    def _make_token(self) -> str:

        database = open_database(load_config(self.hub.environ, data=self.hub.data))
        try:
            sessions = Sessions(database)
            person = sessions.find(self.browser.cookies["sid"])
            assert person is not None
            made = ApiTokens(database).create(
                person,
                f"test {time.time_ns()}",
                sorted(permission.key for permission in CORE),
                utc_now() + timedelta(days=1),
                SYSTEM,
            )
            return made.plain
        finally:
            database.close()

    def close(self) -> None:
        self.browser.close()
        self.api.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
