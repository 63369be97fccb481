"""Calls between real telephones over a real proxy and a real media relay, seen on both hops by a mirror."""

import asyncio
import time
from pathlib import Path

import numpy as np
import pytest

from hub.sdk import Direction, EventKind, Role
from plugins.pbx_sip.engine import ending
from tests.doubles.mirror_port import MIRRORED
from tests.doubles.network import LAN_ADDRESS
from tests.doubles.source_context import until
from tests.unit.plugins.pbx_sip.mirror.conftest import PITCHES_HZ, Office
from tests.unit.plugins.pbx_sip.mirror.mirroring import (
    channels,
    likeness,
    mirror,
    pitch_hz,
    pitches_hz,
    recordings,
    talked_s,
)
from tests.unit.plugins.pbx_sip.packets import frames

IN_TIME_S = 0.02


def test_a_call_that_is_seen_on_both_hops_is_one_recording_with_each_party_in_its_channel(
    office: Office, tmp_path: Path
) -> None:
    async def run() -> None:
        async with mirror(tmp_path, MIRRORED) as ctx:
            await office.talk("201", "305", 3.0)
            [draft] = await recordings(ctx)
        sounds = channels(ctx, draft)
        assert pitches_hz(ctx, draft) == {"201": 440, "305": 620}
        assert min(likeness(sound, office.said[number]) for number, sound in sounds.items()) > 0.97
        assert abs(draft.duration_s - talked_s(office.port.seen)) < IN_TIME_S
        assert {len(sound) for sound in sounds.values()} == {round(draft.duration_s * 8000)}
        assert draft.direction is Direction.INTERNAL
        assert [(party.number, party.role, party.channel) for party in draft.parties] == [
            ("201", Role.CALLER, 0),
            ("305", Role.CALLED, 1),
        ]
        assert draft.fields["caller_loss_percent"] == draft.fields["called_loss_percent"] == "0.00"

    asyncio.run(run())


def test_hops_with_call_ids_of_their_own_are_one_recording_that_keeps_them_all(office: Office, tmp_path: Path) -> None:
    async def run() -> None:
        async with mirror(tmp_path, MIRRORED) as ctx:
            await office.talk("201", "305", 2.0, by=office.border)
            [draft] = await recordings(ctx)
        assert pitches_hz(ctx, draft) == {"201": 440, "305": 620}
        assert abs(draft.duration_s - talked_s(office.port.seen)) < IN_TIME_S
        [other] = draft.fields["other_call_ids"].split(", ")
        assert len({draft.call_id, other}) == 2

    asyncio.run(run())


def test_a_call_that_is_held_and_resumed_is_one_recording_that_tells_when(office: Office, tmp_path: Path) -> None:
    async def run() -> None:
        async with mirror(tmp_path, MIRRORED) as ctx:
            caller = office.telephones["201"]
            await office.begin("201", "305")
            await asyncio.sleep(1.5)
            await caller.command("hold")
            await asyncio.sleep(1.0)
            await caller.command("resume")
            await asyncio.sleep(1.5)
            await office.end("201", "305")
            [draft] = await recordings(ctx)
        [hold] = [event for event in draft.events if event.kind is EventKind.HOLD]
        assert hold.party == "201"
        assert abs(hold.until_s - hold.at_s - 1.0) < 0.3
        for number, sound in channels(ctx, draft).items():
            held_at, resumed_at, moment = round(hold.at_s * 8000), round(hold.until_s * 8000), 2000
            before, after = sound[: held_at - moment], sound[resumed_at + moment :]
            held = sound[held_at + moment : resumed_at - moment]
            assert pitch_hz(before) == pitch_hz(after) == PITCHES_HZ[number]
            assert np.abs(held).max() < np.abs(before).max() / 20

    asyncio.run(run())


def test_a_call_that_is_transferred_is_two_recordings_of_which_the_first_tells_where_to(
    office: Office, tmp_path: Path
) -> None:
    async def run() -> None:
        async with mirror(tmp_path, MIRRORED) as ctx:
            await office.begin("201", "305")
            await asyncio.sleep(1.5)
            office.telephones["306"].events.clear()
            await office.telephones["201"].command("transfer", "306")
            await office.telephones["306"].wait_for("CALL_ESTABLISHED")
            await office.telephones["201"].wait_for("CALL_CLOSED")
            await asyncio.sleep(1.5)
            await office.end("306", "305")
            first, second = await recordings(ctx, 2)
        assert "306" in first.fields["referred_to"]
        assert first.call_id == second.call_id == first.fields.get("sip_call_id", first.call_id)
        assert second.fields["sip_call_id"] != second.call_id
        assert [party.number for party in first.parties] == ["201", "305"]
        assert [party.number for party in second.parties] == ["305", "306"]
        assert pitches_hz(ctx, first) == {"201": 440, "305": 620}
        assert pitches_hz(ctx, second) == {"305": 620, "306": 850}

    asyncio.run(run())


