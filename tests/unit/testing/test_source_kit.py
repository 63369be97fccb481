"""The kit must catch a source that breaks its contract."""
# ruff: noqa: ASYNC240 - these sources are small, and some are meant to be bad

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hub.sdk import (
    Alarm,
    BadRecording,
    Health,
    HealthState,
    Kind,
    MediaFile,
    PluginInfo,
    PluginSettings,
    RecordingDraft,
    RetryLater,
    Severity,
    Source,
    setting,
)
from hub.testing import FakeContext, SourceConformance
from hub.testing.tones import tone, write_wav


class Settings(PluginSettings):
    folder: Path = setting("Folder", "Where it works.", widget="folder")


class Good(Source[Settings]):
    """Takes files and removes them after the receipt."""

    info = PluginInfo(name="good", kind=Kind.SOURCE, title="Good", summary="For tests.", settings=Settings)

    def __init__(self, settings: Settings, ctx: Any) -> None:
        super().__init__(settings, ctx)
        self.bad: set[str] = set()

    def check(self) -> Health:
        return Health(HealthState.OK)

    async def run(self) -> None:
        while True:
            for path in sorted(self.settings.folder.glob("*.wav")):
                if path.name not in self.bad:
                    await self.take(path)
            await asyncio.sleep(0.02)

    async def take(self, path: Path) -> None:
        try:
            await self.ctx.submit(self.draft(path))
            path.unlink()
        except BadRecording:
            self.bad.add(path.name)
        except RetryLater:
            await asyncio.sleep(0.02)

    def draft(self, path: Path) -> RecordingDraft:
        return RecordingDraft(origin_id=path.name, started_at=datetime.now(UTC), media=(MediaFile(path=path),))


class Counts(Good):
    """Makes up a new origin id each time, and keeps the file."""

    async def take(self, path: Path) -> None:
        number = self.ctx.state.get("number") or 0
        if path.name in (self.ctx.state.get("seen") or []):
            return
        draft = RecordingDraft(origin_id=f"n{number}", started_at=datetime.now(UTC), media=(MediaFile(path=path),))
        draft = RecordingDraft(origin_id=f"{time.monotonic_ns()}", started_at=draft.started_at, media=draft.media)
        await self.ctx.submit(draft)
        self.ctx.state.put("seen", [*(self.ctx.state.get("seen") or []), path.name])


class Forgetful(Counts):
    """Knows what it has seen only in memory."""

    async def take(self, path: Path) -> None:
        if path.name not in self.bad:
            draft = RecordingDraft(
                origin_id=f"{time.monotonic_ns()}", started_at=datetime.now(UTC), media=(MediaFile(path=path),)
            )
            await self.ctx.submit(draft)
            self.bad.add(path.name)


class Hasty(Good):
    """Removes the file before the receipt."""

    async def take(self, path: Path) -> None:
        moved = path.rename(self.ctx.scratch / path.name)
        try:
            await self.ctx.submit(self.draft(moved))
        except RetryLater:
            moved.unlink()


class Quitter(Good):
    """Thinks that its work is done."""

    async def run(self) -> None:
        for path in self.settings.folder.glob("*.wav"):
            await self.take(path)


class Naive(Good):
    """Its times have no zone."""

    def draft(self, path: Path) -> RecordingDraft:
        return RecordingDraft(origin_id=path.name, started_at=datetime(2026, 1, 1), media=(MediaFile(path=path),))  # noqa: DTZ001


class Stubborn(Good):
    """Does not stop."""

    async def run(self) -> None:
        while True:
            try:
                await asyncio.sleep(0.2)
            except asyncio.CancelledError:
                continue


class Blocks(Good):
    """Works in its event loop."""

    async def take(self, path: Path) -> None:
        time.sleep(0.3)  # noqa: ASYNC251 - the fault that is to be caught
        await super().take(path)


class Stuck(Good):
    """Tries a bad recording again for ever, before any other."""

    async def take(self, path: Path) -> None:
        while True:
            try:
                await self.ctx.submit(self.draft(path))
            except BadRecording:
                await asyncio.sleep(0.02)
            else:
                path.unlink()
                return


class Alarmist(Good):
    """Leaves its alarm open."""

    async def take(self, path: Path) -> None:
        try:
            await self.ctx.submit(self.draft(path))
            path.unlink()
        except RetryLater as exc:
            self.ctx.raise_alarm(Alarm(key="x", code="FILE_ERROR", severity=Severity.MINOR, text=str(exc)))


class Meddler(Good):
    """Its check takes the files away."""

    def check(self) -> Health:
        for path in self.settings.folder.glob("*.wav"):
            path.unlink()
        return Health(HealthState.OK)


@pytest.mark.parametrize(
    ("mutant", "check"),
    [
        (Counts, "test_a_recording_has_the_same_origin_id_after_the_memory_is_lost"),
        (Forgetful, "test_a_restart_submits_nothing_twice_and_misses_nothing"),
        (Hasty, "test_a_full_disk_loses_nothing_and_is_over_when_it_is_over"),
        (Hasty, "test_it_stops_in_the_middle_of_a_submit_and_loses_nothing"),
        (Quitter, "test_each_recording_is_submitted_once"),
        (Naive, "test_each_recording_is_submitted_once"),
        (Stubborn, "test_it_stops_when_it_is_told_to"),
        (Blocks, "test_it_never_blocks_its_event_loop"),
        (Stuck, "test_one_bad_recording_does_not_keep_the_others_back"),
        (Alarmist, "test_a_full_disk_loses_nothing_and_is_over_when_it_is_over"),
        (Meddler, "test_check_touches_no_recording"),
    ],
)
def test_a_source_that_breaks_its_contract_is_caught(tmp_path, monkeypatch, mutant, check):
    monkeypatch.setattr("hub.testing.source._STUCK_S", 0.2)
    with pytest.raises(AssertionError):
        run(tmp_path, mutant, check)


def run(tmp_path, cls, check):
    (folder := tmp_path / "in").mkdir()

    class Kit(SourceConformance):
        plugin = cls
        found_s = 1.0
        quiet_s = 0.2
        stop_s = 0.3

        def offer(self, number: int, tmp_path: Path) -> None:
            made = write_wav(tmp_path / f"{number}.tmp", [tone(200.0 * number, 0.05)])
            made.rename(tmp_path / "in" / f"{number}.wav")

    kit = Kit()
    needed = {"settings": {"folder": str(folder)}, "ctx": FakeContext(tmp_path / "hub"), "tmp_path": tmp_path}
    code = getattr(kit, check).__code__
    getattr(kit, check)(**{name: needed[name] for name in code.co_varnames[1 : code.co_argcount]})


@pytest.mark.parametrize(
    "check", [name for name in dir(SourceConformance) if name.startswith("test_") and "stops" in name]
)
def test_a_good_source_passes_the_same_checks(tmp_path, check):
    run(tmp_path, Good, check)
