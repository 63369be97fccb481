import os
from pathlib import Path

import pytest

from hub.testing import FakeState
from plugins.ipoffice import presence as module
from plugins.ipoffice.mounts import Mount
from plugins.ipoffice.presence import Away, Missing, Presence


def test_a_folder_that_is_there_is_found(tmp_path: Path) -> None:
    found = Presence(str(tmp_path), FakeState(), needs_write=True).look()
    assert (found.device, found.inode) == (tmp_path.stat().st_dev, tmp_path.stat().st_ino)


def test_a_missing_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="does not exist") as told:
        Presence(str(tmp_path / "none"), FakeState(), needs_write=True).look()
    assert "Create it" in told.value.hint
    (tmp_path / "file").touch()
    with pytest.raises(Missing, match="not a folder"):
        Presence(str(tmp_path / "file"), FakeState(), needs_write=True).look()


def test_a_mount_that_was_there_and_is_gone_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = FakeState()
    mounts = [Mount("/mnt/vrl", "nfs4", "pbx:/vrl"), Mount("/", "ext4", "/dev/vda")]
    monkeypatch.setattr(module, "find_mount", lambda _: mounts[0])
    first = Presence(str(tmp_path), state, needs_write=False, mounted="auto")
    first.remember(first.look())
    monkeypatch.setattr(module, "find_mount", lambda _: mounts[1])
    for presence in (first, Presence(str(tmp_path), state, needs_write=False, mounted="auto")):
        with pytest.raises(Away, match="/mnt/vrl is not mounted any more"):
            presence.look()
    Presence(str(tmp_path), state, needs_write=False, mounted="no").look()
    with pytest.raises(Away, match="Nothing is mounted"):
        Presence(str(tmp_path), FakeState(), needs_write=False, mounted="yes").look()


def test_a_folder_without_rights_says_who_needs_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.access

    def access(path: str, mode: int, **options: bool) -> bool:
        return not mode & os.W_OK and real(path, mode, **options)

    monkeypatch.setattr(os, "access", access)
    Presence(str(tmp_path), FakeState(), needs_write=False).look()
    with pytest.raises(Away, match="may not move or delete") as told:
        Presence(str(tmp_path), FakeState(), needs_write=True).look()
    assert "setfacl" in told.value.hint
