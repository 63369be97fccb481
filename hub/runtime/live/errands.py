"""What people ask of a running source, carried out in its own process: a call is steered, a file is taken over."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from hub.runtime.channel import Channel
from hub.runtime.failure import Failure, FailureKind
from hub.sdk import CallControl, Controls, Plugin, TakesFiles

_AT_ONCE = 64
_LONGEST_S = 120.0
Errand = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class Errands:
    """Runs errands on the plug-in's own loop, some at a time, and answers each of them."""

    def __init__(self, channel: Channel, plugin: Plugin[Any]) -> None:
        self._channel = channel
        self._plugin = plugin
        self._errands: dict[str, Errand] = {"control": self._control, "take_file": self._take_file}
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, message: dict[str, Any]) -> None:
        """Start the errand of a message; only on the loop of the plug-in."""
        if len(self._tasks) >= _AT_ONCE:
            text = "The device is busy with too many requests."
            self._fail(message, Failure(kind=FailureKind.RETRY_LATER, message=text))
            return
        task = asyncio.create_task(self._run(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Drop what is not done."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, message: dict[str, Any]) -> None:
        deadline_s = min(float(message["deadline_s"]), _LONGEST_S)
        try:
            async with asyncio.timeout(deadline_s):
                result = await self._errands[message["errand"]](message["arguments"])
        except TimeoutError:
            text = f"The device did not do it within {deadline_s:g} s."
            self._fail(message, Failure(kind=FailureKind.TIMEOUT, message=text))
        except Exception as exc:  # noqa: BLE001 - whatever the plug-in raised is told to the one who asked
            self._fail(message, Failure.of(exc))
        else:
            self._channel.say("errand_done", number=message["number"], result=result)

    def _fail(self, message: dict[str, Any], failure: Failure) -> None:
        self._channel.say("errand_done", number=message["number"], failure=failure.to_json())

    async def _control(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(self._plugin, Controls):
            raise TypeError("the plug-in steers no calls")
        resume_after_s = arguments["resume_after_s"]
        result = await self._plugin.control(
            arguments["call"],
            CallControl(arguments["action"]),
            resume_after_s=None if resume_after_s is None else float(resume_after_s),
        )
        return {"done": bool(result.done), "text": str(result.text)[:500]}

    async def _take_file(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(self._plugin, TakesFiles):
            raise TypeError("the plug-in takes no files")
        await self._plugin.take_file(Path(arguments["path"]), arguments["name"])
        return {}
