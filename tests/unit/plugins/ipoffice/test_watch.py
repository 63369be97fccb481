import asyncio
from collections.abc import Callable
from pathlib import Path

from plugins.ipoffice.watch import BURST_EVENTS, FolderWatch, Hints
from tests.doubles.source_context import until


def hints_of(
    folder: Path, act: Callable[[], None], enough: Callable[[Hints], bool], *, recursive: bool = False
) -> Hints:
    """All that is announced while `act` runs, until it is `enough`."""

    async def watch() -> Hints:
        watcher = FolderWatch(str(folder), recursive=recursive, wake=asyncio.Event())
        watcher.start()
        seen = Hints()
        try:
            await asyncio.to_thread(act)

            def collected() -> bool:
                new = watcher.drain()
                seen.finished |= new.finished
                seen.opened |= new.opened
                seen.list_again |= new.list_again
                return enough(seen)

            await until(collected, 10)
            assert watcher.is_alive
        finally:
            await asyncio.to_thread(watcher.stop)
        assert not watcher.is_alive
        return seen

    return asyncio.run(watch())


def test_a_closed_file_and_a_renamed_one_are_announced_as_finished(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()

    def act() -> None:
        (folder / "a.wav").write_bytes(b"x")
        (folder / "b.tmp").write_bytes(b"x")
        (folder / "b.tmp").rename(folder / "b.wav")
        (tmp_path / "c.wav").write_bytes(b"x")
        (tmp_path / "c.wav").rename(folder / "c.wav")

    assert {"a.wav", "b.wav", "c.wav"} <= hints_of(folder, act, lambda seen: "c.wav" in seen.finished).finished


def test_a_file_that_stays_open_is_announced_as_opened(tmp_path: Path) -> None:
    with (tmp_path / "a.wav").open("wb") as file:
        file.write(b"x")
        seen = hints_of(tmp_path, (tmp_path / "b.wav").touch, lambda seen: "b.wav" in seen.finished)
        assert "a.wav" not in seen.finished

    def keep_open() -> None:
        kept.append((tmp_path / "c.wav").open("wb"))

    kept: list = []
    assert "c.wav" in hints_of(tmp_path, keep_open, lambda seen: "c.wav" in seen.opened).opened
    kept[0].close()


def test_files_of_new_subfolders_are_announced_where_these_are_watched(tmp_path: Path) -> None:
    def act() -> None:
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub" / "a.wav").write_bytes(b"x")

    seen = hints_of(tmp_path, act, lambda seen: bool((seen.finished | seen.opened) & {"sub/a.wav"}), recursive=True)
    assert seen.list_again


def test_what_the_hub_itself_moves_away_is_not_announced(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.wav").write_bytes(b"x")

    def act() -> None:
        (folder / "a.wav").rename(tmp_path / "a.wav")
        (folder / "b.wav").touch()

    seen = hints_of(folder, act, lambda seen: "b.wav" in seen.finished)
    assert "a.wav" not in seen.finished | seen.opened


def test_a_burst_asks_for_a_listing(tmp_path: Path) -> None:
    def act() -> None:
        for number in range(BURST_EVENTS):
            (tmp_path / f"{number}.wav").touch()

    assert hints_of(tmp_path, act, lambda seen: seen.list_again).list_again


def test_trees_that_come_and_go_quickly_do_not_deafen_the_watch(tmp_path: Path) -> None:
    def act() -> None:
        for number in range(200):
            path = tmp_path / f"{number}" / "r" / "2026" / "11"
            path.mkdir(parents=True)
            (path / "a.wav").touch()
            if number < 199:
                (path / "a.wav").unlink()
                for folder in (path, *path.parents[:3]):
                    folder.rmdir()

    hints_of(tmp_path, act, lambda seen: seen.list_again, recursive=True)
    (tmp_path / "199").rename(tmp_path / "x")
    seen = hints_of(tmp_path, (tmp_path / "b.wav").touch, lambda seen: "b.wav" in seen.finished, recursive=True)
    assert "b.wav" in seen.finished
