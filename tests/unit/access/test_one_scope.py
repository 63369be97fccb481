"""One function decides which recordings a person sees, and nobody goes past it."""

import ast
import inspect
from functools import cache
from pathlib import Path

import hub
from hub.access.live_reader import LiveReader
from hub.access.reader import RecordingReader
from hub.access.scope import visible
from hub.catalog import live_calls, search
from hub.catalog.query import Visible

ROOT = Path(hub.__file__).parents[1]
HOUSES = ("hub", "webui", "plugins")


@cache
def _modules() -> list[tuple[str, ast.Module]]:
    return [
        (path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8")))
        for house in HOUSES
        for path in sorted((ROOT / house).rglob("*.py"))
    ]


def _imported(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def test_nobody_but_the_scope_makes_a_predicate_of_what_is_visible() -> None:
    makers = {
        path
        for path, tree in _modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == Visible.__name__
    }
    assert makers == {"hub/access/scope.py"}


def test_every_way_to_read_recordings_asks_what_is_visible() -> None:
    ways = [
        function
        for name, function in inspect.getmembers(search, inspect.isfunction)
        if function.__module__ == search.__name__ and not name.startswith("_")
    ]
    assert len(ways) >= 3
    for function in ways:
        assert inspect.signature(function).parameters["visible"].annotation in (Visible, "Visible"), function


def test_every_way_to_read_live_calls_asks_what_is_visible() -> None:
    for function in (live_calls.search, live_calls.count, live_calls.find):
        assert inspect.signature(function).parameters["visible"].annotation in (Visible, "Visible"), function
    readers = {path for path, tree in _modules() if "hub.catalog.live_calls.search" in _used(tree)}
    assert readers == {"hub/access/live_reader.py"}
    for name, method in inspect.getmembers(LiveReader, inspect.isfunction):
        if not name.startswith("_"):
            source = inspect.getsource(method)
            assert 'require(person, "live.list")' in source, method
            assert "visible_live(person)" in source, method


def _used(tree: ast.Module) -> set[str]:
    """Functions of `live_calls` that a module calls."""
    return {
        f"hub.catalog.{ast.unparse(node.func)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("live_calls.")
    }


def test_the_search_is_reached_through_the_reader_alone() -> None:
    users = {path for path, tree in _modules() if "hub.catalog.search" in _imported(tree)}
    assert users == {"hub/access/reader.py"}


def test_every_method_of_the_reader_takes_the_person_and_names_a_permission() -> None:
    methods = [
        method for name, method in inspect.getmembers(RecordingReader, inspect.isfunction) if not name.startswith("_")
    ]
    assert len(methods) >= 6
    for method in methods:
        assert "person" in inspect.signature(method).parameters, method
        assert '"recording.' in inspect.getsource(method), method


def test_the_web_reaches_no_table_and_makes_no_exception_for_administrators() -> None:
    for path, tree in _modules():
        if not path.startswith("webui/"):
            continue
        forbidden = {name for name in _imported(tree) if name.startswith(("sqlalchemy", "hub.catalog.models"))}
        assert not forbidden, path
        shortcuts = [
            node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "is_administrator"
        ]
        assert not shortcuts or path == "webui/api/v1/routes/account.py", path


def test_only_the_scope_turns_being_an_administrator_into_sight() -> None:
    users = {
        path
        for path, tree in _modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "is_administrator" and not path.endswith("models.py")
    }
    allowed = {
        "hub/access/scope.py",
        "hub/access/people.py",
        "hub/access/accounts.py",
        "hub/access/set_up.py",
        "webui/api/v1/routes/account.py",
    }
    assert users <= allowed
    assert callable(visible)
