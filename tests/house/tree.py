"""The files of the project, for the tests of the house."""

import ast
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = ("hub", "plugins", "webui", "docs", "tests")
PRODUCT = ("hub", "plugins", "webui")
_NOT_OURS = {"__pycache__", "node_modules", ".venv", "var", "build", "dist", "vendor"}
_TEXT = {
    ".py", ".md", ".toml", ".txt", ".html", ".jinja", ".css", ".js", ".mjs", ".sh", ".json", ".po", ".pot", ".svg", ".service",
    ".yaml", ".yml", ".cfg", ".ini", "",
}  # fmt: skip


def files(*folders: str, suffix: str = "") -> Iterator[Path]:
    """Files below the given folders of the project, ours alone; all of them without a suffix."""
    for folder in folders:
        yield from (path for path in _below(folder) if not suffix or path.suffix == suffix)


@cache
def _below(folder: str) -> tuple[Path, ...]:
    found = []
    for place, inner, names in os.walk(ROOT / folder):
        inner[:] = sorted(name for name in inner if name not in _NOT_OURS)
        found += [Path(place) / name for name in sorted(names)]
    return tuple(found)


def texts() -> Iterator[Path]:
    """Every text file that people write, in the whole project."""
    for path in sorted(ROOT.iterdir()):
        if path.is_file() and (path.suffix in _TEXT or path.name == "Makefile"):
            yield path
    for path in files(*CODE, "bootstrap", ".ci", "changelog.d", "locks", "frontend"):
        if path.suffix in _TEXT:
            yield path


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of one Python file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def name(path: Path) -> str:
    """The path as people write it."""
    return str(path.relative_to(ROOT))