def test_of_calls_that_are_cancelled_or_refused_there_is_neither_recording_nor_absence(
    office: Office, tmp_path: Path
) -> None:
    async def run() -> None:
        async with mirror(tmp_path, MIRRORED) as ctx:
            caller, rings = office.telephones["201"], office.telephones["307"]
            await rings.register()
            rings.events.clear()
            await caller.dial("307")
            await rings.wait_for("CALL_INCOMING")
            await caller.command("hangup")
            await rings.wait_for("CALL_CLOSED")
            await caller.dial("307")
            await rings.wait_for("CALL_INCOMING")
            await rings.command("hangup")
            await caller.wait_for("CALL_CLOSED")
            await caller.dial("999")
            await caller.wait_for("CALL_CLOSED")
            await office.talk("201", "305", 1.0)
            [draft] = await recordings(ctx)
        assert [party.number for party in draft.parties] == ["201", "305"]
        assert (ctx.absences, ctx.live) == ({}, {})

    asyncio.run(run())


def test_signalling_over_tcp_is_heard_on_connections_that_were_there_before(office: Office, tmp_path: Path) -> None:
    async def run() -> None:
        async with mirror(tmp_path, MIRRORED) as ctx:
            await office.talk("306", "307", 1.5)
            [draft] = await recordings(ctx)
        assert pitches_hz(ctx, draft) == {"306": 850, "307": 1010}
        assert abs(draft.duration_s - talked_s(office.port.seen)) < IN_TIME_S

    asyncio.run(run())


def test_a_call_that_goes_on_when_the_device_starts_is_recorded_whether_it_is_signalled_again_or_not(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "_STRAYS_S", 1.0)
    monkeypatch.setattr(ending, "_STRAY_SILENT_NS", 3_000_000_000)

    async def run() -> None:
        await office.begin("201", "305")
        await office.begin("306", "307")
        async with mirror(tmp_path, MIRRORED) as ctx:
            started_s = time.monotonic()
            await asyncio.sleep(3.5)
            await office.telephones["201"].command("hold")
            await office.telephones["201"].command("resume")
            await asyncio.sleep(0.5)
            went_on_s = time.monotonic() - started_s
            await office.end("201", "305")
            await office.end("306", "307")
            await recordings(ctx, 2)
            reports = len(ctx.health)
            await until(lambda: len(ctx.health) > reports + 2)  # a second hop taken for a call would be here by then
            drafts = await recordings(ctx, 2)
        heard = {frozenset(pitches_hz(ctx, draft).values()): draft for draft in drafts}
        again, stray = heard[frozenset({440, 620})], heard[frozenset({850, 1010})]
        assert [party.number for party in again.parties] == ["201", "305"]
        assert min(again.duration_s, stray.duration_s) > went_on_s - 0.3
        hosts = {party.name.partition(":")[0] for party in stray.parties}
        assert hosts in ({"198.51.100.13", LAN_ADDRESS}, {"198.51.100.14", LAN_ADDRESS})

    asyncio.run(run())


def _tagged(frame: bytes, *kinds: int) -> bytes:
    """A frame with 802.1Q tags."""
    tags = b"".join(kind.to_bytes(2, "big") + (100).to_bytes(2, "big") for kind in kinds)
    return frame[:12] + tags + frame[12:]


FORMS = {
    "every packet twice": lambda frame: [frame, frame],
    "802.1Q": lambda frame: [_tagged(frame, 0x8100)],
    "802.1ad": lambda frame: [_tagged(frame, 0x88A8, 0x8100)],
    "GRE": lambda frame: [frames.ethernet(frames.ipv4(frames.gre(frame, 0x6558), 47))],
    "ERSPAN II": lambda frame: [frames.ethernet(frames.ipv4(frames.erspan2(frame), 47))],
    "ERSPAN III": lambda frame: [frames.ethernet(frames.ipv4(frames.erspan3(frame), 47))],
    "VXLAN": lambda frame: [frames.ethernet(frames.ipv4(frames.vxlan(frame)))],
}


def test_a_call_is_the_same_recording_however_the_mirror_port_wraps_it(office: Office, tmp_path: Path) -> None:
    async def run() -> None:
        async with mirror(tmp_path, MIRRORED) as ctx:
            talked = []
            for wrap in FORMS.values():
                office.port.wrap = wrap
                await office.talk("201", "305", 1.0)
                talked.append(talked_s(office.port.seen))
            drafts = await recordings(ctx, len(FORMS))
        for form, length_s, draft in zip(FORMS, talked, drafts, strict=True):
            assert pitches_hz(ctx, draft) == {"201": 440, "305": 620}, form
            assert abs(draft.duration_s - length_s) < IN_TIME_S, form
            for side in ("caller", "called"):
                assert draft.fields[f"{side}_loss_percent"] == "0.00", form
                assert float(draft.fields[f"{side}_jitter_ms"]) < 15, form

    asyncio.run(run())
