"""From received lines to call details in the hub: every line is kept before the next is read."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import timedelta, tzinfo

from hub.sdk import BadRecording, PluginContext, RetryLater
from plugins.ipoffice.smdr.calls import make_detail
from plugins.ipoffice.smdr.rows import BadRow, Row, is_heading, parse_row

PREFIX = "smdr:"
QUIET_S = 120.0
FORGET_S = 6 * 3600.0
CALLS_MAX = 2000
ROWS_MAX = 200
RETRY_S = 10.0


@dataclass(slots=True)
class OpenCall:
    """A call whose last row has not come: its rows, the keys under which they are kept, when the newest came."""

    rows: list[Row] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    newest_s: float = 0.0
    told: bool = False


class Intake:
    """Joins rows to calls and hands each call over: when its last row came, or when no more came for a while.

    A call that goes on after that is handed over again with all its rows; the hub only fills what is still empty.
    """

    def __init__(self, ctx: PluginContext, zone: tzinfo | None) -> None:
        self._ctx = ctx
        self._zone = zone
        self._calls: dict[str, OpenCall] = {}
        self._number = 0
        self._wake = asyncio.Event()
        self._finished: list[OpenCall] = []
        self.rows_total = 0
        self.bad_total = 0
        self.details_total = 0

    def restore(self) -> None:
        """Take up rows that an earlier run kept and did not hand over.

        Raises: RetryLater.
        """
        for key, line in self._ctx.state.items(PREFIX):
            self._number = max(self._number, int(key[len(PREFIX) :]) + 1)
            try:
                self._join(parse_row(line), key)
            except BadRow:
                self._ctx.state.delete(key)

    def receive(self, lines: list[str]) -> None:
        """Keep rows durably, and join them to their calls.

        Raises: RetryLater (they cannot be kept now; nothing of them was taken).
        """
        rows: list[tuple[Row, str]] = []
        kept = {}
        for received in lines:
            line = received.strip("\0\r\n\t ")
            if not line or is_heading(line):
                continue
            try:
                row = parse_row(line)
            except BadRow as reason:
                self.bad_total += 1
                self._ctx.log.warning("smdr.line_refused", reason=str(reason), characters=len(line))
                continue
            key = f"{PREFIX}{self._number + len(rows):015d}"
            rows.append((row, key))
            kept[key] = line
        if rows:
            self._ctx.state.put_many(kept)
        self._number += len(rows)
        self.rows_total += len(rows)
        for row, key in rows:
            self._join(row, key)

    async def run(self) -> None:
        """Hand calls over until cancelled."""
        while True:
            now_s = time.monotonic()
            self._expire(now_s)
            while self._finished:
                await self._hand_over(self._finished[0])
                self._finished.pop(0)
            try:
                async with asyncio.timeout(1.0):
                    await self._wake.wait()
            except TimeoutError:
                continue
            finally:
                self._wake.clear()

    def _join(self, row: Row, key: str) -> None:
        # Call ids begin anew when the PBX restarts; all rows of a call have the same start.
        name = f"{row.call_id} {row.call_start.isoformat()}"
        call = self._calls.setdefault(name, OpenCall())
        if row not in call.rows and len(call.rows) < ROWS_MAX:
            call.rows.append(row)
            call.told = False
        call.keys.append(key)
        call.newest_s = time.monotonic()
        if not row.continues:
            self._finished.append(self._calls.pop(name))
            self._wake.set()
        elif len(self._calls) > CALLS_MAX:
            self._finished.append(self._calls.pop(next(iter(self._calls))))

    def _expire(self, now_s: float) -> None:
        for name, call in list(self._calls.items()):
            if now_s - call.newest_s > FORGET_S:
                self._finished.append(self._calls.pop(name))
            elif not call.told and now_s - call.newest_s > QUIET_S:
                call.told = True
                self._finished.append(OpenCall(list(call.rows)))

    async def _hand_over(self, call: OpenCall) -> None:
        """Hand a call over until the hub has it; only then its rows are forgotten."""
        detail = make_detail(call.rows, self._zone)
        while True:
            try:
                await self._ctx.submit_detail(detail)
                self.details_total += 1
            except RetryLater as later:
                await asyncio.sleep((later.after or timedelta(seconds=RETRY_S)).total_seconds())
                continue
            except BadRecording as reason:
                self._ctx.log.warning("smdr.call_refused", reason=str(reason))
            break
        if call.keys:
            self._ctx.state.delete(*call.keys)
