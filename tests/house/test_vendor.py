"""The built assets are what the locked packages give, and nothing in them leads elsewhere."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from tests.doubles import frontend


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The locked packages."""
    return frontend.shared(tmp_path_factory.getbasetemp().parent)


def test_rebuilding_the_vendor_folder_changes_nothing(installed: Path, tmp_path: Path) -> None:
    frontend.build(installed, tmp_path / "vendor")
    rebuilt = {path.name: path.read_bytes() for path in (tmp_path / "vendor").iterdir()}
    committed = {path.name: path.read_bytes() for path in frontend.VENDOR.iterdir()}
    assert rebuilt.keys() == committed.keys()
    changed = [name for name in rebuilt if rebuilt[name] != committed[name]]
    assert changed == [], "run `make vendor` and commit what it made"


def test_every_vendor_file_is_listed_with_version_licence_and_sum() -> None:
    listed = json.loads((frontend.VENDOR / "VENDOR.json").read_text())
    sums = {name: total for package in listed for name, total in package["sha256"].items()}
    files = {path.name for path in frontend.VENDOR.iterdir()} - {"VENDOR.json", "LICENCES.txt"}
    assert sums.keys() == files
    for name, total in sums.items():
        assert hashlib.sha256((frontend.VENDOR / name).read_bytes()).hexdigest() == total
    licences = (frontend.VENDOR / "LICENCES.txt").read_text()
    for package in listed:
        assert package["version"]
        assert package["licence"]
        assert package["name"] in licences


def test_the_lock_names_no_registry() -> None:
    lock = (frontend.FRONTEND / "package-lock.json").read_text()
    assert "resolved" not in lock
    assert not re.search(r"https?://(?!opencollective\.com|github\.com)", lock)


def test_pages_load_nothing_from_elsewhere() -> None:
    own = frontend.VENDOR.parent
    templates = own.parent / "templates"
    for path in [*templates.rglob("*.html"), *(own / "css").rglob("*.css"), *(own / "js").rglob("*.js")]:
        found = re.findall(r"""(?:src|href|url\()\s*=?\s*["']?https?://""", path.read_text())
        assert found == [], path
