"""Nothing is left half done, and no test looks away."""

import ast
import re

from docs.tables import logged_events
from tests.house import tree

_MARKS = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK", "NotImplemented" + "Error")))
_WORDS = re.compile("|".join(("not " + "implemented", "coming " + "soon", "lorem " + "ipsum")), re.IGNORECASE)
_MAY_SKIP = {
    "tests/privileges.py",  # where mounting is refused and ALLOW_UNPRIVILEGED=1 says that this is known
    "tests/doubles/network.py",  # where neither network namespaces nor raw sockets are allowed
    "tests/doubles/shared_data.py",  # captures of others lie beside the project, not in it
    "tests/fuzz/test_parsers.py",  # on machines and versions of Python that atheris is not made for
    "tests/house/test_features.py",  # the list of features lies beside the project, not in it
}


def test_there_are_no_marks_of_unfinished_work():
    marks = [
        f"{tree.name(path)}:{number} {line.strip()[:80]}"
        for path in tree.texts()
        if not path.is_relative_to(tree.ROOT / "locks") and path.name != "package-lock.json"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if re.search(rf"\b({_MARKS.pattern})\b", line) or _WORDS.search(line)
    ]
    assert marks == []


def test_no_function_is_empty_but_abstract_ones():
    empty = [
        f"{tree.name(path)}:{node.lineno} {node.name}"
        for path in tree.files(*tree.PRODUCT, suffix=".py")
        for owner in ast.walk(tree.parsed(path))
        if isinstance(owner, ast.ClassDef | ast.Module)
        for node in owner.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and _is_empty(node)
        and not _may_be_empty(node, owner)
    ]
    assert empty == []


def _is_empty(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    body = [line for line in node.body if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))]
    return all(isinstance(line, ast.Pass) for line in body) and not ast.get_docstring(node)


def _may_be_empty(node: ast.FunctionDef | ast.AsyncFunctionDef, owner: ast.ClassDef | ast.Module) -> bool:
    decorators = {ast.unparse(item).split(".")[-1] for item in node.decorator_list}
    bases = {ast.unparse(item) for item in owner.bases} if isinstance(owner, ast.ClassDef) else set()
    return bool(decorators & {"abstractmethod", "overload"}) or any("Protocol" in base for base in bases)


def test_no_test_is_skipped_on_its_own_authority():
    skips = [
        f"{tree.name(path)}:{node.lineno} {ast.unparse(node)}"
        for path in tree.files("tests", suffix=".py")
        if tree.name(path) not in _MAY_SKIP
        for node in ast.walk(tree.parsed(path))
        if isinstance(node, ast.Attribute)
        and ast.unparse(node) in {"pytest.skip", "pytest.importorskip", "pytest.mark.skip", "pytest.mark.skipif",
                                  "pytest.mark.xfail", "pytest.xfail", "unittest.skip"}
    ]  # fmt: skip
    assert skips == []


def test_the_name_of_every_test_is_a_sentence():
    wrong = []
    for path in tree.files("tests", suffix=".py"):
        for node in ast.walk(tree.parsed(path)):
            is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            if is_function and node.name.startswith("test_") and node.name.count("_") < 3:
                wrong.append(f"{tree.name(path)}:{node.lineno} {node.name}")
    assert wrong == []


def test_logging_uses_constant_events_of_noun_and_verb():
    wrong = [
        f"{event.place} {event.name or 'is no constant'}"
        for event in logged_events()
        if not re.fullmatch(r"[a-z][a-z_]*(\.[a-z][a-z_]*)+", event.name)
    ]
    assert wrong == []


def test_no_file_names_this_machine():
    own = re.compile("|".join(("/" + "work/", "/" + "root/", r"\.py" + "env", "/opt/" + "pypi")))
    named = [
        f"{tree.name(path)}:{number} {line.strip()[:80]}"
        for path in tree.texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if own.search(line)
    ]
    assert named == []
