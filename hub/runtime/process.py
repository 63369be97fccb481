"""One child process of the supervisor: started, spoken with, watched and ended."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from hub.runtime.limits import Limits
from hub.runtime.output import Drain, Output
from hub.runtime.wire import MAX_LINE_BYTES, WireError, decode, encode

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_PASSED_ON = frozenset({"RECORDING_HUB_KILL_AT"})


class HostProcess:
    """A process of `hub.runtime.source_host`, in a session of its own, with a channel and drained output."""

    def __init__(
        self, process: asyncio.subprocess.Process, line: tuple[asyncio.StreamReader, asyncio.StreamWriter], out: Output
    ) -> None:
        self._process = process
        self._reader, self._writer = line
        self.errors = Drain("stderr", out)
        prints = Drain("stdout", out)
        pipes = ((prints, process.stdout), (self.errors, process.stderr))
        self._drains = [asyncio.create_task(drain.read(pipe)) for drain, pipe in pipes if pipe is not None]

    @classmethod
    async def start(cls, order: dict[str, Any], out: Output) -> Self:
        """Start a process and give it its order.

        Raises: OSError if it cannot be started.
        """
        ours, theirs = socket.socketpair()
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "hub.runtime.source_host", str(theirs.fileno()), str(os.getpid())),
                str(order["instance"]).replace("\0", " "),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=(theirs.fileno(),),
                env=plugin_environ(os.environ),
                start_new_session=True,
            )
            line = await asyncio.open_connection(sock=ours, limit=MAX_LINE_BYTES)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        started = cls(process, line, out)
        started.send(order)
        return started

    @property
    def pid(self) -> int:
        """Process id, also of its session and process group."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not been seen to end."""
        return self._process.returncode is None

    def send(self, message: dict[str, Any]) -> None:
        """Say something to it; lost if it is gone."""
        with suppress(OSError, RuntimeError):
            self._writer.write(encode(message))

    async def messages(self) -> AsyncIterator[dict[str, Any]]:
        """What it says, until it closes its end.

        Raises: WireError if it says what is no message.
        """
        while True:
            try:
                line = await self._reader.readline()
            except ValueError as exc:
                raise WireError("it sent a line that is too long") from exc
            except ConnectionError:
                return
            if not line.endswith(b"\n"):
                return
            yield decode(line)

    def memory_bytes(self) -> int:
        """Resident memory, 0 when it is gone."""
        return memory_bytes(self.pid) if self.running else 0

    async def wait(self) -> int:
        """Its exit code, or minus the signal that ended it."""
        return await self._process.wait()

    async def stop(self, limits: Limits) -> bool:
        """Ask it to end, then tell it, then make it; whether asking was enough."""
        self.send({"says": "stop"})
        if await self._gone_within(limits.stop_s):
            return True
        await self.end(limits.term_s)
        return False

    async def end(self, term_s: float) -> None:
        """SIGTERM, and SIGKILL if it is still there `term_s` later; its own children go with it."""
        self._signal(signal.SIGTERM)
        if term_s <= 0 or not await self._gone_within(term_s):
            self._signal(signal.SIGKILL)
            await self._process.wait()

    async def clear_away(self) -> None:
        """After its end: end what it started itself, read the rest of its output, close the channel."""
        self._signal(signal.SIGKILL)
        _, late = await asyncio.wait(self._drains, timeout=1.0)
        for drain in late:
            drain.cancel()
        if late:  # what it started holds the pipes open
            self._process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001 - asyncio has no other way
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def _gone_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._process.wait()
        return not self.running

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


def memory_bytes(pid: int) -> int:
    """Resident memory of a process, 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError, ValueError):
        return 0


def plugin_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without the hub's own variables: a plug-in has no business with its keys and its database."""
    return {
        name: value for name, value in environ.items() if name in _PASSED_ON or not name.startswith("RECORDING_HUB_")
    }
