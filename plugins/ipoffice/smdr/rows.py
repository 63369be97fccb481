"""One line of SMDR: a part of a call between two devices of the PBX.

Source: Avaya IP Office documentation, "Appendix: SMDR", SMDR Fields: 17 fields up to release 4.2, 30 from release 5,
35 in release 11, more since; fields are told by their position.
"""

import csv
import re
from dataclasses import dataclass
from datetime import datetime

LINE_CHARS_MAX = 4096
FIELDS_MIN = 15
FIELD_CHARS_MAX = 256
CLOCK = re.compile(r"(\d{1,4}):(\d{2}):(\d{2})")
START_FORMATS = ("%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M:%S")
DURATION_S_MAX = 7 * 24 * 3600


class BadRow(ValueError):
    """The line is no SMDR row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The fields of one row in their order; times of the PBX without a zone, durations in seconds."""

    call_start: datetime
    connected_s: int
    ring_s: int
    caller: str
    is_incoming: bool
    called: str
    dialled: str
    account: str
    is_internal: bool
    call_id: str
    continues: bool
    party1_device: str
    party1_name: str
    party2_device: str
    party2_name: str
    hold_s: int = 0
    park_s: int = 0
    charge: str = ""
    currency: str = ""
    targeting_cause: str = ""
    targeter: str = ""
    targeted_number: str = ""

    @property
    def length_s(self) -> int:
        """How long this part of the call took."""
        return self.ring_s + self.connected_s + self.hold_s + self.park_s


def is_heading(line: str) -> bool:
    """Whether a line names the fields, as files of SMDR do."""
    return line.lower().startswith("call start")


def parse_row(line: str) -> Row:
    """The row in a line without its end.

    Raises: BadRow.
    """
    if len(line) > LINE_CHARS_MAX:
        raise BadRow(f"{len(line)} characters are too many")
    cells = _split(line)
    if len(cells) < FIELDS_MIN:
        raise BadRow(f"{len(cells)} fields are too few")
    if cells[4] not in {"I", "O"}:
        raise BadRow(f"the direction is {cells[4]!r}, neither I nor O")
    if not cells[9].isalnum():
        raise BadRow(f"the call id is {cells[9]!r}")
    cells += [""] * (30 - len(cells))
    return Row(
        call_start=_parse_start(cells[0]),
        connected_s=_parse_clock(cells[1]),
        ring_s=_parse_seconds(cells[2]),
        caller=cells[3],
        is_incoming=cells[4] == "I",
        called=cells[5],
        dialled=cells[6],
        account=cells[7] if cells[7] != "n/a" else "",
        is_internal=cells[8].upper() in {"1", "I", "Y"},
        call_id=cells[9],
        continues=cells[10] == "1",
        party1_device=cells[11],
        party1_name=cells[12],
        party2_device=cells[13],
        party2_name=cells[14],
        hold_s=_parse_seconds(cells[15]),
        park_s=_parse_seconds(cells[16]),
        charge=cells[20],
        currency=cells[21],
        targeting_cause=cells[27],
        targeter=cells[28],
        targeted_number=cells[29],
    )


def _split(line: str) -> list[str]:
    """Fields are not quoted; only a line that has quotes all the same is read as such."""
    try:
        cells = next(csv.reader([line])) if '"' in line else line.split(",")
    except (csv.Error, StopIteration) as error:
        raise BadRow(f"the fields cannot be told apart: {error}") from None
    return [cell.strip()[:FIELD_CHARS_MAX] for cell in cells]


def _parse_start(text: str) -> datetime:
    for shape in START_FORMATS:
        try:
            return datetime.strptime(text, shape)  # noqa: DTZ007 - the PBX writes its local time
        except ValueError:
            continue
    raise BadRow(f"the start of the call is {text!r}")


def _parse_clock(text: str) -> int:
    match = CLOCK.fullmatch(text)
    if not match:
        raise BadRow(f"the connected time is {text!r}")
    hours, minutes, seconds = (int(part) for part in match.groups())
    return min(hours * 3600 + minutes * 60 + seconds, DURATION_S_MAX)


def _parse_seconds(text: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise BadRow(f"{text!r} is no number of seconds")
    return min(int(text), DURATION_S_MAX)
