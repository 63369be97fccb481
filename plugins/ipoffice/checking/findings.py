"""What a test finds."""

from dataclasses import dataclass, field

from hub.sdk import PluginError


@dataclass(slots=True)
class Findings:
    """One line for each part that works, what should be looked at, numbers, and what does not work."""

    lines: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    numbers: dict[str, float] = field(default_factory=dict)
    errors: list[PluginError] = field(default_factory=list)
