"""Errands that the supervisor has sent to the process of a source and that are not answered yet."""

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Any

from hub.runtime.failure import Failure, FailureKind, PluginFailure

_ON_THE_WAY_S = 1.0  # what the process does within its time must still get here


class OpenErrands:
    """Matches answers with what was sent."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._open: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def send(
        self, send: Callable[[dict[str, Any]], None], errand: str, arguments: dict[str, Any], deadline_s: float
    ) -> dict[str, Any]:
        """Send one and wait for its answer.

        Raises: PluginFailure.
        """
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._open[number] = answer
        try:
            about = {"errand": errand, "arguments": arguments, "deadline_s": deadline_s}
            send({"says": "errand", "number": number, **about})
            async with asyncio.timeout(deadline_s + _ON_THE_WAY_S):
                return await answer
        except TimeoutError:
            text = f"The device did not answer within {deadline_s:g} s."
            raise PluginFailure(Failure(kind=FailureKind.TIMEOUT, message=text)) from None
        finally:
            del self._open[number]

    def done(self, message: dict[str, Any]) -> None:
        """The process answered.

        Raises: KeyError, ValueError, TypeError if that is no answer.
        """
        answer = self._open.get(int(message["number"]))
        if answer is None or answer.done():
            return  # nobody waits any more
        if "failure" in message:
            answer.set_exception(PluginFailure(Failure.from_json(message["failure"])))
        else:
            answer.set_result(dict(message["result"]))

    def fail_all(self) -> None:
        """The process is gone."""
        for answer in self._open.values():
            if not answer.done():
                text = "The device's process ended before it answered."
                answer.set_exception(PluginFailure(Failure(kind=FailureKind.CRASHED, message=text)))
