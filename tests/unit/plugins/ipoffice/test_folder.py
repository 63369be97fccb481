import os
from pathlib import Path

import pytest

from plugins.ipoffice import folder as files
from plugins.ipoffice.folder import Look, NamePatterns

ALL = NamePatterns(("*",))


def listed(folder: Path, *, recursive: bool = False, patterns: NamePatterns = ALL, skip: str = "") -> list[str]:
    return sorted(path for path, _ in files.walk(str(folder), patterns, recursive=recursive, skip=skip))


def test_only_regular_files_are_listed(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"x")
    (tmp_path / "link.wav").symlink_to(tmp_path / "a.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "folder.wav").mkdir()
    assert listed(tmp_path) == ["a.wav"]


def test_subfolders_are_listed_if_wanted_and_links_to_folders_are_not(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    (inside / "b" / "c").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret.wav").write_bytes(b"s")
    (inside / "b" / "c" / "x.wav").write_bytes(b"x")
    (inside / "l").symlink_to(outside)
    assert listed(inside) == []
    assert listed(inside, recursive=True) == ["b/c/x.wav"]
    assert listed(inside, recursive=True, skip="b") == []


def test_patterns_do_not_mind_case_and_exclusion_wins(tmp_path: Path) -> None:
    patterns = NamePatterns(("*.wav", "*.opus"), (".*", "*.part"))
    assert [name for name in ("A.WAV", "b.opus", ".c.wav", "d.wav.part", "e.mp3") if patterns.fits(name)] == [
        "A.WAV",
        "b.opus",
    ]
    assert patterns.fits("folder.part/a.wav")


@pytest.mark.parametrize("raw", [b"a b'\"\n.wav", b"\xff\xfe.wav", b"\xc3\xa4" * 125 + b".wav", b"-rf .wav"])
def test_names_of_any_bytes_can_be_opened_moved_and_shown(tmp_path: Path, raw: bytes) -> None:
    name = os.fsdecode(raw)
    (tmp_path / name).write_bytes(b"sound")
    (tmp_path / "work").mkdir()
    files.move((str(tmp_path), name), (str(tmp_path / "work"), f"t/r/{name}"))
    fd = files.open_regular(str(tmp_path / "work"), f"t/r/{name}")
    assert os.read(fd, 10) == b"sound"
    os.close(fd)
    assert files.show_name(name).encode().decode() == files.show_name(name)
    files.delete_file(str(tmp_path / "work"), f"t/r/{name}")
    files.prune_folders(str(tmp_path / "work"), "t/r")
    assert list(tmp_path.rglob("*")) == [tmp_path / "work"]


def test_a_link_is_neither_opened_nor_looked_through(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    secret = tmp_path / "secret.wav"
    secret.write_bytes(b"s")
    (inside / "a.wav").symlink_to(secret)
    (inside / "f").symlink_to(tmp_path)
    assert files.look_at(str(inside), "a.wav") is None
    assert files.look_at(str(inside), "f/secret.wav") is None
    for path in ("a.wav", "f/secret.wav", "../secret.wav"):
        with pytest.raises(OSError):
            files.open_regular(str(inside), path)


def test_a_pipe_is_refused_without_waiting_for_its_other_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(PermissionError):
        files.open_regular(str(tmp_path), "a.wav")


def test_the_work_folder_may_not_be_a_link_that_others_made(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "in", tmp_path / "elsewhere"
    folder.mkdir()
    (elsewhere / "id").mkdir(parents=True)
    (folder / "a.wav").write_bytes(b"x")
    (folder / files.WORK_NAME).symlink_to(elsewhere)
    with pytest.raises(OSError):
        files.move((str(folder), "a.wav"), (f"{folder}/{files.WORK_NAME}/id", "t/r/a.wav"))
    assert (folder / "a.wav").exists()


def test_a_hand_off_folder_itself_may_be_reached_by_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (real / "a.wav").write_bytes(b"x")
    (tmp_path / "link").symlink_to(real)
    assert listed(tmp_path / "link") == ["a.wav"]


def test_the_same_look_means_that_nobody_wrote(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"x")
    before = files.look_at(str(tmp_path), "a.wav")
    assert before == Look.of(path.stat())
    with path.open("ab") as file:
        file.write(b"y")
    assert files.look_at(str(tmp_path), "a.wav") != before
    assert files.look_at(str(tmp_path), "none.wav") is None
