"""The supervisor's end of the command channel."""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from hub.runtime import peers
from hub.runtime.failure import PluginFailure
from hub.runtime.wire import MAX_LINE_BYTES

Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]

_ANSWERS_KEPT = 256
_LONGEST_S = 120.0
_FIRST_LINE_S = 5.0
_BACKLOG = 100
_log = structlog.get_logger(__name__)


class CommandServer:
    """Answers one request per connection; the same idempotency key again gets the same answer, done once."""

    def __init__(self, path: Path, handlers: Mapping[str, Handler]) -> None:
        self._path = path
        self._handlers = dict(handlers)
        self._answers: OrderedDict[str, asyncio.Task[dict[str, Any]]] = OrderedDict()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to listen; a socket that a dead supervisor left behind is replaced.

        Raises: OSError.
        """
        listener = peers.listen(self._path, _BACKLOG)
        try:
            self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=MAX_LINE_BYTES)
        except BaseException:
            listener.close()
            raise

    async def stop(self) -> None:
        """Listen no more, and drop what is not answered."""
        if self._server is not None:
            self._server.close()
            for task in self._answers.values():
                task.cancel()
            await asyncio.gather(*self._answers.values(), return_exceptions=True)
            await self._server.wait_closed()
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if not peers.is_own(writer.get_extra_info("socket")):
                return
            async with asyncio.timeout(_FIRST_LINE_S):
                line = await reader.readline()
            answer = await self._answer(line)
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        except (TimeoutError, OSError, ValueError):
            pass  # the other side went away, or never was one of ours
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            handler = self._handlers[request["command"]]
            key, arguments = str(request["key"]), dict(request["arguments"])
            deadline_s = min(float(request["deadline_s"]), _LONGEST_S)
        except (ValueError, KeyError, TypeError):
            return {"refused": "This is no request that the supervisor knows."}
        task = self._answers.get(key)
        if task is None:
            task = asyncio.create_task(_carry_out(handler, arguments))
            self._answers[key] = task
            self._forget_old()
        try:
            async with asyncio.timeout(deadline_s):
                return await asyncio.shield(task)
        except TimeoutError:
            return {"refused": f"There was no answer within {deadline_s:g} s."}

    def _forget_old(self) -> None:
        for key in list(self._answers)[: max(len(self._answers) - _ANSWERS_KEPT, 0)]:
            if self._answers[key].done():
                del self._answers[key]


async def _carry_out(handler: Handler, arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"result": await handler(arguments)}
    except PluginFailure as exc:
        return {"failure": exc.failure.to_json()}
    except Exception as exc:  # noqa: BLE001 - one bad request must not end the supervisor
        _log.exception("command.failed")
        return {"refused": f"The supervisor failed: {exc!r}."}
