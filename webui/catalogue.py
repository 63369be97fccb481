"""Collects every text of pages, scripts and settings into webui/locale/messages.pot: `python -m webui.catalogue`."""

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import write_po

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "webui" / "locale" / "messages.pot"
Keywords = dict[str, Any]
_PYTHON: Keywords = {"gettext": None, "ngettext": (1, 2), "later": None}
_TEMPLATES: Keywords = {"_": None, "gettext": None, "ngettext": (1, 2)}
_SCRIPTS: Keywords = {"t": None}
_SETTINGS: Keywords = {"setting": (1,)}
_HELP: Keywords = {"setting": (2,)}
_JINJA_OPTIONS = {"silent": "false", "trimmed": "true", "newstyle_gettext": "true"}


def collect() -> Catalog:
    """The catalogue as the sources stand now; without dates, so that the same sources give the same file."""
    catalogue = Catalog(
        project="Recording Hub", charset="utf-8", fuzzy=False, header_comment="# Texts of Recording Hub."
    )
    for path, method, keywords, options in _sources():
        place = path.relative_to(ROOT).as_posix()
        for found in extract_from_file(method, path, keywords=keywords, options=options, comment_tags=("texts:",)):
            line, text, comments, context = found
            catalogue.add(text, None, [(place, line)], auto_comments=comments, context=context)
    return catalogue


def render(catalogue: Catalog) -> bytes:
    """The file's bytes: sorted by text, with the file and not the line, so that a moved line changes nothing."""
    for message in tuple(catalogue):
        message.locations = sorted({(place, 0) for place, _ in message.locations})
    buffer = BytesIO()
    write_po(buffer, catalogue, width=0, sort_output=True, include_lineno=False, omit_header=False)
    kept = (line for line in buffer.getvalue().splitlines() if not line.startswith((b'"POT-Creation', b'"PO-Revision')))
    return b"\n".join(kept) + b"\n"


def _sources() -> Iterator[tuple[Path, str, Keywords, dict[str, str]]]:
    web = ROOT / "webui"
    for path in sorted(web.rglob("*.py")):
        yield path, "python", dict(_PYTHON), {}
    for path in sorted((web / "templates").rglob("*.html")):
        yield path, "jinja2.ext:babel_extract", dict(_TEMPLATES), dict(_JINJA_OPTIONS)
    for path in sorted((web / "static" / "js").rglob("*.js")):
        yield path, "javascript", dict(_SCRIPTS), {}
    for path in sorted([*(ROOT / "plugins").rglob("*.py"), ROOT / "hub" / "runtime" / "instance.py"]):
        yield path, "python", dict(_SETTINGS), {}
        yield path, "python", dict(_HELP), {}


if __name__ == "__main__":
    TARGET.write_bytes(render(collect()))
    sys.stdout.write(f"{TARGET}\n")
