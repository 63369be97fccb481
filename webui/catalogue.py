"""Collects every text of pages, scripts and settings into webui/locale/messages.pot and the catalogues of languages.

`python -m webui.catalogue` does it, and says what has no translation yet.
"""

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

from webui.declared import find_declared

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "webui" / "locale" / "messages.pot"
Keywords = dict[str, Any]
_PYTHON: Keywords = {"gettext": None, "ngettext": (1, 2), "later": None}
_TEMPLATES: Keywords = {"_": None, "gettext": None, "ngettext": (1, 2)}
_SCRIPTS: Keywords = {"t": None}
_IDLE_HEADERS = (b'"POT-', b'"PO-', b'"Report-', b'"Last-', b'"Language-Team', b'"Generated-By')
_DECLARING = (
    *("hub/access/*.py", "hub/alerts/codes/*.py", "hub/rules/*.py", "hub/ingest/*.py", "hub/runtime/**/*.py"),
    *("hub/catalog/*.py", "hub/vault/*.py", "plugins/**/*.py", "webui/fact_names.py"),
)
_JINJA_OPTIONS = {"silent": "false", "trimmed": "true", "newstyle_gettext": "true"}


def collect() -> Catalog:
    """The catalogue as the sources stand now."""
    catalogue = Catalog(
        project="Recording Hub", charset="utf-8", fuzzy=False, header_comment="# Texts of Recording Hub."
    )
    for path, method, keywords, options in _sources():
        place = path.relative_to(ROOT).as_posix()
        for found in extract_from_file(method, path, keywords=keywords, options=options, comment_tags=("texts:",)):
            line, text, comments, context = found
            catalogue.add(text, None, [(place, line)], auto_comments=comments, context=context)
    for path in sorted({path for pattern in _DECLARING for path in ROOT.glob(pattern)}):
        for line, text in find_declared(path):
            catalogue.add(text, None, [(path.relative_to(ROOT).as_posix(), line)])
    return catalogue


def render(catalogue: Catalog) -> bytes:
    """The file's bytes: sorted by text, with the file and not the line, without dates and versions.

    So a moved line changes nothing, and the same texts give the same file.
    """
    for message in tuple(catalogue):
        message.locations = sorted({(place, 0) for place, _ in message.locations})
    buffer = BytesIO()
    write_po(buffer, catalogue, width=0, sort_output=True, include_lineno=False, omit_header=False)
    kept = (line for line in buffer.getvalue().splitlines() if not line.startswith(_IDLE_HEADERS))
    return b"\n".join(kept) + b"\n"


def _sources() -> Iterator[tuple[Path, str, Keywords, dict[str, str]]]:
    web = ROOT / "webui"
    for path in sorted(web.rglob("*.py")):
        yield path, "python", dict(_PYTHON), {}
    for path in sorted((web / "templates").rglob("*.html")):
        yield path, "jinja2.ext:babel_extract", dict(_TEMPLATES), dict(_JINJA_OPTIONS)
    for path in sorted((web / "static" / "js").rglob("*.js")):
        yield path, "javascript", dict(_SCRIPTS), {}


def languages() -> list[Path]:
    """The catalogue of each language that there is a translation for."""
    return sorted(TARGET.parent.glob("*/LC_MESSAGES/messages.po"))


def merge(path: Path, template: Catalog) -> Catalog:
    """A language's catalogue with the texts of the template: translations stay, new texts are empty, old ones go."""
    with path.open("rb") as file:
        catalogue = read_po(file, locale=path.parent.parent.name)
    catalogue.update(template, no_fuzzy_matching=True, update_header_comment=False)
    catalogue.obsolete.clear()
    return catalogue


def untranslated(catalogue: Catalog) -> list[str]:
    """The texts that have no translation, or only an uncertain one."""
    lacking = [message for message in catalogue if message.id and (message.fuzzy or not all(_forms(message)))]
    return [str(message.id if isinstance(message.id, str) else message.id[0]) for message in lacking]


def _forms(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ("",))


def _update() -> None:
    template = collect()
    TARGET.write_bytes(render(template))
    sys.stdout.write(f"{TARGET}\n")
    for path in languages():
        catalogue = merge(path, template)
        path.write_bytes(render(catalogue))
        lacking = untranslated(catalogue)
        sys.stdout.write(f"{path}: {len(lacking)} without translation\n")
        sys.stdout.writelines(f"  {text}\n" for text in lacking)


if __name__ == "__main__":
    _update()
