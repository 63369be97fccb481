"""JSON lines between the supervisor and the processes it keeps, and the shapes that travel on them."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from hub.sdk import Alarm, Health, HealthState, Severity

MAX_LINE_BYTES = 1 << 20


class WireError(Exception):
    """The other side wrote something that is no message."""


def encode(message: dict[str, Any]) -> bytes:
    """One line; values that JSON does not know are written as text.

    Raises: WireError if the line would be too long.
    """
    line = json.dumps(message, default=str, separators=(",", ":")).encode() + b"\n"
    if len(line) > MAX_LINE_BYTES:
        raise WireError(f"a message of {len(line)} bytes is too long")
    return line


def decode(line: bytes) -> dict[str, Any]:
    """The message of one line; `says` names what it is.

    Raises: WireError.
    """
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as exc:
        raise WireError(f"a line is not JSON: {exc}") from None
    if not isinstance(message, dict) or not isinstance(message.get("says"), str):
        raise WireError("a line is no message")
    return message


def health_to_json(health: Health) -> dict[str, Any]:
    """A report as JSON values."""
    return asdict(health) | {"state": HealthState(health.state).value, "numbers": dict(health.numbers)}


def health_from_json(values: dict[str, Any]) -> Health:
    """The report that `health_to_json` wrote.

    Raises: WireError.
    """
    try:
        return Health(
            state=HealthState(values["state"]),
            summary=str(values.get("summary", "")),
            hint=str(values.get("hint", "")),
            numbers=_finite(values.get("numbers", {})),
            warnings=tuple(str(warning) for warning in values.get("warnings", ())),
        )
    except (KeyError, ValueError, TypeError, AttributeError) as exc:
        raise WireError(f"no health report: {exc!r}") from None


def _finite(numbers: Mapping[str, Any]) -> dict[str, float]:
    return {str(name): float(number) for name, number in numbers.items() if math.isfinite(float(number))}


def alarm_to_json(alarm: Alarm) -> dict[str, Any]:
    """An alarm as JSON values."""
    return asdict(alarm) | {"severity": Severity(alarm.severity).value}


def alarm_from_json(values: dict[str, Any]) -> Alarm:
    """The alarm that `alarm_to_json` wrote.

    Raises: WireError.
    """
    try:
        return Alarm(
            key=str(values["key"]),
            code=str(values["code"]),
            severity=Severity(values["severity"]),
            text=str(values["text"]),
            hint=str(values.get("hint", "")),
        )
    except (KeyError, ValueError, TypeError) as exc:
        raise WireError(f"no alarm: {exc!r}") from None
