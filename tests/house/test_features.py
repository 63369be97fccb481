"""Every feature of the reference systems that is built so far is shown by a test that exists."""

import ast
import re
import tomllib

import pytest

from tests.house import tree

_MAP = tomllib.loads((tree.ROOT / "tests" / "house" / "features.toml").read_text(encoding="utf-8"))["features"]
_LIST = tree.ROOT.parent / "shared" / "FEATURES.md"


def _tests(file: str) -> set[str]:
    path = tree.ROOT / file
    if not path.is_file():
        return set()
    return {
        node.name
        for node in ast.walk(tree.parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


@pytest.mark.parametrize("row", _MAP)
def test_every_row_is_shown_by_tests_that_exist(row):
    shown_by = _MAP[row]
    assert shown_by, "name a test"
    missing = [node for node in shown_by if node.partition("::")[2] not in _tests(node.partition("::")[0])]
    assert missing == []


def test_every_row_stands_in_the_list_of_features():
    if not _LIST.is_file():
        pytest.skip(f"{_LIST} is not beside this checkout")
    known = set(re.findall(r"^\| ((?:MM|LV)-[A-Z]+-\d+) \|", _LIST.read_text(encoding="utf-8"), re.MULTILINE))
    assert set(_MAP) - known == set()
