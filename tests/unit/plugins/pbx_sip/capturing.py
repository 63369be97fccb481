"""A device of capture files at work, and what it hands over."""

import asyncio
from contextlib import asynccontextmanager

from plugins.pbx_sip.media import g711
from plugins.pbx_sip.plugin import SipCapture
from plugins.pbx_sip.settings import SipCaptureSettings
from tests.doubles import audio

SAID = g711.compress_mu(audio.speech(2, seed=1)[:, 0]).tobytes()
HEARD = g711.compress_mu(audio.speech(2, seed=2)[:, 0]).tobytes()


def settings(folder, **changes):
    return SipCaptureSettings(**{"folder": folder, "settle_age_s": 0.1} | changes)


@asynccontextmanager
async def running(made, ctx):
    task = asyncio.create_task(SipCapture(made, ctx).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def run_until(condition, made, ctx, within_s=15):
    async def play():
        async with running(made, ctx):
            ends = asyncio.get_running_loop().time() + within_s
            while not condition():
                assert asyncio.get_running_loop().time() < ends, ctx.health[-1:]
                await asyncio.sleep(0.05)

    asyncio.run(play())


def drafts(ctx):
    return [ctx.submitted[origin_id] for origin_id in ctx.received]


def channels(ctx):
    [[sound]] = ctx.media.values()
    return audio.decoded(sound)[0].T
