"""What `recording-hub new-plugin` writes is built, installed beside the hub's wheel, tested, and used.

The environment is a clean one: the hub comes from its wheel, and only what it depends on is borrowed from the environment
that runs these tests.
"""

import json
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.sdk import Kind
from tests.doubles import speechlike
from tests.doubles.hub import Administrator, Hub, until
from tests.house import tree

_BORROWED = sysconfig.get_path("purelib")
_TEST_S = 120


def run(*words: str | Path, cwd: Path | None = None, **environ: str) -> str:
    """What a command prints; it must succeed."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "RECORDING_HUB", "PIP_"))
    }
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=kept | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INDEX": "1"} | environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_TEST_S,
        check=False,
    )
    assert done.returncode == 0, f"{words}\n{done.stdout[-4000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("new-plugin")


@pytest.fixture(scope="module")
def packages(place: Path) -> dict[Kind, Path]:
    """One package of every kind, as the command wrote it."""
    for kind in Kind:
        run(sys.executable, "-P", "-m", "hub", "new-plugin", f"acme_{kind}", "--kind", kind, "--into", place)
    return {kind: place / f"rechub-acme-{kind}" for kind in Kind}


@pytest.fixture(scope="module")
def environment(place: Path, packages: dict[Kind, Path]) -> Path:
    """Folder of the programs of a clean environment with the hub's wheel and the four packages."""
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", place / "wheel", tree.ROOT)
    run(sys.executable, "-m", "venv", "--without-pip", place / "venv")
    programs = place / "venv" / "bin"
    pip = (sys.executable, "-m", "pip", "--python", programs / "python", "install", "--quiet", "--no-deps")
    run(*pip, *(place / "wheel").glob("*.whl"))
    # A path in a .pth file is searched after the environment's own folder, and .pth files there (the editable hub) are not read.
    own = run(programs / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    Path(own, "borrowed.pth").write_text(_BORROWED)
    run(*pip, "--no-build-isolation", *packages.values())
    return programs


def test_the_environment_runs_the_hub_of_the_wheel_and_the_installed_plug_ins(environment: Path, place: Path) -> None:
    modules = ["hub", "webui", "plugins.ipoffice", *(f"rechub_acme_{kind}" for kind in Kind)]
    show = "import importlib, sys; print(*(importlib.import_module(name).__file__ for name in sys.argv[1:]), sep='\\n')"
    files = run(environment / "python", "-P", "-c", show, *modules).splitlines()
    assert [file for file in files if not file.startswith(f"{place / 'venv'}/")] == []


@pytest.mark.parametrize("kind", list(Kind))
def test_its_tests_pass_where_it_is_installed(environment: Path, packages: dict[Kind, Path], kind: Kind) -> None:
    options = ("-q", "-p", "no:cacheprovider")
    # The borrowed folder has pytest plug-ins of many tools, slow to load; a partner's environment has the hub's alone.
    told = run(
        environment / "python", "-P", "-m", "pytest", *options, cwd=packages[kind], PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"
    )
    last = told.strip().splitlines()[-1]
    assert re.fullmatch(r"\d\d passed in .*", last), told[-2000:]


@pytest.mark.parametrize("kind", list(Kind))
def test_it_keeps_the_style_of_the_house(packages: dict[Kind, Path], kind: Kind) -> None:
    ruff = Path(sys.executable).with_name("ruff")
    config = ("--no-cache", "--config", tree.ROOT / "pyproject.toml")
    run(ruff, "check", *config, ".", cwd=packages[kind])
    run(ruff, "format", "--check", *config, ".", cwd=packages[kind])
    run(ruff, "format", "--check", "--no-cache", ".", cwd=packages[kind])  # its own settings


@pytest.mark.parametrize("kind", list(Kind))
def test_its_types_are_strict(environment: Path, packages: dict[Kind, Path], place: Path, kind: Kind) -> None:
    options = ("--python-executable", environment / "python", "--cache-dir", place / "types")
    run(sys.executable, "-m", "mypy", *options, cwd=packages[kind])


def test_the_plugins_command_shows_them_with_their_settings(environment: Path, place: Path) -> None:
    told = json.loads(run(environment / "recording-hub", "plugins", "--json", "--data", place / "none"))
    shown = {(plugin["kind"], plugin["name"]): plugin for plugin in told["loaded"]}
    assert told["refused"] == []
    for kind, setting in zip(Kind, ("settle_s", "warn_below_percent", "timezone", "token"), strict=True):
        plugin = shown[kind, f"acme_{kind}"]
        assert plugin["distribution"] == f"rechub-acme-{kind}"
        assert setting in plugin["settings"]


@pytest.fixture(scope="module")
def hub(environment: Path, place: Path) -> Iterator[Hub]:
    with Hub(place / "data", python=environment / "python") as running:
        yield running


@pytest.fixture(scope="module")
def admin(hub: Hub) -> Iterator[Administrator]:
    with hub.administrator() as administrator:
        yield administrator


def test_the_administrator_finds_it_and_its_form(admin: Administrator) -> None:
    assert "Acme Source" in admin.browser.get("/devices/new").text
    assert "rechub-acme-source" in admin.browser.get("/plugins").text
    page = admin.browser.get("/devices/new/acme_source")
    assert page.status_code == 200
    for words in ("Acme Source", "Absolute path of the folder where finished recordings appear.", "Finished after"):
        assert words in page.text


def test_a_device_of_it_brings_a_recording_into_the_catalog(admin: Administrator, place: Path) -> None:
    (folder := place / "calls").mkdir()
    (folder / "201-5550100 first.wav").write_bytes(speechlike.wav(speechlike.talk(2.0, 1, 1)))
    settings = {"folder": str(folder), "settle_s": 0.2, "look_every_s": 0.2}
    answer = admin.api.post("/devices", json={"plugin": "acme_source", "name": "Acme", "settings": settings})
    assert answer.status_code == 201, answer.text

    def arrived() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = admin.api.get("/recordings").json()["items"]
        return rows

    [row] = until(arrived, 30, "the recording")
    until((folder / "done" / "201-5550100 first.wav").exists, 10, "the file to be moved")
    found = admin.api.get(f"/recordings/{row['id']}").json()
    assert {party["number"] for party in found["parties"]} == {"201", "5550100"}
    assert found["provenance"]["parties"] == "file name"
    assert admin.browser.get(f"/media/{row['id']}").status_code == 200
