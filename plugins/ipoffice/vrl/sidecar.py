"""Files beside a recording that say something about it."""

import csv
import io

from plugins.ipoffice.vrl.facts import Facts
from plugins.ipoffice.vrl.markup import Unreadable, add_json, add_xml, describe_party
from plugins.ipoffice.vrl.riff import decode

SIDECAR_BYTES_MAX = 512 * 1024
ROWS_MAX = 64


def sidecar_names(stem: str, patterns: tuple[str, ...]) -> list[str]:
    """The names that a sidecar of recording `stem` may have."""
    return [pattern.replace("{stem}", stem) for pattern in patterns if "/" not in pattern]


def add_sidecar(facts: Facts, name: str, data: bytes) -> None:
    """Facts of a sidecar by its content: XML, JSON, or a table with a line of headings.

    Raises: Unreadable.
    """
    if len(data) > SIDECAR_BYTES_MAX:
        raise Unreadable(f"{len(data)} bytes are more than is read")
    start = data.lstrip(b"\xef\xbb\xbf\0 \r\n\t")[:1]
    if start == b"<":
        add_xml(facts, "sidecar", "", data.lstrip(b"\xef\xbb\xbf"))
    elif start in {b"{", b"["}:
        add_json(facts, "sidecar", "", data)
    elif name.lower().endswith((".csv", ".txt", ".tsv")):
        _add_table(facts, data.decode("utf-8-sig", errors="replace") if b"\0" not in data else decode(data))
    else:
        raise Unreadable("neither XML nor JSON nor a table")


def _add_table(facts: Facts, text: str) -> None:
    """Facts by column; a table of two columns without a time or number in its headings is read as name and value."""
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t|", key=first.count)
    try:
        rows = [
            row for row, _ in zip(csv.reader(io.StringIO(text), delimiter=delimiter), range(ROWS_MAX), strict=False)
        ]
    except csv.Error as error:
        raise Unreadable(f"the table cannot be read: {error}") from None
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if not rows:
        raise Unreadable("the table is empty")
    is_list_of_names = len(rows) > 2 and all(len(row) == 2 for row in rows)
    if len(rows) == 1 or is_list_of_names:
        for row in rows:
            if len(row) >= 2:
                facts.add_text("sidecar", row[0].strip(), row[1])
        return
    heading = [cell.strip() for cell in rows[0]]
    for row in rows[1:]:
        cells = dict(zip(heading, row, strict=False))
        for name, value in cells.items():
            if name:
                facts.add_text("sidecar", name, value)
        party = describe_party(cells)
        if party and len(rows) > 2:
            facts.add("sidecar", "party", party)
