"""What can be asked of the catalog, and how it answers in pages."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement

from hub.db.page import Count, Cursor, Page
from hub.sdk import Direction

__all__ = ["COUNT_BOUND", "PAGE_LIMIT", "Count", "Cursor", "Page", "RecordingQuery", "Visible"]

COUNT_BOUND = 10_000
PAGE_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Visible:
    """Which recordings may be seen, as a predicate over the catalog's tables; only `hub.access.scope` makes one."""

    where: ColumnElement[bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingQuery:
    """What to look for: every given condition must hold.

    text, parties, agent, owner, target, skill: any of several values separated by commas; a value matches part of a
    number or name. `text` looks in all of these and in the call id. call_id: any of several exact ids.
    started_from, started_before: aware, half-open. min_s, max_s: length in seconds, both inclusive.
    problems: True for recordings whose content could not be understood, False for the others.
    """

    text: str = ""
    parties: str = ""
    agent: str = ""
    owner: str = ""
    target: str = ""
    skill: str = ""
    call_id: str = ""
    started_from: datetime | None = None
    started_before: datetime | None = None
    directions: frozenset[Direction] = frozenset()
    device_ids: frozenset[int] = frozenset()
    min_s: float | None = None
    max_s: float | None = None
    problems: bool | None = None
