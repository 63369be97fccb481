"""The plug-in at work on a hand-off folder."""

import asyncio
import os
import shutil
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.sdk import BadRecording, HealthState, MediaFile, RetryLater, Stage
from plugins.ipoffice import porter
from plugins.ipoffice.finding import TRACKED_MAX
from plugins.ipoffice.folder import WORK_NAME
from plugins.ipoffice.plugin import IPOffice
from plugins.ipoffice.settings import IPOfficeSettings
from tests.doubles import vrl_files
from tests.doubles.source_context import SourceContext, running, until


class Site:
    """A Voicemail Pro's hand-off folder and the hub beside it."""

    def __init__(self, tmp_path: Path, **settings: Any) -> None:
        self.folder = tmp_path / "vrl"
        self.folder.mkdir(exist_ok=True)
        self.outside = tmp_path / "outside"
        self.outside.mkdir(exist_ok=True)
        self.ctx = SourceContext(tmp_path)
        self.settings = IPOfficeSettings(folder=str(self.folder), **{"settle_age_s": 1.0, "poll_s": 0.5, **settings})

    def plugin(self) -> IPOffice:
        return IPOffice(self.settings, self.ctx)

    def put(self, name: str, data: bytes | None = None, *, old: bool = False) -> Path:
        """Rename a finished file into the folder."""
        part = self.outside / "part"
        part.write_bytes(vrl_files.wave(os.fsencode(name) * 20) if data is None else data)
        if old:
            os.utime(part, (1_700_000_000, 1_700_000_000))
        return part.rename(self.folder / name)

    def left(self) -> list[str]:
        """Names of the files that still lie in the folder, the work folder included."""
        return sorted(name for _, _, names in os.walk(self.folder) for name in names)

    def run(self, act: Callable[[], Awaitable[None]]) -> None:
        """Run the device while `act` does something."""

        async def both() -> None:
            async with running(self.plugin()):
                await until(lambda: any("watched" in h.summary or "polled" in h.summary for h in self.ctx.healths))
                await act()

        asyncio.run(both())


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_renamed_and_a_closed_file_are_handed_over_at_once_and_taken_away(site: Site) -> None:
    async def act() -> None:
        begun_s = time.monotonic()
        site.put("a.wav")
        (site.folder / "b.wav").write_bytes(vrl_files.wave(b"\x55" * 3000))
        await until(lambda: len(site.ctx.taken) == 2)
        assert max(at for _, _, at in site.ctx.taken) - begun_s < 1.0
        await until(lambda: not site.left())

    site.run(act)
    draft = site.ctx.draft("a.wav")
    assert draft.origin_server == "Voicemail Pro"
    assert draft.merge_same_media
    assert draft.provenance["started_at"] == "file:mtime"


def test_a_file_that_is_not_whole_is_taken_when_it_has_settled(site: Site) -> None:
    async def act() -> None:
        begun_s = time.monotonic()
        site.put("cut.wav", vrl_files.wave()[:-100])
        await until(lambda: site.ctx.taken)
        assert 1.0 <= site.ctx.taken[0][2] - begun_s < 3.0

    site.run(act)


def test_a_file_still_growing_is_left_alone(site: Site) -> None:
    whole = vrl_files.wave(b"\x55" * 30_000)

    async def act() -> None:
        with (site.folder / "a.wav").open("wb") as file:
            for start in range(0, len(whole), 2000):
                file.write(whole[start : start + 2000])
                file.flush()
                await asyncio.sleep(0.2)
                assert not site.ctx.taken
            assert len(whole) > 15 * 2000
        await until(lambda: site.ctx.taken)
        assert site.ctx.taken[0][1] == whole

    site.run(act)


