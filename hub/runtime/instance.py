"""A configured plug-in: a device, a connector, a notifier."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import field_validator

from hub.sdk import HealthState, Kind, PluginSettings, setting


class Startup(StrEnum):
    """What happens when an instance cannot start."""

    RETRY = "retry"
    STOP = "stop"


class InstanceOptions(PluginSettings):
    """What the hub itself asks about an instance, beside the plug-in's own settings."""

    startup: Startup = setting(
        "If it cannot start",
        "Try again with growing pauses, or stop and wait for a person.",
        default=Startup.RETRY,
        group="advanced",
        labels={"retry": "Try again", "stop": "Stop and wait"},
    )
    memory_limit_mb: int = setting(
        "Memory limit",
        "The plug-in's process is ended and started again when it takes more.",
        default=1024,
        unit="MB",
        group="advanced",
        ge=64,
        le=65_536,
    )
    timezone: str = setting(
        "Time zone",
        "Where this device stands, such as Europe/London; empty means the hub's own.",
        default="",
        group="advanced",
        examples=["Europe/London"],
    )

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            return ZoneInfo(value).key if value else ""
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("There is no such time zone: give it as Continent/City.") from None


class InstanceState(StrEnum):
    """The lamp of an instance: the plug-in's own three states, and what the hub knows about the rest."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"
    STARTING = "starting"
    PARKED = "parked"
    DISABLED = "disabled"
    NEEDS_SETTINGS = "needs_settings"
    PLUGIN_MISSING = "plugin_missing"

    @classmethod
    def of(cls, health: HealthState) -> "InstanceState":
        """The state that a plug-in's own report stands for."""
        return cls(health.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceHealth:
    """How an instance is: the lamp, one line for people, what to do.

    since_ms: when `state` began. field_errors: by field, for NEEDS_SETTINGS. last_recording_ms: None before the first.
    """

    state: InstanceState = InstanceState.STARTING
    summary: str = ""
    hint: str = ""
    since_ms: int = 0
    numbers: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    field_errors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    last_recording_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One configured plug-in as people see it.

    settings: masked. settings_version: of the plug-in that saved them. revision: grows with every change.
    """

    id: int
    kind: Kind
    plugin: str
    name: str
    enabled: bool
    revision: int
    settings: Mapping[str, Any]
    settings_version: int
    options: InstanceOptions
    health: InstanceHealth
    created_ms: int = 0

    @property
    def alarm_source(self) -> str:
        """Whose alarms these are on the board."""
        return alarm_source(self.id)


def alarm_source(instance_id: int) -> str:
    """The board's name for the source of an instance's alarms."""
    return f"instance:{instance_id}"
