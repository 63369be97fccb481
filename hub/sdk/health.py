"""How a plug-in instance says how it is, and what is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class HealthState(StrEnum):
    """The lamp of a device or connector, best first."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Health:
    """One report: the lamp, one line for people, what to do, and numbers for graphs.

    numbers: the name carries the unit, such as "queue_items" or "lag_s".
    warnings: things that work now and should be looked at; a test shows them one by one.
    """

    state: HealthState
    summary: str = ""
    hint: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


class Severity(StrEnum):
    """How bad an alarm is, in the five levels of the trade."""

    INFORMATION = "information"
    WARNING = "warning"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One condition; `key` is the same for the same trouble, so that a repeat updates and does not multiply.

    code: the public alarm code, such as FILE_PARSE_ERROR.
    """

    key: str
    code: str
    severity: Severity
    text: str
    hint: str = ""
