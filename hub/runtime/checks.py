"""Tries a plug-in's settings once, in a process of its own that is ended when its time is over."""

import asyncio
import shutil
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from hub.runtime.failure import Failure, FailureKind, PluginFailure
from hub.runtime.limits import Limits
from hub.runtime.plugin_seals import UNSAVED
from hub.runtime.process import HostProcess
from hub.runtime.questions import WORDS, Questions
from hub.runtime.roster import Folders, RosterEntry, make_order
from hub.runtime.wire import WireError, health_from_json
from hub.sdk import Health

_AT_ONCE = 4
_log = structlog.get_logger(__name__)


class Checks:
    """Runs checks, a few at a time."""

    def __init__(self, folders: Folders, limits: Limits, questions: Questions, at_once: int = _AT_ONCE) -> None:
        self._folders = folders
        self._limits = limits
        self._questions = questions
        self._slots = asyncio.Semaphore(at_once)

    async def check(self, entry: RosterEntry, deadline_s: float) -> Health:
        """What the plug-in's `check()` says. deadline_s: counted from when the plug-in is loaded.

        Raises: PluginFailure.
        """
        if entry.problem:
            raise PluginFailure(Failure(kind=FailureKind.SETTINGS, message=entry.problem))
        folders = self._folders
        apart: Path | None = None
        if entry.id == UNSAVED:
            apart = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="check-", dir=self._folders.run))
            folders = replace(folders, scratch=apart, state=apart)
        try:
            async with self._slots:
                return await self._try_once(make_order("check", entry, folders), deadline_s)
        finally:
            if apart is not None:
                await asyncio.to_thread(shutil.rmtree, apart, ignore_errors=True)

    async def _try_once(self, order: dict[str, Any], deadline_s: float) -> Health:
        log = _log.bind(instance=order["instance"], plugin=order["plugin"])
        process = await HostProcess.start(
            order, lambda stream, text: log.info("plugin.printed", stream=stream, text=text)
        )
        made = asyncio.Event()
        asking = asyncio.create_task(self._ask(process, order["instance_id"], made))
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._limits.start_s):
                    await made.wait()
            if not made.is_set():
                raise _timeout(f"It did not start within {self._limits.start_s:g} s.")
            async with asyncio.timeout(deadline_s):
                return await asking
        except TimeoutError:
            raise _timeout(f"It did not answer within {deadline_s:g} s.") from None
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await process.end(0.0)
            await process.clear_away()

    async def _ask(self, process: HostProcess, instance_id: int, made: asyncio.Event) -> Health:
        try:
            async for message in process.messages():
                match message["says"]:
                    case "made":
                        made.set()
                    case "checked":
                        return health_from_json(message["health"])
                    case "ended" if message["failure"]:
                        raise PluginFailure(Failure.from_json(message["failure"]))
                    case question if question in WORDS:
                        found = await self._questions.answer(instance_id, message)
                        process.send({"says": "answer", "number": message["number"], **found})
                    case _:
                        pass  # alarms and reports of a check are of no interest
        except (WireError, KeyError, ValueError, TypeError) as exc:
            text = f"Its process does not keep to the protocol: {exc}."
            raise PluginFailure(Failure(kind=FailureKind.CRASHED, message=text)) from exc
        finally:
            made.set()
        code = await process.wait()
        text = f"Its process ended during the check (exit code {code})."
        raise PluginFailure(Failure(kind=FailureKind.CRASHED, message=text))


def _timeout(message: str) -> PluginFailure:
    hint = "Is the address right, and is the other side running?"
    return PluginFailure(Failure(kind=FailureKind.TIMEOUT, message=message, hint=hint))
