"""The plug-in at work on a hand-off folder."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from hub.sdk import HealthState, MediaFile
from plugins.ipoffice import presence
from plugins.ipoffice.folder import WORK_NAME
from plugins.ipoffice.mounts import Mount
from tests.doubles import vrl_files
from tests.doubles.ipoffice_site import Site
from tests.doubles.source_context import until


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
    names = [b"a b'\"$(x)\n.wav", b"\xff\xfe.wav", b"\xc3\xa4" * 125 + b".wav", b"n" * 251 + b".wav", b"-.wav"]

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
    assert any("is polled" in health.summary for health in site.ctx.health)


def test_a_share_is_polled_and_its_clock_is_not_trusted(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "find_mount", lambda _: Mount("/mnt/vrl", "nfs4", "pbx:/vrl"))

    async def act() -> None:
        begun_s = time.monotonic()
        site.put("a.wav", old=True)
        await until(lambda: site.ctx.taken)
        assert 1.0 <= site.ctx.taken[0][2] - begun_s < 3.5

    site.run(act)
    assert any("is polled" in health.summary for health in site.ctx.health)


def test_a_folder_that_vanishes_turns_the_lamp_red_and_its_return_green(site: Site) -> None:
    async def act() -> None:
        site.put("a.wav")
        await until(lambda: site.ctx.taken)
        site.folder.rename(site.folder.with_name("gone"))
        await until(lambda: site.ctx.lamp.state is HealthState.DOWN)
        assert "does not exist" in site.ctx.lamp.summary
        assert site.ctx.lamp.hint
        site.folder.mkdir()
        site.put("b.wav")
        await until(lambda: len(site.ctx.taken) == 2)
        await until(lambda: site.ctx.lamp.state is HealthState.OK)

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
