import errno
import os
from pathlib import Path

import pytest

from plugins.ipoffice.landing import folder as module
from plugins.ipoffice.landing.folder import LandingFolder

CREATE = os.O_WRONLY | os.O_CREAT


@pytest.fixture
def landing(tmp_path: Path) -> LandingFolder:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret").write_bytes(b"s")
    return LandingFolder(str(root), 1_000_000)


def put(landing: LandingFolder, path: str, data: bytes = b"sound", *, broken: bool = False) -> None:
    file = landing.open(path, CREATE)
    landing.write(file, 0, data)
    file.broken = broken
    landing.close(file)


def test_paths_end_at_the_top(landing: LandingFolder) -> None:
    for path in (b"../../etc/passwd", b"/../../../etc/passwd", b"a/../../etc/passwd", b"//etc/passwd"):
        assert landing.locate(path) == "etc/passwd"
    assert landing.locate(b"/") == landing.locate(b".") == landing.locate(b"..") == ""


def test_links_that_somebody_put_there_lead_nowhere(landing: LandingFolder, tmp_path: Path) -> None:
    (Path(landing.root) / "l").symlink_to(tmp_path / "secret")
    (Path(landing.root) / "d").symlink_to(tmp_path)
    for path in ("l", "d/secret"):
        with pytest.raises(OSError):
            landing.open(path, os.O_RDONLY)
        with pytest.raises(OSError):
            landing.open(path, CREATE)
    with pytest.raises(OSError):
        landing.rename("l", "d/x", replaces=True)
    assert (tmp_path / "secret").read_bytes() == b"s"


def test_a_pipe_cannot_be_opened(landing: LandingFolder) -> None:
    os.mkfifo(Path(landing.root) / "p")
    with pytest.raises(OSError):
        landing.open("p", os.O_RDONLY)


def test_an_upload_is_doubted_while_it_goes_on_and_after_it_broke(landing: LandingFolder) -> None:
    file = landing.open("a.wav", CREATE)
    assert landing.doubt("a.wav", True) is False
    file.broken = True
    landing.close(file)
    assert landing.doubt("a.wav", None) is False
    assert landing.doubt("a.wav", True) is True
    put(landing, "a.wav")
    assert landing.doubt("a.wav", None) is None


def test_the_quota_holds_whatever_the_offset(landing: LandingFolder) -> None:
    file = landing.open("a.wav", CREATE)
    for offset in (2_000_000, 2**50):
        with pytest.raises(OSError) as refused:
            landing.write(file, offset, b"x")
        assert refused.value.errno == errno.EDQUOT
    landing.write(file, 0, bytes(900_000))
    other = landing.open("b.wav", CREATE)
    with pytest.raises(OSError, match="quota"):
        landing.write(other, 0, bytes(200_000))
    for one in (file, other):
        landing.close(one)
    landing.remove("a.wav")
    put(landing, "b.wav", bytes(200_000))


def test_a_disk_that_is_nearly_full_takes_no_more(landing: LandingFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FREE_BYTES_MIN", 1 << 60)
    with pytest.raises(OSError) as refused:
        landing.open("a.wav", CREATE)
    assert refused.value.errno == errno.ENOSPC


def test_only_so_many_files_may_be_open(landing: LandingFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OPEN_MAX", 2)
    files = [landing.open(f"{number}.wav", CREATE) for number in range(2)]
    with pytest.raises(OSError):
        landing.open("c.wav", CREATE)
    for file in files:
        landing.close(file)
    put(landing, "c.wav")


def test_a_file_that_the_hub_took_is_still_known_to_its_sender_for_a_while(
    landing: LandingFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(landing, "a.wav")
    (Path(landing.root) / "a.wav").unlink()
    assert landing.status("a.wav").st_size == 5
    landing.set_times("a.wav", (0, 0))
    monkeypatch.setattr(module, "RECENT_S", -1.0)
    with pytest.raises(FileNotFoundError):
        landing.status("a.wav")
    with pytest.raises(FileNotFoundError):
        landing.set_times("a.wav", (0, 0))


def test_a_new_name_must_be_free_unless_it_may_be_replaced(landing: LandingFolder) -> None:
    put(landing, "a.wav", b"1")
    put(landing, "b.wav", b"2")
    with pytest.raises(OSError) as refused:
        landing.rename("a.wav", "b.wav", replaces=False)
    assert refused.value.errno == errno.EEXIST
    landing.rename("a.wav", "b.wav", replaces=True)
    assert (Path(landing.root) / "b.wav").read_bytes() == b"1"


def test_folders_are_few_and_flat(landing: LandingFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FOLDERS_MAX", 2)
    landing.make_folder("a")
    landing.make_folder("a/b")
    with pytest.raises(OSError):
        landing.make_folder("c")
    with pytest.raises(OSError):
        landing.make_folder("/".join("abcdefghijk"))
    landing.remove_folder("a/b")


def test_appending_ends_at_the_end_and_within_the_quota(landing: LandingFolder) -> None:
    put(landing, "a.wav", b"first")
    file = landing.open("a.wav", os.O_WRONLY | os.O_APPEND)
    landing.write(file, 0, b" second")
    for _ in range(9):
        landing.write(file, 0, bytes(100_000))
    with pytest.raises(OSError):
        landing.write(file, 0, bytes(100_000))
    landing.close(file)
    data = (Path(landing.root) / "a.wav").read_bytes()
    assert data.startswith(b"first second")
    assert len(data) <= landing.quota_bytes
