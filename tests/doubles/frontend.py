"""The locked packages of the front end, installed where a test wants them."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

FRONTEND = Path(__file__).parents[2] / "frontend"
VENDOR = FRONTEND.parent / "webui" / "static" / "vendor"
_SOURCES = ("package.json", "package-lock.json", ".npmrc", "build.mjs", "icons.json")


def require(program: str, package: str) -> str:
    """The path of a program.

    Raises: AssertionError naming the Debian package that is missing.
    """
    found = shutil.which(program)
    assert found, f"{program} is missing: install the Debian package {package}"
    return found


def install(folder: Path) -> Path:
    """A copy of the front end with its packages, exactly as locked."""
    npm = require("npm", "npm")
    folder.mkdir(parents=True, exist_ok=True)
    for name in _SOURCES:
        shutil.copy(FRONTEND / name, folder / name)
    made = subprocess.run([npm, "ci"], cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert made.returncode == 0, f"npm ci failed:\n{made.stderr[-2000:]}"
    return folder


def shared(cache: Path) -> Path:
    """The same for all workers of a test run: the first installs, the others wait."""
    folder = cache / "frontend"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "frontend.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            install(folder)
            (folder / "installed").touch()
    return folder


def build(folder: Path, target: Path) -> None:
    """Build the vendor folder into `target` from an installed copy."""
    node = require("node", "nodejs")
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    made = subprocess.run(
        [node, "build.mjs", str(target)],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert made.returncode == 0, f"the build failed:\n{made.stderr[-2000:]}"
