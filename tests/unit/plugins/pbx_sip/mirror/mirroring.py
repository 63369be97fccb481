"""A mirror device at work in the test's own process, and what is to be heard in its recordings."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hub.sdk import HealthState, RecordingDraft
from hub.testing import FakeContext
from plugins.pbx_sip.mirror.plugin import SipMirror
from plugins.pbx_sip.mirror.settings import MirrorSettings
from tests.doubles.audio import decoded
from tests.doubles.mirror_port import Seen
from tests.doubles.network import LAN_ADDRESS
from tests.doubles.source_context import until

WITHIN_S = 60.0
RATE_HZ = 8000
RELAY = ip_address(LAN_ADDRESS).packed
_PROTOCOL, _TARGET, _RTP = 23, 30, 42  # where they are in a frame
_UDP, _VERSION, _MU_LAW = 17, 0x80, 0

Samples = npt.NDArray[np.float64]


@asynccontextmanager
async def mirror(folder: Path, interface: str, **settings: Any) -> AsyncIterator[FakeContext]:
    """A device at work; its worker ends with it."""
    ctx = FakeContext(folder)
    device = SipMirror(MirrorSettings(interface=interface, **settings), ctx)
    task = asyncio.create_task(device.run())
    try:
        await until(lambda: task.done() or (ctx.health and ctx.health[-1].state is HealthState.OK), WITHIN_S)
        if task.done():
            task.result()
        yield ctx
    finally:
        if device._work is not None:
            for foreman in device._work.engine.foremen:
                foreman.stop()
                await until(lambda foreman=foreman: not foreman.ready.is_set(), WITHIN_S)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def recordings(ctx: FakeContext, count: int = 1) -> list[RecordingDraft]:
    """So many recordings once they are there, and no more; in time."""
    await until(lambda: len(ctx.submitted) >= count, WITHIN_S)
    assert len(ctx.submitted) == count, [draft.fields for draft in ctx.submitted.values()]
    return sorted(ctx.submitted.values(), key=lambda draft: draft.started_at)


def channels(ctx: FakeContext, draft: RecordingDraft) -> dict[str, Samples]:
    """What is heard of each party, by its number or else its name."""
    [content] = ctx.media[draft.origin_id]
    samples, rate_hz = decoded(content)
    assert rate_hz == RATE_HZ
    return {party.number or party.name: samples[:, party.channel].astype(float) for party in draft.parties}


def pitches_hz(ctx: FakeContext, draft: RecordingDraft) -> dict[str, int]:
    """The tone of each party."""
    return {party: pitch_hz(sound) for party, sound in channels(ctx, draft).items()}


def pitch_hz(sound: Samples) -> int:
    """The tone that is heard most, to a tenth of a hertz before it is rounded, however short it is."""
    length = max(len(sound), 10 * RATE_HZ)
    return round(np.abs(np.fft.rfft(sound, length)).argmax() * RATE_HZ / length)


def likeness(sound: Samples, said: Samples) -> float:
    """How much of a sound is what was said from its beginning on, wherever in the sound that starts: 0 to 1."""
    found = np.fft.irfft(np.fft.rfft(sound, 2 * len(sound)) * np.fft.rfft(said[: len(sound)], 2 * len(sound)).conj())
    at = int(found[: len(sound)].argmax())
    heard, like = sound[at:], said[: len(sound) - at]
    return float(heard @ like / np.sqrt((heard @ heard) * (like @ like)))


def talked_s(seen: Sequence[Seen]) -> float:
    """How long it was talked to the media relay, as the clocks of the telephones and their first packets tell."""
    by_sender: dict[bytes, list[Seen]] = defaultdict(list)
    for each in filter(_is_to_relay, seen):
        by_sender[each.frame[_RTP + 8 : _RTP + 12]].append(each)
    spans = list(map(_span_s, by_sender.values()))
    return max(ended_s for _, ended_s in spans) - min(began_s for began_s, _ in spans)


def _is_to_relay(seen: Seen) -> bool:
    """Whether this is speech on its first hop."""
    frame = seen.frame
    is_to_relay = len(frame) > _RTP and frame[_PROTOCOL] == _UDP and frame[_TARGET : _TARGET + 4] == RELAY
    return is_to_relay and frame[_RTP] == _VERSION and frame[_RTP + 1] & 0x7F == _MU_LAW


def _span_s(sent: Sequence[Seen]) -> tuple[float, float]:
    """When a sender began and ended to talk, by its packets that were least delayed."""
    ticks = np.array([int.from_bytes(each.frame[_RTP + 4 : _RTP + 8]) for each in sent], np.int64)
    ticks = (ticks - ticks[0] + (1 << 31)) % (1 << 32) - (1 << 31)
    began_s = float((np.array([each.at_ns for each in sent]) / 1e9 - ticks / RATE_HZ).min())
    return began_s, began_s + (int(ticks[-1]) + len(sent[-1].frame) - _RTP - 12) / RATE_HZ
