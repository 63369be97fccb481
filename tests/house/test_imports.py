"""Who may import whom, beyond what import-linter can say (the rest stands in pyproject.toml)."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import tree

_STANDARD = set(sys.stdlib_module_names)


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(tree.parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _strangers(folder: str, *allowed: str) -> list[str]:
    return [
        f"{tree.name(path)} imports {module}"
        for path in tree.files(folder, suffix=".py")
        for module in _imports(path)
        if module.split(".")[0] in ("hub", "plugins", "webui", "tests", "docs")
        and not any(module == name or module.startswith(name + ".") for name in allowed)
        and module not in {name.rsplit(".", 1)[0] for name in allowed}
    ]


def test_a_plug_in_imports_the_sdk_and_itself_only():
    wrong = []
    for point_folder in _plugin_folders():
        own = ".".join(point_folder.relative_to(tree.ROOT).parts)
        wrong += _strangers(str(point_folder.relative_to(tree.ROOT)), "hub.sdk", own)
    assert wrong == []


def _plugin_folders() -> list[Path]:
    """Those that are in no other one: plug-ins may share a package."""
    folders = {path.parent for path in tree.files("plugins", suffix=".py") if path.name == "plugin.py"}
    return sorted(folder for folder in folders if not folders & set(folder.parents))


def test_no_code_of_a_plug_in_lies_outside_its_folder():
    folders = _plugin_folders()
    lost = [
        tree.name(path)
        for path in tree.files("plugins", suffix=".py")
        if not any(path.is_relative_to(folder) for folder in folders)
    ]
    assert lost == []


def test_the_authors_kit_imports_the_sdk_only():
    assert _strangers("hub/testing", "hub.sdk", "hub.testing") == []


def test_the_sdk_stands_alone():
    wrong = _strangers("hub/sdk", "hub.sdk")
    wrong += [
        f"{tree.name(path)} imports {module}"
        for path in tree.files("hub/sdk", suffix=".py")
        for module in _imports(path)
        if module.split(".")[0] not in _STANDARD | {"hub", "pydantic"}
    ]
    assert wrong == []


def test_web_pages_import_no_plug_in_and_no_sql():
    wrong = [
        f"{tree.name(path)} imports {module}"
        for path in tree.files("webui", suffix=".py")
        for module in _imports(path)
        if module.split(".")[0] in {"plugins", "sqlalchemy", "alembic", "psycopg", "sqlite3"}
    ]
    assert wrong == []


@pytest.mark.parametrize("module", ["hub.runtime.source_host", "hub.ingest.spool", "hub.sdk"])
def test_a_devices_process_carries_neither_web_nor_database_nor_media_libraries(module):
    heavy = ["sqlalchemy", "alembic", "starlette", "fastapi", "uvicorn", "jinja2", "av", "numpy", "psycopg", "asyncssh"]
    program = f"import sys, json, {module}; print(json.dumps([m for m in {heavy} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-P", "-c", program], check=True, capture_output=True, text=True)
    assert json.loads(done.stdout) == []


def test_only_the_scope_of_access_decides_what_is_visible():
    makers = [
        tree.name(path)
        for path in tree.files(*tree.PRODUCT, suffix=".py")
        for node in ast.walk(tree.parsed(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Visible"
    ]
    assert set(makers) <= {"hub/access/scope.py"}
