"""Every plug-in of the house has the same first files, a conformance test and a page of documentation."""

import tomllib
from importlib import import_module

import pytest

from hub.sdk import Plugin, PluginSettings
from tests.house import tree

_PYPROJECT = tomllib.loads((tree.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
_KINDS = ("source", "connector", "migrator", "notifier")
_PLUGINS = [
    (kind, name, value)
    for kind in _KINDS
    for name, value in _PYPROJECT["project"]["entry-points"].get(f"recording_hub.{kind}", {}).items()
]


def test_every_folder_with_a_plug_in_is_an_entry_point_of_the_same_name():
    folders = {path.parent for path in tree.files("plugins", suffix=".py") if path.name == "plugin.py"}
    named = {tree.ROOT.joinpath(*value.split(":")[0].split(".")).parent for _, _, value in _PLUGINS}
    assert folders == named
    # Where several share a package, each has a folder in it whose name its own ends with.
    assert all(name.endswith(value.split(":")[0].split(".")[-2]) for _, name, value in _PLUGINS)


@pytest.mark.parametrize(("kind", "name", "value"), _PLUGINS)
def test_a_plug_in_begins_with_the_same_files(kind, name, value):
    folder = tree.ROOT.joinpath(*value.split(":")[0].split(".")).parent
    assert [file for file in ("plugin.py", "settings.py", "README.md") if not (folder / file).is_file()] == []
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert len(readme.split()) >= 20, "say what it is for"


@pytest.mark.parametrize(("kind", "name", "value"), _PLUGINS)
def test_a_plug_in_is_what_its_entry_point_says(kind, name, value):
    module, _, attribute = value.partition(":")
    cls = getattr(import_module(module), attribute)
    assert issubclass(cls, Plugin)
    assert (cls.info.kind, cls.info.name) == (kind, name)
    assert issubclass(cls.info.settings, PluginSettings)


@pytest.mark.parametrize(("kind", "name", "value"), _PLUGINS)
def test_a_plug_in_passes_the_kit_that_other_authors_use(kind, name, value):
    attribute = value.partition(":")[2]
    kits = [f"{kind.capitalize()}Conformance", *(["LiveConformance"] if kind == "source" else [])]
    runs = [
        path
        for path in tree.files("tests/conformance", suffix=".py")
        if attribute in (text := path.read_text(encoding="utf-8")) and any(kit in text for kit in kits)
    ]
    assert runs, f"tests/conformance has no {' or '.join(kits)} of {attribute}"


@pytest.mark.parametrize(("kind", "name", "value"), _PLUGINS)
def test_every_setting_explains_itself(kind, name, value):
    module, _, attribute = value.partition(":")
    settings = getattr(import_module(module), attribute).info.settings
    assert [field for field, info in settings.model_fields.items() if not (info.title and info.description)] == []
