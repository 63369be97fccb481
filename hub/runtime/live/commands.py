"""The supervisor's side of what the web asks of running sources: steer a call, hear one, take a file over."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from hub.runtime.command_server import Handler
from hub.runtime.failure import Failure, FailureKind, PluginFailure
from hub.runtime.live.board import LiveBoard
from hub.runtime.roster import Folders


class Runner(Protocol):
    """A source that is kept running."""

    async def ask(self, errand: str, arguments: dict[str, Any], deadline_s: float) -> dict[str, Any]:
        """Have the plug-in do something.

        Raises: PluginFailure.
        """
        ...


class LiveCommands:
    """Finds the process that can do what is asked."""

    def __init__(self, runners: Mapping[int, Runner], board: LiveBoard, folders: Folders) -> None:
        self._runners = runners
        self._board = board
        self._folders = folders

    @property
    def handlers(self) -> dict[str, Handler]:
        """By the names of the commands."""
        return {"control": self._control, "listen": self._listen, "take_file": self._take_file}

    async def _control(self, arguments: dict[str, Any]) -> dict[str, Any]:
        runner = self._runner(arguments)
        about = {name: arguments[name] for name in ("action", "resume_after_s")}
        return await runner.ask("control", {"call": self._ref(arguments), **about}, float(arguments["deadline_s"]))

    async def _listen(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Where the audio comes from; the supervisor itself carries none."""
        self._runner(arguments)
        socket = self._folders.audio_socket_of(int(arguments["instance_id"]))
        if not socket.exists():
            text = "This device does not let its calls be heard."
            raise PluginFailure(Failure(kind=FailureKind.NOT_FOUND, message=text))
        return {"socket": str(socket), "call": self._ref(arguments)}

    async def _take_file(self, arguments: dict[str, Any]) -> dict[str, Any]:
        runner = self._runner(arguments)
        path = Path(arguments["path"])
        if path.parent.parent != self._folders.uploads:
            raise PluginFailure(Failure(kind=FailureKind.NOT_FOUND, message="The uploaded file is gone."))
        about = {"path": str(path), "name": str(arguments["name"])}
        return await runner.ask("take_file", about, float(arguments["deadline_s"]))

    def _runner(self, arguments: dict[str, Any]) -> Runner:
        found = self._runners.get(int(arguments["instance_id"]))
        if found is None:
            text = "There is no such device, or it is switched off."
            raise PluginFailure(Failure(kind=FailureKind.NOT_FOUND, message=text))
        return found

    def _ref(self, arguments: dict[str, Any]) -> str:
        found = self._board.ref_of(int(arguments["live_id"]))
        if found is None:
            raise PluginFailure(Failure(kind=FailureKind.NOT_FOUND, message="The call is over."))
        return found
