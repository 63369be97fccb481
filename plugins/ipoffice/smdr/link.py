"""The TCP connection over which SMDR comes: the PBX connects to the hub, or the hub to the PBX.

The PBX keeps only some hundreds to thousands of rows while nobody listens (10 to 3000, 500 unless set otherwise), so a
lost connection is worth an alarm.

Source: Avaya IP Office documentation, System | SMDR: "0.0.0.0 (Listen)", Records to Buffer.
"""

import asyncio
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from hub.sdk import Alarm, PluginContext, RetryLater, Severity
from plugins.ipoffice.smdr.intake import Intake
from plugins.ipoffice.smdr.peers import Network, is_allowed
from plugins.ipoffice.smdr.rows import LINE_CHARS_MAX
from plugins.ipoffice.status import Statuses

PART = "SMDR"
ALARM_KEY = "smdr.lost"
CONNECTIONS_MAX = 8
BLOCK_BYTES = 64 * 1024
BACKOFF_MAX_S = 60.0
KEPT_AGAIN_S = 5.0


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """mode: "listen" or "connect". grace_s: how long a connection may be away before it counts as lost."""

    mode: str
    host: str
    port: int
    peers: tuple[Network, ...] = ()
    grace_s: float = 30.0
    backoff_s: float = 1.0


class SmdrLink:
    """Keeps the connection and feeds the intake, until cancelled; a port in use or a dead PBX is waited for."""

    def __init__(self, ctx: PluginContext, settings: LinkSettings, intake: Intake, statuses: Statuses) -> None:
        self._ctx = ctx
        self._settings = settings
        self._intake = intake
        self._statuses = statuses
        self._writers: set[asyncio.StreamWriter] = set()
        self._lost_timer: asyncio.TimerHandle | None = None
        self._may_be_alarmed = True  # by an earlier run
        self._is_raised = False
        self.port = 0
        statuses.counters[PART] = self._numbers

    async def run(self) -> None:
        """Listen or connect until cancelled."""
        self._intake.restore()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._intake.run())
            tasks.create_task(self._keep_up())

    async def _keep_up(self) -> None:
        backoff_s = self._settings.backoff_s
        try:
            while True:
                if self._settings.mode == "listen":
                    await self._listen()
                elif await self._connect():
                    backoff_s = self._settings.backoff_s
                await asyncio.sleep(backoff_s)
                backoff_s = min(BACKOFF_MAX_S, backoff_s * 2)
        finally:
            if self._lost_timer is not None:
                self._lost_timer.cancel()

    def _numbers(self) -> Mapping[str, float]:
        return {
            "smdr_rows_total": float(self._intake.rows_total),
            "smdr_refused_total": float(self._intake.bad_total),
            "smdr_calls_total": float(self._intake.details_total),
        }

    async def _listen(self) -> None:
        host, port = self._settings.host, self._settings.port
        try:
            server = await asyncio.start_server(self._serve, host, port, limit=BLOCK_BYTES)
        except OSError as error:
            self._statuses.degraded(
                PART,
                f"Call details cannot be received on port {port}: {error.strerror or error}.",
                f"Free the port (ss -ltnp sport = :{port} shows who has it), or choose another here and in Manager.",
            )
            return
        try:
            self.port = server.sockets[0].getsockname()[1]
            self._statuses.ok(PART, f"Waiting for the PBX on port {self.port}.")
            await asyncio.Event().wait()
        finally:
            server.close()
            for writer in self._writers:
                writer.transport.abort()

    async def _connect(self) -> bool:
        host, port = self._settings.host, self._settings.port
        if self._lost_timer is None and not self._writers and not self._is_raised:
            self._start_lost_timer()
        try:
            async with asyncio.timeout(10):
                reader, writer = await asyncio.open_connection(host, port, limit=BLOCK_BYTES)
        except (OSError, TimeoutError) as error:
            why = getattr(error, "strerror", None) or str(error) or "no answer"
            self._statuses.degraded(
                PART,
                f"No call details: {host} port {port} cannot be reached: {why}.",
                "Look in Manager under System, SMDR: output on, address 0.0.0.0, this port; and at firewalls.",
            )
            return False
        await self._read(reader, writer)
        return True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = str(writer.get_extra_info("peername")[0])
        if not is_allowed(address, self._settings.peers) or len(self._writers) >= CONNECTIONS_MAX:
            self._ctx.log.warning("smdr.peer_refused", address=address)
            writer.close()
            return
        await self._read(reader, writer)

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read lines until the other side closes."""
        self._opened(writer)
        rest = b""
        try:
            while block := await reader.read(BLOCK_BYTES):
                *lines, rest = (rest + block).split(b"\n")
                await self._keep([line.decode("utf-8", "replace") for line in lines])
                if len(rest) > LINE_CHARS_MAX:
                    rest = b""
                    self._ctx.log.warning("smdr.line_refused", reason="it does not end")
            if rest.strip(b"\0\r "):
                await self._keep([rest.decode("utf-8", "replace")])
        except OSError as error:
            self._ctx.log.info("smdr.connection_broke", reason=str(error))
        finally:
            self._closed(writer)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _keep(self, lines: list[str]) -> None:
        """Keep lines before more are read: what the PBX sent, it forgets."""
        while True:
            try:
                self._intake.receive(lines)
            except RetryLater as later:
                self._statuses.degraded(PART, f"Call details cannot be kept: {later}", later.hint)
                await asyncio.sleep(KEPT_AGAIN_S)
            else:
                return

    def _opened(self, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        sock: socket.socket = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in ((socket.TCP_KEEPIDLE, 60), (socket.TCP_KEEPINTVL, 15), (socket.TCP_KEEPCNT, 4)):
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
        if self._lost_timer is not None:
            self._lost_timer.cancel()
            self._lost_timer = None
        if self._may_be_alarmed:
            self._may_be_alarmed = self._is_raised = False
            self._ctx.clear_alarm(ALARM_KEY)
        self._statuses.ok(PART, "Call details are received.")
        self._ctx.log.info("smdr.connected")

    def _closed(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        if not self._writers:
            self._statuses.degraded(
                PART,
                "The connection for call details is lost.",
                "The PBX keeps only some hundreds of rows; look at the network and at System, SMDR in Manager.",
            )
            self._start_lost_timer()

    def _start_lost_timer(self) -> None:
        self._lost_timer = asyncio.get_running_loop().call_later(self._settings.grace_s, self._raise_alarm)

    def _raise_alarm(self) -> None:
        self._lost_timer = None
        self._may_be_alarmed = True
        self._is_raised = True
        self._ctx.raise_alarm(
            Alarm(
                key=ALARM_KEY,
                code="SMDR_LOST",
                severity=Severity.MAJOR,
                text="The connection for call details (SMDR) is lost; the PBX keeps only some hundreds of them.",
                hint="Look at the network, and in Manager at System, SMDR.",
            )
        )
