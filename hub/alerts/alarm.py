"""An alarm as the board tells it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping

from hub.alerts.codes import is_lasting, title_of
from hub.clock import from_ms
from hub.sdk import Severity

SEVERITIES = tuple(Severity)
"""All severities, the least first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardAlarm:
    """One line of the board. Times are aware UTC.

    source: "instance:<id>" or "hub". count: how often it was raised while open, last_raised_at the last time.
    cleared_at: None while it is open. acknowledged_by: the login, "" while nobody has seen to it.
    """

    id: int
    source: str
    key: str
    code: str
    severity: Severity
    text: str
    hint: str
    raised_at: datetime
    last_raised_at: datetime
    count: int
    cleared_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str

    @property
    def title(self) -> str:
        """A few words for the code."""
        return title_of(self.code)

    @property
    def is_open(self) -> bool:
        """Whether it still holds."""
        return self.cleared_at is None

    @property
    def is_lasting(self) -> bool:
        """Whether it ends by itself; otherwise acknowledging ends it."""
        return is_lasting(self.code)

    @property
    def instance_id(self) -> int | None:
        """The device or store that it comes from."""
        kind, _, number = self.source.partition(":")
        return int(number) if kind == "instance" and number.isdecimal() else None


def board_alarm(row: RowMapping) -> BoardAlarm:
    """The alarm of one row of the table."""
    return BoardAlarm(
        id=row["id"],
        source=row["source"],
        key=row["key"],
        code=row["code"],
        severity=row["severity"],
        text=row["text"],
        hint=row["hint"],
        raised_at=from_ms(row["raised_ms"]),
        last_raised_at=from_ms(row["updated_ms"]),
        count=row["repeats"] + 1,
        cleared_at=_moment(row["cleared_ms"]),
        acknowledged_at=_moment(row["acknowledged_ms"]),
        acknowledged_by=row["acknowledged_by"],
    )


def is_worse(severity: Severity, than: Severity) -> bool:
    """Whether `severity` is above `than`."""
    return SEVERITIES.index(severity) > SEVERITIES.index(than)


def _moment(epoch_ms: int | None) -> datetime | None:
    return None if epoch_ms is None else from_ms(epoch_ms)
