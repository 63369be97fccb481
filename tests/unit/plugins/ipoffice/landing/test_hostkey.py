import stat
from pathlib import Path

from plugins.ipoffice.landing.hostkey import fingerprint, load_host_keys


def test_host_keys_are_made_once_and_are_for_the_hub_alone(tmp_path: Path) -> None:
    first = load_host_keys(tmp_path / "keys")
    again = load_host_keys(tmp_path / "keys")
    assert [key.public_data for key in first] == [key.public_data for key in again]
    assert fingerprint(first).startswith("SHA256:")
    for path in (tmp_path / "keys").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_key_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    load_host_keys(tmp_path)
    for path in tmp_path.iterdir():
        path.chmod(0o644)
    load_host_keys(tmp_path)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
