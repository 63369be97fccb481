"""Preparing a machine: it asks nothing, names the exact command where it cannot go on, and is fast the second time.

The scripts run for real in a small copy of the project; only what would change the machine (an interpreter without
ensurepip, sudo, apt-get) is played by programs that come first on PATH and write down how they were called.
"""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.house import tree

Run = Callable[..., subprocess.CompletedProcess[str]]

_PYTHON_WITHOUT_ENSUREPIP = f"""#!/bin/bash
echo "python $*" >>"$CALLS"
ready() {{ [ -e "$PLAY/has-ensurepip" ]; }}
case "$*" in
    "-m venv "*)
        if ! ready; then echo "ensurepip is not available"; exit 1; fi
        mkdir -p "${{@: -1}}/bin"; cp "$0" "${{@: -1}}/bin/python" ;;
    "-m pip "*) ;;
    *"import ensurepip"*) ready ;;
    *"import pip"*) ;;
    *) exec {sys.executable} "$@" ;;
esac
"""
_SUDO_THAT_WANTS_A_PASSWORD = (
    '#!/bin/bash\necho "sudo $*" >>"$CALLS"\necho "sudo: a password is required" >&2\nexit 1\n'
)
_SUDO = '#!/bin/bash\necho "sudo $*" >>"$CALLS"\nshift\n[ "$1" = true ] || touch "$PLAY/has-ensurepip"\n'
_ORDINARY_USER = '#!/bin/bash\n[ "$1" = -u ] && echo 1000\n'
_APT = '#!/bin/bash\necho "apt-get $*" >>"$CALLS"\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The files that the bootstrap looks at, and empty folders for what it calls."""
    folder = tmp_path / "project"
    for part in ("bootstrap", "locks"):
        shutil.copytree(tree.ROOT / part, folder / part)
    shutil.copy(tree.ROOT / "pyproject.toml", folder)
    (tmp_path / "bin").mkdir()
    return folder