def test_what_lay_there_before_the_hub_is_taken_and_what_comes_meanwhile_as_well(site: Site) -> None:
    for number in range(50):
        site.put(f"old{number}.wav", old=True)

    async def act() -> None:
        for number in range(50):
            site.put(f"new{number}.wav")
        await until(lambda: len(site.ctx.taken) == 100)
        await until(lambda: not site.left())

    site.run(act)


def test_names_of_any_bytes_and_of_full_length_are_taken(site: Site) -> None:
    names = [b"a b'\"$(x)\n.wav", b"\xff\xfe.wav", b"\xc3\xa4" * 125 + b".wav", b"-.wav"]

    async def act() -> None:
        for raw in names:
            site.put(os.fsdecode(raw))
        await until(lambda: len(site.ctx.taken) == len(names))
        await until(lambda: not site.left())

    site.run(act)
    assert r"\xff\xfe.wav" in site.ctx.names()


def test_links_pipes_and_unfinished_names_are_left_alone(site: Site) -> None:
    secret = site.outside / "secret.wav"
    secret.write_bytes(vrl_files.wave())
    (site.folder / "link.wav").symlink_to(secret)
    os.mkfifo(site.folder / "pipe.wav")
    for name in ("x.tmp", ".hidden.wav", "y.wav.part", "z.txt"):
        (site.folder / name).write_bytes(vrl_files.wave())

    async def act() -> None:
        site.put("last.wav")
        await until(lambda: site.ctx.taken)
        await asyncio.sleep(2.5)

    site.run(act)
    assert site.ctx.names() == ["last.wav"]
    assert secret.exists()


def test_unknown_and_empty_files_are_handed_over_with_their_problem(site: Site) -> None:
    async def act() -> None:
        site.put("secret.wav", os.urandom(4096))
        site.put("empty.wav", b"")
        await until(lambda: len(site.ctx.taken) == 2)

    site.run(act)
    for name in ("secret.wav", "empty.wav"):
        problem = site.ctx.draft(name).problem
        assert problem is not None
        assert problem[0] == "FILE_PARSE_ERROR"


def test_metadata_of_the_file_and_of_its_sidecar_come_along_and_the_sidecar_is_taken_away(site: Site) -> None:
    async def act() -> None:
        site.put("a.xml", b"<call><callid>77</callid><agent>Sidecar</agent><skill>Sales</skill></call>")
        site.put("a.wav", vrl_files.wave(chunks=vrl_files.info(IART="Anna")))
        await until(lambda: site.ctx.taken)
        await until(lambda: not site.left())

    site.run(act)
    draft = site.ctx.draft("a.wav")
    assert (draft.call_id, draft.agent, draft.skill) == ("77", "Anna", "Sales")
    assert draft.fields["sidecar:call.agent"] == "Sidecar"


def test_a_recording_can_wait_for_its_sidecar(tmp_path: Path) -> None:
    site = Site(tmp_path, sidecar_wait_s=30)

    async def act() -> None:
        site.put("a.wav")
        await asyncio.sleep(2.5)
        assert not site.ctx.taken
        site.put("a.xml", b"<call><callid>77</callid></call>")
        await until(lambda: site.ctx.taken)

    site.run(act)
    assert site.ctx.draft("a.wav").call_id == "77"


def test_a_sidecar_that_cannot_be_read_is_kept_as_it_is(site: Site) -> None:
    async def act() -> None:
        site.put("a.xml", b"<call><callid>77</", old=True)
        site.put("a.wav")
        await until(lambda: site.ctx.taken)

    site.run(act)
    draft = site.ctx.draft("a.wav")
    assert draft.raw["sidecar:a.xml"] == b"<call><callid>77</"
    assert "not well formed" in draft.fields["reading"]


def test_subfolders_are_looked_into_if_the_settings_say_so(tmp_path: Path) -> None:
    site = Site(tmp_path, recursive=True)

    async def act() -> None:
        (site.folder / "2026" / "11").mkdir(parents=True)
        site.put("2026/11/a.wav")
        await until(lambda: site.ctx.taken)
        await until(lambda: not site.left())

    site.run(act)
    assert site.ctx.names() == ["2026/11/a.wav"]


