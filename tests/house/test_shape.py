"""The shape of the code: short files, short functions, names that say what lives there."""

import ast

import pytest

from tests.house import tree

_LONGEST_FILE = 400
_LONGEST_FUNCTION = 60
_EMPTY_WORDS = {"base", "common", "helper", "helpers", "manager", "misc", "util", "utils"}


def test_a_file_stays_under_400_lines():
    long = {
        tree.name(path): lines
        for path in tree.files(*tree.CODE, suffix=".py")
        if (lines := path.read_text(encoding="utf-8").count("\n")) > _LONGEST_FILE
    }
    assert long == {}


def test_a_function_stays_under_60_lines():
    long = {
        f"{tree.name(path)}:{node.lineno} {node.name}": lines
        for path in tree.files(*tree.CODE, suffix=".py")
        for node in ast.walk(tree.parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > _LONGEST_FUNCTION
    }
    assert long == {}


def test_style_sheets_and_scripts_stay_under_400_lines():
    long = {
        tree.name(path): lines
        for suffix in (".css", ".js", ".mjs", ".html")
        for path in tree.files("webui", "frontend", suffix=suffix)
        if (lines := path.read_text(encoding="utf-8").count("\n")) > _LONGEST_FILE
    }
    assert long == {}


def test_no_name_of_a_module_is_an_empty_word():
    empty = [
        tree.name(path)
        for path in tree.files(*tree.CODE, suffix=".py")
        if _EMPTY_WORDS & {*path.relative_to(tree.ROOT).parts[:-1], path.stem}
    ]
    assert empty == []


def test_plugins_is_open_to_other_distributions():
    assert not (tree.ROOT / "plugins" / "__init__.py").exists()


@pytest.mark.parametrize("package", ["hub", "webui"])
def test_every_folder_of_code_is_a_package_that_says_what_it_is_for(package):
    silent = []
    for folder in {path.parent for path in tree.files(package, suffix=".py")}:
        own = folder / "__init__.py"
        if not own.is_file() or not ast.get_docstring(tree.parsed(own)):
            silent.append(tree.name(folder))
    assert sorted(silent) == []


def test_every_module_says_in_one_sentence_what_it_is():
    silent = [
        tree.name(path) for path in tree.files(*tree.PRODUCT, suffix=".py") if not ast.get_docstring(tree.parsed(path))
    ]
    assert silent == []
