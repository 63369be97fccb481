"""The command channel: web and command line ask the running supervisor over a Unix socket.

One JSON line asks, one answers. A request carries an idempotency key, so that one sent twice is done once, and a
deadline, after which nobody waits for its answer any more.
"""

import json
import secrets
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.runtime.failure import Failure, PluginFailure, SupervisorAway
from hub.runtime.forms import plain
from hub.runtime.wire import MAX_LINE_BYTES, health_from_json
from hub.sdk import CallControl, ControlResult, Health, Kind, PluginSettings

_CHECK_S = 10.0
_CONTROL_S = 10.0
_FILE_S = 60.0
_ON_THE_WAY_S = 3.0  # what ends with its deadline must still be told
_START_S = 5.0  # a fresh process imports the plug-in before its check begins


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessStatus:
    """One process that the supervisor keeps: web, worker or the process of a source instance.

    pid: None while it does not run. memory_bytes: resident. starts: how often it was started.
    """

    name: str
    state: str
    instance_id: int | None = None
    pid: int | None = None
    since_ms: int = 0
    starts: int = 0
    memory_bytes: int = 0
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioPlace:
    """Where to ask for the audio of a call, and what the call is called there."""

    socket: Path
    call: str


class CommandClient:
    """Asks the supervisor; blocking, one connection per question, safe from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def check(
        self,
        kind: Kind,
        plugin: str,
        settings: PluginSettings,
        instance_id: int | None = None,
        *,
        deadline_s: float = _CHECK_S,
        key: str = "",
    ) -> Health:
        """Try settings that need not be saved, in a process of its own that is ended after `deadline_s`.

        Raises: PluginFailure (what the plug-in says is wrong), SupervisorAway.
        """
        arguments = {
            "kind": kind.value,
            "plugin": plugin,
            "settings": plain(settings),
            "settings_version": type(settings).settings_version,
            "instance_id": instance_id,
            "deadline_s": deadline_s,
        }
        answer = self._ask("check", arguments, deadline_s + _START_S, key)
        return health_from_json(answer["health"])

    def control(
        self,
        instance_id: int,
        live_id: int,
        action: CallControl,
        *,
        resume_after_s: float | None = None,
        deadline_s: float = _CONTROL_S,
        key: str = "",
    ) -> ControlResult:
        """Steer a call that goes on. live_id: the hub's own id of it.

        Raises: PluginFailure (NOT_FOUND: it is over), SupervisorAway.
        """
        about = {"action": action.value, "resume_after_s": resume_after_s}
        arguments = {"instance_id": instance_id, "live_id": live_id, "deadline_s": deadline_s, **about}
        answer = self._ask("control", arguments, deadline_s + _ON_THE_WAY_S, key)
        return ControlResult(done=bool(answer["done"]), text=str(answer["text"]))

    def listen(self, instance_id: int, live_id: int, *, deadline_s: float = 5.0) -> AudioPlace:
        """Where a call that goes on can be heard.

        Raises: PluginFailure (NOT_FOUND: it is over), SupervisorAway.
        """
        arguments = {"instance_id": instance_id, "live_id": live_id}
        answer = self._ask("listen", arguments, deadline_s, "")
        return AudioPlace(socket=Path(answer["socket"]), call=answer["call"])

    def take_file(self, instance_id: int, path: Path, name: str, *, deadline_s: float = _FILE_S, key: str = "") -> None:
        """Have a running device take over a file. name: what people call it.

        Raises: PluginFailure (BAD_RECORDING: it is not what it should be), SupervisorAway.
        """
        arguments = {"instance_id": instance_id, "path": str(path), "name": name, "deadline_s": deadline_s}
        self._ask("take_file", arguments, deadline_s + _ON_THE_WAY_S, key)

    def reload(self, instance_id: int, *, deadline_s: float = 5.0, key: str = "") -> None:
        """The instance was added, changed or deleted: take it up now.

        Raises: SupervisorAway.
        """
        self._ask("reload", {"instance_id": instance_id}, deadline_s, key)

    def restart(self, instance_id: int, *, deadline_s: float = 5.0, key: str = "") -> None:
        """End the instance's process and start it anew, parked or not.

        Raises: PluginFailure (NOT_FOUND: no such enabled instance), SupervisorAway.
        """
        self._ask("restart", {"instance_id": instance_id}, deadline_s, key)

    def status(self, *, deadline_s: float = 2.0) -> list[ProcessStatus]:
        """Every process that the supervisor keeps.

        Raises: SupervisorAway.
        """
        return [ProcessStatus(**process) for process in self._ask("status", {}, deadline_s, "")["processes"]]

    def _ask(self, command: str, arguments: dict[str, Any], deadline_s: float, key: str) -> dict[str, Any]:
        request = {
            "command": command,
            "key": key or secrets.token_hex(16),
            "deadline_s": deadline_s,
            "arguments": arguments,
        }
        try:
            line = _exchange(self._path, json.dumps(request).encode() + b"\n", deadline_s)
            answer: dict[str, Any] = json.loads(line)
        except (OSError, ValueError) as exc:
            raise SupervisorAway(
                f"The hub's supervisor does not answer ({exc}).", hint="Is `recording-hub serve` running?"
            ) from exc
        if "failure" in answer:
            raise PluginFailure(Failure.from_json(answer["failure"]))
        if "refused" in answer:
            raise SupervisorAway(answer["refused"])
        result: dict[str, Any] = answer["result"]
        return result


def _exchange(path: Path, line: bytes, deadline_s: float) -> bytes:
    """Send one line, receive one.

    Raises: OSError (TimeoutError past the deadline); ConnectionError if the other side says nothing.
    """
    ends = time.monotonic() + deadline_s
    received = bytearray()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
        channel.settimeout(deadline_s)
        channel.connect(str(path))
        channel.sendall(line)
        while not received.endswith(b"\n"):
            channel.settimeout(max(ends - time.monotonic(), 0.001))
            part = channel.recv(65536)
            if not part:
                raise ConnectionError("it closed the connection")
            received += part
            if len(received) > MAX_LINE_BYTES:
                raise ConnectionError("it answered more than allowed")
    return bytes(received)
