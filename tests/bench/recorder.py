"""A SIP recorder at work in a process of its own, with the kit's hub in memory: `recorder.py FOLDER SETTINGS`.

It says in a JSON line that it is ready, answers each line of standard input with its counts, and ends with the input.
"""

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from hub.sdk import HealthState, LiveCall
from hub.testing import FakeContext
from plugins.pbx_sip.recorder.plugin import SipRecorder
from plugins.pbx_sip.recorder.settings import RecorderSettings

_START_S, _LOOK_S = 30.0, 0.05


class ForgetfulContext(FakeContext):
    """The kit's hub, which keeps the last of what it is told and not all, so that memory is the device's."""

    def show_call(self, call: LiveCall) -> None:
        self.live[call.id] = call

    def drop_call(self, call_id: str) -> None:
        self.live.pop(call_id, None)

    def decide(self, call: Any) -> Any:
        verdict = super().decide(call)
        self.outlines.clear()
        return verdict


async def run(folder: Path, settings: dict[str, Any]) -> None:
    ctx = ForgetfulContext(folder)
    device = SipRecorder(RecorderSettings(**settings), ctx)
    task = asyncio.create_task(device.run())
    async with asyncio.timeout(_START_S):
        while not (task.done() or (ctx.health and ctx.health[-1].state is HealthState.OK)):  # noqa: ASYNC110 - told by nothing
            await asyncio.sleep(_LOOK_S)
    if task.done():
        task.result()
    say(ready=True)
    engine = device._at_work().engine
    while await asyncio.to_thread(sys.stdin.readline):
        ctx.health = ctx.health[-1:]
        say(live=len(ctx.live), alarms=sorted(ctx.alarms), **engine.tally.workers.get(0, {}))
    engine.stop_workers()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def say(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), json.loads(sys.argv[2])))
