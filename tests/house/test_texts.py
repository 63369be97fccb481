"""The catalogues hold every text of pages, scripts, settings, alarms and refusals as they stand now, translated."""

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from webui import catalogue

LANGUAGES = pytest.mark.parametrize("path", catalogue.languages(), ids=lambda path: path.parent.parent.name)
_PLACEHOLDER = re.compile(r"%\(\w+\)s|%%|\{\w*\}|</?b>")


@pytest.fixture(scope="module")
def template() -> Catalog:
    """All texts of the sources."""
    return catalogue.collect()


def test_the_catalogue_is_what_the_sources_say_now(template: Catalog) -> None:
    assert catalogue.TARGET.read_bytes() == catalogue.render(template), "run `python -m webui.catalogue`"


def test_chinese_is_among_the_languages() -> None:
    assert "zh_Hans" in [path.parent.parent.name for path in catalogue.languages()]


@LANGUAGES
def test_every_text_is_translated(path: Path, template: Catalog) -> None:
    merged = catalogue.merge(path, template)
    lacking = catalogue.untranslated(merged)
    assert not lacking, "run `python -m webui.catalogue`, and translate:\n" + "\n".join(lacking)
    assert path.read_bytes() == catalogue.render(merged), "run `python -m webui.catalogue`"


@LANGUAGES
def test_translations_hold_the_same_placeholders(path: Path) -> None:
    wrong = {}
    with path.open("rb") as file:
        for message in read_po(file, locale=path.parent.parent.name):
            originals, translations = _forms(message)
            wanted = sorted(_PLACEHOLDER.findall(originals[-1]))
            if message.id and any(sorted(_PLACEHOLDER.findall(text)) != wanted for text in translations if text):
                wrong[originals[0]] = translations
    assert wrong == {}


def _forms(message: Message) -> tuple[list[str], list[str]]:
    originals = [message.id] if isinstance(message.id, str) else list(message.id)
    return originals, [message.string] if isinstance(message.string, str) else list(message.string or ())
