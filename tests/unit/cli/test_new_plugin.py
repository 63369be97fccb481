"""`recording-hub new-plugin`: what it refuses, and what it says."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hub.cli.new_plugin import command
from hub.sdk import Kind
from tests.house import tree

_LONGEST_LINE = 120


def new_plugin(*words: str) -> Result:
    return CliRunner().invoke(command, [str(word) for word in words])


def written(folder: Path) -> dict[str, str]:
    """Path in the folder -> text."""
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("name", ["ab", "acme", "acme_2000", "the_longest_name_that_is_taken"])
def test_a_package_is_whole_whatever_its_name(tmp_path, kind, name):
    done = new_plugin(name, "--kind", kind, "--into", str(tmp_path))
    assert done.exit_code == 0, done.output
    files = written(tmp_path / f"rechub-{name.replace('_', '-')}")
    package = f"rechub_{name}"
    wanted = {"README.md", "pyproject.toml", ".gitignore", "tests/test_conformance.py"}
    wanted |= {f"{package}/{file}" for file in ("__init__.py", "plugin.py", "settings.py", "py.typed")}
    assert wanted <= set(files)
    assert [name for name, text in files.items() if re.search(r"\$\w|\$\{", text)] == [], "a fact was not filled in"
    project = tomllib.loads(files["pyproject.toml"])["project"]
    module, _, cls = project["entry-points"][f"recording_hub.{kind}"][name].partition(":")
    tops = ast.parse(files[f"{module.replace('.', '/')}.py"]).body
    assert cls in {node.name for node in tops if isinstance(node, ast.ClassDef)}
    lines = [line for name, text in files.items() if name.endswith(".py") for line in text.splitlines()]
    assert [line for line in lines if len(line) > _LONGEST_LINE] == []


@pytest.mark.parametrize(
    "name",
    ["Acme", "acme-pbx", "2acme", "acme__pbx", "_acme", "acme_", "a", "", "../acme", "acme pbx", "a" * 31, "ümlaut"],
)
def test_a_name_that_cannot_be_one_is_refused_with_an_example(tmp_path, name):
    done = new_plugin(name, "--into", str(tmp_path))
    assert done.exit_code == 2
    assert "acme_pbx" in done.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "kind"), [("ipoffice", "source"), ("local", "connector")])
def test_a_name_that_is_installed_already_is_refused(tmp_path, name, kind):
    done = new_plugin(name, "--kind", kind, "--into", str(tmp_path))
    assert done.exit_code == 2
    assert "installed here already" in done.output


@pytest.mark.parametrize("name", ["source", "plugin", "folder", "path"])
def test_a_name_whose_class_would_hide_another_is_refused(tmp_path, name):
    done = new_plugin(name, "--into", str(tmp_path))
    assert done.exit_code == 2
    assert "choose the vendor's name" in done.output
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "rechub-acme").mkdir()
    (tmp_path / "rechub-acme" / "mine.txt").write_text("mine")
    done = new_plugin("acme", "--into", str(tmp_path))
    assert done.exit_code == 2
    assert "exists already" in done.output
    assert written(tmp_path) == {"rechub-acme/mine.txt": "mine"}


def test_an_unknown_kind_is_refused_with_those_there_are(tmp_path):
    done = new_plugin("acme", "--kind", "pbx", "--into", str(tmp_path))
    assert done.exit_code == 2
    assert all(kind in done.output for kind in Kind)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    done = new_plugin("acme", "--into", str(tmp_path / "nowhere"))
    assert done.exit_code == 2
    assert "nowhere" in done.output


def test_the_tree_of_the_hub_is_left_alone(monkeypatch):
    monkeypatch.chdir(tree.ROOT / "plugins")
    done = new_plugin("acme")
    assert done.exit_code == 2
    assert "--into" in done.output
    assert not (tree.ROOT / "plugins" / "rechub-acme").exists()


def test_it_says_the_three_commands_that_come_next(tmp_path, monkeypatch):
    (tmp_path / "with space").mkdir()
    monkeypatch.chdir(tmp_path / "with space")
    done = new_plugin("acme")
    install, test, look = done.output.strip().splitlines()[-3:]
    assert install.endswith("pip install --editable 'rechub-acme[dev]'")
    assert test.endswith("pytest rechub-acme")
    assert look.endswith("recording-hub plugins")


@pytest.mark.parametrize("kind", list(Kind))
def test_a_plug_in_imports_only_what_it_may(tmp_path, kind):
    new_plugin("acme", "--kind", kind, "--into", str(tmp_path))
    imports = {
        (name.split("/")[0], module)
        for name, text in written(tmp_path / "rechub-acme").items()
        if name.endswith(".py")
        for module in re.findall(r"^(?:from|import) (hub[\w.]*)", text, re.MULTILINE)
    }
    assert ("rechub_acme", "hub.sdk") in imports
    assert imports <= {("rechub_acme", "hub.sdk")} | {
        ("tests", module) for module in ("hub.sdk", "hub.testing", "hub.testing.tones")
    }
