"""The plug-in that the guide for partners shows is a real one: it passes the kit as a partner would run it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import hub.sdk
from tests.house import tree

_GUIDE = tree.ROOT / "docs" / "partners" / "plugin.md"
_FILES = {
    "Settings of an Acme PBX": "settings.py",
    "Acme PBX: takes the WAV files": "plugin.py",
    "The kit's conformance tests": "test_acme.py",
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """What a reader of the guide has typed."""
    folder = tmp_path / "rechub_acme"
    folder.mkdir()
    (folder / "__init__.py").write_text('"""Acme for Recording Hub."""\n')
    for block in re.findall(r"```python\n(.*?)```", _GUIDE.read_text(encoding="utf-8"), re.DOTALL):
        name = next(name for begin, name in _FILES.items() if block.startswith(f'"""{begin}'))
        (folder / name).write_text(block)
    assert {path.name for path in folder.iterdir()} == {"__init__.py", *_FILES.values()}
    return folder


def test_the_plug_in_of_the_guide_passes_the_kit(package):
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(package), str(package)],
        cwd=package.parent,
        env=environ | {"PYTHONPATH": str(package.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert re.search(r"\d\d passed", done.stdout)


def test_the_plug_in_of_the_guide_keeps_the_style_of_the_house(package):
    ruff = [str(Path(sys.executable).with_name("ruff")), "check", "--config", str(tree.ROOT / "pyproject.toml")]
    lint = subprocess.run(
        [*ruff, "--ignore", "INP001,D101,D102", str(package / "settings.py"), str(package / "plugin.py")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert lint.returncode == 0, lint.stdout


def test_every_error_and_ability_of_the_sdk_is_explained():
    text = _GUIDE.read_text(encoding="utf-8")
    wanted = [
        name
        for name in hub.sdk.__all__
        if name.endswith(("Error", "Later", "Recording", "Found")) and name != "PluginError"
    ]
    wanted += ["Backfills", "Controls", "Listens", "Demonstrates", "Deletes", "Links", "Retains"]
    assert [name for name in wanted if f"`{name}" not in text] == []
