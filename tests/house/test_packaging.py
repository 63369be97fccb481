"""What is built for others to install holds what it should, and nothing else."""

import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.house import tree


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.Path:
    """The hub's wheel, built from this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(tree.ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return zipfile.Path(next(folder.glob("*.whl")))


def _names(wheel: zipfile.Path) -> list[str]:
    return wheel.root.namelist()


def test_the_wheel_holds_all_of_the_hub_its_plug_ins_and_its_pages(wheel):
    names = set(_names(wheel))
    wanted = {tree.name(path) for path in tree.files(*tree.PRODUCT) if path.suffix not in {".pyc", ".po", ".pot"}}
    assert sorted(wanted - names) == []


def test_the_wheel_holds_nothing_that_is_not_the_hubs(wheel):
    top = {name.split("/")[0] for name in _names(wheel)}
    assert {name for name in top if not name.endswith(".dist-info")} == {"hub", "plugins", "webui"}
    assert "plugins/__init__.py" not in _names(wheel)


def test_the_wheel_carries_the_licence_and_the_readme(wheel):
    info = next(item for item in wheel.iterdir() if item.name.endswith(".dist-info"))
    metadata = (info / "METADATA").read_text(encoding="utf-8")
    assert "License-Expression: Apache-2.0" in metadata
    assert "# Recording Hub" in metadata
    assert "Apache License" in (info / "licenses" / "LICENSE").read_text(encoding="utf-8")


def test_everything_global_carries_the_hubs_name():
    project = tomllib.loads((tree.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["name"] == "recording-hub"
    assert list(project["scripts"]) == ["recording-hub"]
    assert all(group.startswith("recording_hub.") or group == "pytest11" for group in project["entry-points"])


@pytest.mark.parametrize("package", ["hub", "webui"])
def test_no_other_distribution_here_installs_our_packages(package):
    assert set(packages_distributions().get(package, ())) <= {"recording-hub"}


def test_commands_run_the_installed_hub_whatever_lies_in_the_working_folder(tmp_path: Path):
    (tmp_path / "hub.py").write_text("raise SystemExit('the wrong hub')")
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "__init__.py").write_text("")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "hub", "version"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "recording-hub" in done.stdout) == (0, True), done.stderr
