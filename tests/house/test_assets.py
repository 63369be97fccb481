"""The assets of the web pages are committed as their lock builds them, and load nothing from elsewhere."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.house import tree

_VENDOR = tree.ROOT / "webui" / "static" / "vendor"


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The assets, built from the lock alone."""
    for program in ("node", "npm"):
        assert shutil.which(program), f"{program} is missing: apt-get install nodejs npm"
    frontend = tmp_path_factory.mktemp("frontend")
    for path in tree.files("frontend"):
        shutil.copy(path, frontend)
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(install, cwd=frontend, check=True, stdin=subprocess.DEVNULL, timeout=300)
    subprocess.run(["node", "build.mjs", str(frontend / "built")], cwd=frontend, check=True, timeout=120)
    return frontend / "built"


def test_building_the_assets_anew_changes_nothing(rebuilt):
    committed = {path.name: path.read_bytes() for path in _VENDOR.iterdir()}
    built = {path.name: path.read_bytes() for path in rebuilt.iterdir()}
    assert sorted(built) == sorted(committed)
    assert [name for name, content in built.items() if committed[name] != content] == [], "run `make vendor`"


def test_pages_and_style_sheets_load_nothing_from_elsewhere():
    loads = re.compile(
        r"""(?:src|href|action|srcset)=["'](?:https?:)?//|url\(["']?(?:https?:)?//|@import|from ["']https?:"""
    )
    found = [
        f"{tree.name(path)}: {match[0]}"
        for suffix in (".html", ".css", ".js")
        for path in tree.files("webui", suffix=suffix)
        if (match := loads.search(path.read_text(encoding="utf-8")))
    ]
    assert found == []