def test_a_polled_folder_gives_its_files_after_their_age(tmp_path: Path) -> None:
    site = Site(tmp_path, observer="polling")

    async def act() -> None:
        begun_s = time.monotonic()
        site.put("a.wav", old=True)
        await until(lambda: site.ctx.taken)
        assert 1.0 <= site.ctx.taken[0][2] - begun_s < 1.0 + 2.0 + 0.5

    site.run(act)
    assert any("is polled" in health.summary for health in site.ctx.healths)


def test_a_folder_that_vanishes_turns_the_lamp_red_and_its_return_green(site: Site) -> None:
    async def act() -> None:
        site.put("a.wav")
        await until(lambda: site.ctx.taken)
        shutil.rmtree(site.folder)
        await until(lambda: site.ctx.health.state is HealthState.DOWN)
        assert "does not exist" in site.ctx.health.summary
        assert site.ctx.health.hint
        site.folder.mkdir()
        site.put("b.wav")
        await until(lambda: len(site.ctx.taken) == 2)
        await until(lambda: site.ctx.health.state is HealthState.OK)

    site.run(act)


def test_a_folder_that_is_replaced_is_watched_anew(site: Site) -> None:
    async def act() -> None:
        site.folder.rename(site.outside / "old")
        site.folder.mkdir()
        await asyncio.sleep(2)
        begun_s = time.monotonic()
        site.put("a.wav")
        await until(lambda: site.ctx.taken)
        assert time.monotonic() - begun_s < 1.0

    site.run(act)


def test_leaving_files_takes_each_once_over_restarts_and_changed_ones_again(tmp_path: Path) -> None:
    site = Site(tmp_path, after_pickup="leave")

    async def first() -> None:
        for number in range(20):
            site.put(f"{number}.wav")
        await until(lambda: len(site.ctx.taken) == 20)

    async def second() -> None:
        site.put("new.wav")
        site.put("3.wav", vrl_files.wave(b"other sound"))
        await until(lambda: len(site.ctx.taken) == 22)
        await asyncio.sleep(2)

    site.run(first)
    site.run(second)
    assert site.ctx.duplicates == 0
    assert len(site.left()) == 21
    assert not (site.folder / WORK_NAME).exists()


def test_reading_in_place_deletes_after_the_receipt(tmp_path: Path) -> None:
    site = Site(tmp_path, after_pickup="copy")

    async def act() -> None:
        site.put("a.wav")
        await until(lambda: site.ctx.taken)
        await until(lambda: not site.left())

    site.run(act)
    (media,) = site.ctx.draft("a.wav").media
    assert isinstance(media, MediaFile)
    assert media.path == site.folder / "a.wav"


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
        assert site.ctx.health.state is HealthState.OK

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

    site.run(hand_over_and_die)
    del site.ctx.submit
    site.run(next_run)
    assert site.ctx.draft("a.wav").agent == "Anna"
    assert site.ctx.draft("b.wav").call_id == "77"
    work = site.folder / WORK_NAME
    assert all(path.parent == work for path in work.rglob("*"))


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
        await until(lambda: any("disk full" in health.summary for health in site.ctx.healths))
        await until(lambda: site.ctx.taken)
        await until(lambda: site.ctx.health.state is HealthState.OK)
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
        await until(lambda: site.ctx.health.numbers.get("files_waiting", 0) >= 0)
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
    assert "handoff.file_vanished" not in site.ctx.log.events()


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
            waiting.append(site.ctx.health.numbers.get("files_waiting", 0))
            await asyncio.sleep(0.2)

    site.settings = site.settings.model_copy(update={"settle_age_s": 0.5})
    site.run(lambda: asyncio.wait_for(act(), 90))
    assert max(waiting) <= TRACKED_MAX
