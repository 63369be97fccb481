"""The documentation says what the code says, and every link in it leads somewhere."""

import re
from pathlib import Path

import pytest

from docs import generate
from docs.tables import TABLES, scan_all
from tests.house import tree

_PAGES = list(generate.pages())
_LINK = re.compile(r"(?<!\\)\[[^\]]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", [page for page in _PAGES if generate.markers(page.read_text())], ids=tree.name)
def test_every_table_is_what_the_code_says_now(page):
    text = page.read_text(encoding="utf-8")
    assert generate.filled(text) == text, "run `make docs`"


def test_every_table_stands_in_one_page():
    shown = [marker for page in _PAGES for marker in generate.markers(page.read_text(encoding="utf-8"))]
    plugins = [name for scan in scan_all().values() for name, found in scan.found.items() if _is_own(found)]
    wanted = [name for name in TABLES if name != "settings"] + [f"settings {name}" for name in plugins]
    assert sorted(shown) == sorted(wanted)


def _is_own(found: object) -> bool:
    return getattr(found, "distribution", "") == "recording-hub"


def test_a_table_of_an_unknown_name_is_an_error():
    with pytest.raises(KeyError):
        generate.filled("<!-- table: nobody -->\n<!-- end of table -->")


@pytest.mark.parametrize("page", [*_PAGES, tree.ROOT / "CONTRIBUTING.md", tree.ROOT / "CHANGELOG.md"], ids=tree.name)
def test_every_link_leads_somewhere(page):
    broken = []
    for target in _LINK.findall(_without_code(page.read_text(encoding="utf-8"))):
        place, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = (page.parent / place).resolve() if place else page
        if not file.exists() or (anchor and anchor not in _anchors(file)):
            broken.append(target)
    assert broken == []


def _without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_every_page_can_be_reached_from_the_readme():
    seen: set[Path] = set()
    ahead = [tree.ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in seen or page.suffix != ".md" or not page.is_file():
            continue
        seen.add(page)
        links = _LINK.findall(page.read_text(encoding="utf-8"))
        ahead += [(page.parent / link.partition("#")[0]).resolve() for link in links if ":" not in link]
    assert [tree.name(page) for page in tree.files("docs", suffix=".md") if page not in seen] == []


def test_decisions_are_numbered_without_a_gap_and_tell_how_they_came_about():
    pages = sorted((tree.ROOT / "docs" / "adr").glob("[0-9]*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert re.match(rf"# {page.name[:4]} [A-Z]", text), page
        assert re.search(r"^Status: (accepted|superseded by \d{4})$", text, re.MULTILINE), page
        missing = [head for head in ("Context", "Decision", "Consequences") if f"\n## {head}\n" not in text]
        assert missing == [], page