@pytest.fixture
def run(project: Path, tmp_path: Path) -> Run:
    """Run a script of the project with the given programs first on PATH; nothing can be typed in."""
    calls = tmp_path / "calls"
    calls.touch()

    def start(*command: str, programs: dict[str, str], **environ: str) -> subprocess.CompletedProcess[str]:
        for name, text in programs.items():
            program = tmp_path / "bin" / name
            program.write_text(text)
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
        path = f"{tmp_path / 'bin'}:/usr/bin:/bin:/usr/sbin:/sbin"
        env = {"PATH": path, "HOME": str(tmp_path), "CALLS": str(calls), "PLAY": str(tmp_path), **environ}
        return subprocess.run(
            command,
            cwd=project,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return start


def _calls(tmp_path: Path) -> str:
    return (tmp_path / "calls").read_text()


def test_without_ensurepip_and_without_a_way_to_root_the_exact_command_is_printed(run, project):
    programs = {
        "python3": _PYTHON_WITHOUT_ENSUREPIP,
        "id": _ORDINARY_USER,
        "sudo": _SUDO_THAT_WANTS_A_PASSWORD,
        "apt-get": _APT,
    }
    done = run("bash", "bootstrap/venv", "run", programs=programs)
    assert done.returncode == 2
    assert "sudo apt-get install --yes --no-install-recommends python3" in done.stderr
    assert "-venv" in done.stderr
    assert not (project / ".venv").exists()


def test_without_ensurepip_sudo_installs_it_if_it_asks_nothing(run, tmp_path):
    programs = {"python3": _PYTHON_WITHOUT_ENSUREPIP, "id": _ORDINARY_USER, "sudo": _SUDO, "apt-get": _APT}
    done = run("bash", "bootstrap/venv", "run", programs=programs)
    assert done.returncode == 0, done.stderr
    assert "sudo -n bash bootstrap/install-packages python3" in _calls(tmp_path)


def test_only_what_the_hub_needs_to_run_is_installed_and_only_with_hashes(run, project, tmp_path):
    (tmp_path / "has-ensurepip").touch()
    done = run("bash", "bootstrap/venv", "run", programs={"python3": _PYTHON_WITHOUT_ENSUREPIP})
    assert done.returncode == 0, done.stderr
    installs = [line for line in _calls(tmp_path).splitlines() if "-m pip" in line]
    assert len(installs) == 3
    assert "--require-hashes --requirement locks/run.txt" in installs[0]
    assert "--require-hashes --target" in installs[1]
    assert "--no-deps --no-build-isolation --editable ." in installs[2]
    assert "locks/dev.txt" not in _calls(tmp_path)


def test_the_second_time_there_is_nothing_to_do(run, project, tmp_path):
    (tmp_path / "has-ensurepip").touch()
    programs = {"python3": _PYTHON_WITHOUT_ENSUREPIP}
    run("bash", "bootstrap/venv", "dev", programs=programs)
    (tmp_path / "calls").write_text("")
    for purpose in ("dev", "run"):
        assert run("bash", "bootstrap/venv", purpose, programs=programs).returncode == 0
    assert "pip" not in _calls(tmp_path)
    with (project / "pyproject.toml").open("a") as file:
        file.write("\n# changed\n")
    run("bash", "bootstrap/venv", "dev", programs=programs)
    assert "pip" in _calls(tmp_path)


def test_a_folder_that_is_no_environment_is_never_cleared(run, project, tmp_path):
    (tmp_path / "has-ensurepip").touch()
    (project / "precious").mkdir()
    (project / "precious" / "file").touch()
    done = run("bash", "bootstrap/venv", "run", programs={"python3": _PYTHON_WITHOUT_ENSUREPIP}, VENV="precious")
    assert done.returncode == 2
    assert "other things in it" in done.stderr
    assert (project / "precious" / "file").exists()


def test_an_interpreter_that_is_too_old_is_refused(run):
    old = f'#!/bin/bash\nexec {sys.executable} -c "import sys; sys.exit(1)"\n'
    done = run("bash", "bootstrap/venv", "run", programs={"python9": old}, PYTHON="python9")
    assert done.returncode == 2
    assert "PYTHON=python9 is not Python 3.11 or later" in done.stderr


def test_missing_servers_for_the_tests_are_named_with_a_command_that_starts_none(run):
    nothing = '. bootstrap/machine.sh; missing_test_packages() { printf "%s\\n" postgresql ffmpeg; }; '
    script = nothing + 'mapfile -t missing < <(missing_test_packages); install_packages "${missing[@]}"'
    programs = {"id": _ORDINARY_USER, "sudo": _SUDO_THAT_WANTS_A_PASSWORD, "apt-get": _APT}
    done = run("bash", "-c", script, programs=programs)
    assert done.returncode == 2
    assert "sudo apt-get install --yes --no-install-recommends postgresql ffmpeg" in done.stderr
    assert "bootstrap/install-packages postgresql ffmpeg" in done.stderr


def test_a_machine_without_apt_is_told_what_to_install(run, tmp_path):
    for program in ("bash", "id", "env"):
        (tmp_path / "bin" / program).symlink_to(shutil.which(program) or "")
    script = f"PATH={tmp_path}/bin; . bootstrap/machine.sh; install_packages ffmpeg"
    done = run("bash", "-c", script, programs={})
    assert done.returncode == 2
    assert "Missing on this machine: ffmpeg" in done.stderr


@pytest.mark.parametrize(("variable", "package"), [("CHROMIUM", "chromium"), ("FIREFOX", "firefox-esr")])
def test_a_browser_may_be_named_instead_of_installed(run, variable, package):
    script = ". bootstrap/machine.sh; has() { false; }; missing_test_packages"
    assert package in run("bash", "-c", script, programs={}).stdout
    assert package not in run("bash", "-c", script, programs={}, **{variable: "/opt/browser"}).stdout


def test_packages_are_installed_as_root_only(run, tmp_path):
    done = run("bash", "bootstrap/install-packages", "ffmpeg", programs={"id": _ORDINARY_USER, "apt-get": _APT})
    assert done.returncode == 2
    assert "as root" in done.stderr
    assert "apt-get" not in _calls(tmp_path)


def test_make_prints_every_command():
    text = (tree.ROOT / "Makefile").read_text(encoding="utf-8")
    targets = next(line for line in text.splitlines() if line.startswith(".PHONY:")).split()[1:]
    shown = subprocess.run(
        ["make", "--no-print-directory"], cwd=tree.ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert [line.split()[1] for line in shown.splitlines()] == targets
    assert all(len(line.split()) > 3 for line in shown.splitlines())


@pytest.mark.parametrize("script", sorted(path.name for path in tree.files("bootstrap")))
def test_scripts_are_whole_and_can_be_called(script):
    path = tree.ROOT / "bootstrap" / script
    subprocess.run(["bash", "-n", str(path)], check=True)
    assert path.suffix == ".sh" or os.access(path, os.X_OK)


def test_ci_reads_no_input_and_ends_with_the_tests():
    lines = (tree.ROOT / ".ci" / "run").read_text(encoding="utf-8").rstrip().splitlines()
    assert "exec </dev/null" in lines
    assert lines[-1].endswith("test")
