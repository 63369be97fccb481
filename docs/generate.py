"""`make docs`: writes the generated tables between `<!-- table: NAME ... -->` and `<!-- end of table -->`."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from docs.tables import ROOT, TABLES

_MARKED = re.compile(r"(<!-- table: ([a-z-]+)((?: [\w-]+)*) -->\n).*?(<!-- end of table -->)", re.DOTALL)


def pages() -> Iterator[Path]:
    """Every page that may hold a table."""
    yield ROOT / "README.md"
    for folder in ("docs", "plugins", "hub", "webui"):
        yield from sorted((ROOT / folder).rglob("*.md"))


def markers(text: str) -> list[str]:
    """Names of the tables of a page, with their arguments: "settings local"."""
    return [name + arguments for _, name, arguments, _ in _MARKED.findall(text)]


def filled(text: str) -> str:
    """The page with every table as the code says it now.

    Raises: KeyError for a table that nobody makes.
    """

    def table(found: re.Match[str]) -> str:
        begin, name, arguments, end = found.groups()
        return f"{begin}\n{TABLES[name](*arguments.split())}\n\n{end}"

    return _MARKED.sub(table, text)


def main() -> None:
    """Rewrite the pages whose tables are out of date."""
    for page in pages():
        before = page.read_text(encoding="utf-8")
        after = filled(before)
        if after != before:
            page.write_text(after, encoding="utf-8")
            print(f"wrote {page.relative_to(ROOT)}", file=sys.stderr)


if __name__ == "__main__":
    main()
