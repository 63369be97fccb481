"""Nothing is lost and nothing is taken twice: crashes, refusals, changes, rivals, floods."""

import asyncio
import errno
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.sdk import BadRecording, HealthState, RetryLater, Stage
from plugins.ipoffice import door, porter, taking
from plugins.ipoffice import folder as files
from plugins.ipoffice.finding import TRACKED_MAX
from plugins.ipoffice.folder import WORK_NAME
from tests.doubles import vrl_files
from tests.doubles.ipoffice_site import Site
from tests.doubles.source_context import until


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.mark.parametrize("after_pickup", ["move", "copy"])
def test_the_source_is_emptied_only_at_the_stage_that_the_settings_name(
    tmp_path: Path, after_pickup: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(porter, "EMPTY_FIRST_S", 0.2)
    site = Site(tmp_path, after_pickup=after_pickup, empty_after="copy")

    async def first() -> None:
        site.put("a.wav")
        site.put("b.wav")
        await until(lambda: len(site.ctx.taken) == 2)
        for receipt_id in site.ctx.receipts:
            site.ctx.stages[receipt_id] = Stage.STORED
        await asyncio.sleep(1.5)
        assert site.left() == ["a.wav", "b.wav"]

    async def second() -> None:
        await asyncio.sleep(1.5)
        assert site.left() == ["a.wav", "b.wav"]
        first_id, second_id = site.ctx.receipts
        site.ctx.stages |= {first_id: Stage.COPIED, second_id: Stage.QUARANTINED}
        await until(lambda: len(site.left()) == 1)
        assert site.ctx.lamp.state is HealthState.OK

    site.run(first)
    site.run(second)
    assert site.ctx.duplicates == 0


def test_what_a_crash_left_in_the_work_folder_is_found_again(site: Site) -> None:
    async def hand_over_and_die() -> None:
        async def never(_: Any) -> Any:
            await asyncio.Event().wait()

        site.ctx.submit = never  # type: ignore[method-assign]
        site.put("a.wav", vrl_files.wave(chunks=vrl_files.info(IART="Anna")))
        site.put("b.xml", b"<call><callid>77</callid></call>")
        site.put("b.wav")
        await until(lambda: len(list((site.folder / WORK_NAME).rglob("*.wav"))) == 2)

    async def next_run() -> None:
        await until(lambda: len(site.ctx.taken) == 2)
        await until(lambda: not site.left())
        await until(lambda: all(path.parent == work for path in work.rglob("*")))

    work = site.folder / WORK_NAME
    site.run(hand_over_and_die)
    del site.ctx.submit
    site.run(next_run)
    assert site.ctx.draft("a.wav").agent == "Anna"
    assert site.ctx.draft("b.wav").call_id == "77"


def test_the_same_file_after_a_crash_has_the_same_origin(site: Site) -> None:
    async def hand_over_and_die_before_deleting() -> None:
        taken = site.ctx.submit

        async def submit_and_hang(draft: Any) -> Any:
            await taken(draft)
            await asyncio.Event().wait()

        site.ctx.submit = submit_and_hang  # type: ignore[method-assign]
        site.put("a.wav")
        await until(lambda: site.ctx.taken)

    async def next_run() -> None:
        await until(lambda: site.ctx.duplicates == 1)
        await until(lambda: not site.left())

    site.run(hand_over_and_die_before_deleting)
    del site.ctx.submit
    site.run(next_run)
    assert len(site.ctx.taken) == 1


def test_a_hub_that_cannot_take_recordings_is_waited_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(porter, "RETRY_FIRST_S", 0.1)
    site.ctx.refusals = [RetryLater("disk full", hint="Make room."), RetryLater("still", after=timedelta(seconds=0.2))]

    async def act() -> None:
        site.put("a.wav")
        await until(lambda: any("disk full" in health.summary for health in site.ctx.health))
        await until(lambda: site.ctx.taken)
        await until(lambda: site.ctx.lamp.state is HealthState.OK)
        await until(lambda: not site.left())

    site.run(act)


def test_a_file_that_the_hub_refuses_stays_and_does_not_hold_up_others(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(porter, "RETRY_FIRST_S", 0.05)

    async def act() -> None:
        site.ctx.refusals = [BadRecording("no") for _ in range(porter.REFUSALS_MAX)]
        site.put("bad.wav")
        await until(lambda: site.ctx.alarms)
        site.put("good.wav")
        await until(lambda: site.ctx.taken)
        await until(lambda: site.left() == ["bad.wav"])

    site.run(act)
    (alarm,) = site.ctx.alarms.values()
    assert "bad.wav" in alarm.text


def test_a_file_that_changes_while_it_is_handed_over_is_handed_over_again(site: Site) -> None:
    whole = vrl_files.wave(b"\x55" * 4000)

    async def act() -> None:
        taken = site.ctx.submit

        async def submit_and_write(draft: Any) -> Any:
            receipt = await taken(draft)
            site.ctx.submit = taken  # type: ignore[method-assign]
            draft.media[0].path.write_bytes(whole)
            return receipt

        site.ctx.submit = submit_and_write  # type: ignore[method-assign]
        site.put("a.wav", whole[:2000])
        await until(lambda: len(site.ctx.taken) == 2)
        await until(lambda: not site.left())

    site.run(act)
    assert site.ctx.taken[1][1] == whole


def test_files_that_vanish_raise_the_alarm_that_something_else_takes_them(site: Site) -> None:
    async def act() -> None:
        for number in range(3):
            site.put(f"{number}.wav", vrl_files.wave()[:-50])
        await until(lambda: site.ctx.lamp.numbers.get("files_waiting", 0) >= 0)
        await asyncio.sleep(0.4)
        for number in range(3):
            (site.folder / f"{number}.wav").unlink()
        await until(lambda: "handoff.contested" in site.ctx.alarms)

    site.run(act)
    assert not site.ctx.taken


def test_a_file_that_only_gets_another_name_has_not_vanished(site: Site) -> None:
    async def act() -> None:
        path = site.put("a.wav", vrl_files.wave()[:-50])
        await asyncio.sleep(0.4)
        path.rename(site.folder / "b.wav")
        await until(lambda: site.ctx.taken)

    site.run(act)
    assert site.ctx.names() == ["b.wav"]
    assert "handoff.file_vanished" not in site.ctx.log.events


def test_two_files_of_the_same_bytes_are_two_drafts_that_may_be_merged(site: Site) -> None:
    data = vrl_files.wave()

    async def act() -> None:
        site.put("a.wav", data)
        site.put("b.wav", data)
        await until(lambda: len(site.ctx.taken) == 2)

    site.run(act)
    first, second = (draft for draft, _, _ in site.ctx.taken)
    assert first.origin_id != second.origin_id
    assert first.media[0].sha256 == second.media[0].sha256  # type: ignore[union-attr]


def test_ten_thousand_files_at_once_are_taken_in_bounded_memory(tmp_path: Path) -> None:
    site = Site(tmp_path, after_pickup="leave", observer="polling")
    data = vrl_files.wave(b"")
    for number in range(10_000):
        path = site.folder / f"{number}.wav"
        path.write_bytes(data)
        os.utime(path, (1_700_000_000, 1_700_000_000))
    waiting: list[float] = []

    async def act() -> None:
        while len(site.ctx.taken) < 10_000:
            waiting.append(site.ctx.lamp.numbers.get("files_waiting", 0))
            await asyncio.sleep(0.2)

    site.settings = site.settings.model_copy(update={"settle_age_s": 0.5})
    site.run(lambda: asyncio.wait_for(act(), 90))
    assert max(waiting) <= TRACKED_MAX


def test_a_file_that_cannot_be_moved_says_why_and_is_tried_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "UNREADABLE_AGAIN_S", 0.5)
    move = files.move

    def refuse(*_: Any) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    async def act() -> None:
        monkeypatch.setattr(files, "move", refuse)
        site.put("a.wav")
        await until(lambda: "is on another file system" in site.ctx.lamp.summary)
        assert site.ctx.lamp.state is HealthState.DEGRADED
        assert site.left() == ["a.wav"]
        monkeypatch.setattr(files, "move", move)
        await until(lambda: site.ctx.taken)
        await until(lambda: site.ctx.lamp.state is HealthState.OK)

    site.run(act)


def test_a_file_that_cannot_be_read_or_is_too_large_stays_where_it_is(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "UNREADABLE_AGAIN_S", 0.5)
    monkeypatch.setattr(taking, "RECORDING_BYTES_MAX", 10_000)

    async def act() -> None:
        large = site.put("large.wav", vrl_files.wave(bytes(20_000)))
        await until(lambda: "large.wav cannot be taken" in site.ctx.lamp.summary)
        site.put("small.wav")
        await until(lambda: site.ctx.names() == ["small.wav"])
        await until(lambda: site.left() == ["large.wav"])
        large.unlink()
        await until(lambda: site.ctx.lamp.state is HealthState.OK)

    site.run(act)


def test_a_file_that_cannot_be_read_after_it_was_moved_is_tried_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(porter, "ASIDE_AGAIN_S", 0.5)
    read = taking.read_content

    def fail(*_: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    async def act() -> None:
        monkeypatch.setattr(taking, "read_content", fail)
        site.put("a.wav")
        await until(lambda: "cannot be read" in site.ctx.lamp.summary)
        monkeypatch.setattr(taking, "read_content", read)
        await until(lambda: site.ctx.taken)
        await until(lambda: not site.left())

    site.run(act)


def test_a_source_that_cannot_be_emptied_raises_an_alarm_until_it_can(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(porter, "EMPTY_FIRST_S", 0.2)
    delete = files.delete_file

    def refuse(*_: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    async def act() -> None:
        monkeypatch.setattr(files, "delete_file", refuse)
        site.put("a.wav")
        await until(lambda: "handoff.delete" in site.ctx.alarms)
        monkeypatch.setattr(files, "delete_file", delete)
        await until(lambda: not site.ctx.alarms)
        assert not site.left()

    site.run(act)
    assert len(site.ctx.taken) == 1


def test_what_was_moved_aside_is_found_even_after_the_settings_changed(tmp_path: Path) -> None:
    site = Site(tmp_path)
    other = Site(tmp_path, after_pickup="leave", folder=str(site.outside))
    other.ctx = site.ctx

    async def hand_over_and_die() -> None:
        async def never(_: Any) -> Any:
            await asyncio.Event().wait()

        site.ctx.submit = never  # type: ignore[method-assign]
        site.put("a.wav")
        await until(lambda: list((site.folder / files.WORK_NAME).rglob("*.wav")))

    async def next_run() -> None:
        await until(lambda: site.ctx.names() == ["a.wav"])
        await until(lambda: not site.left())

    site.run(hand_over_and_die)
    del site.ctx.submit
    other.run(next_run)
    other.run(lambda: asyncio.sleep(0.5))
    assert list(site.ctx.state.items("work:")) == []
