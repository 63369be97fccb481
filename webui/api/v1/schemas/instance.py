"""Configured plug-ins as the API shows and takes them."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, JsonValue

from hub.clock import from_ms
from hub.runtime.failure import FailureKind
from hub.runtime.instance import InstanceState, Startup
from hub.sdk import HealthState, Kind
from webui.api.v1.problem import FieldError
from webui.api.v1.schemas.shape import In, Out
from webui.api.v1.values import Id, Moment, OneLine

_MOST_TEXT = 200


class OptionsIn(In):
    """What the hub itself asks about an instance."""

    startup: Annotated[Startup, Field(strict=False)] = Startup.RETRY
    memory_limit_mb: int = Field(default=1024, ge=64, le=65_536)
    timezone: Annotated[OneLine, Field(max_length=64)] = Field(default="", examples=["Europe/London"])


class OptionsOut(Out):
    """What the hub itself asks about an instance."""

    startup: Startup
    memory_limit_mb: int
    timezone: str


class InstanceIn(In):
    """A new instance."""

    plugin: Annotated[OneLine, Field(min_length=1, max_length=64)] = Field(examples=["ipoffice"])
    name: Annotated[OneLine, Field(min_length=1, max_length=_MOST_TEXT)] = Field(examples=["Head office"])
    settings: dict[str, Any] = Field(
        description="As `GET /plugins/{kind}/{name}` describes them.", examples=[{"folder": "/opt/vmpro/MM/VRL"}]
    )
    enabled: bool = True
    options: OptionsIn = OptionsIn()


class InstancePatch(In):
    """What is to change; what is left out or null stays."""

    name: Annotated[OneLine, Field(min_length=1, max_length=_MOST_TEXT)] | None = None
    settings: dict[str, Any] | None = Field(
        None, description="All settings anew; secrets that are left out or masked stay as they are."
    )
    enabled: bool | None = None
    options: OptionsIn | None = None


class TrialIn(In):
    """Settings to try before they are kept."""

    settings: dict[str, Any] = Field(examples=[{"folder": "/opt/vmpro/MM/VRL"}])


def _moment_of(value: Any) -> Any:
    return from_ms(value) if isinstance(value, int) else value


_MomentOfMs = Annotated[Moment, BeforeValidator(_moment_of)]


class HealthOut(Out):
    """How an instance is."""

    state: InstanceState
    summary: str
    hint: str = Field(description="What to do.")
    since: _MomentOfMs = Field(validation_alias="since_ms", description="When this state began.")
    numbers: dict[str, float]
    warnings: list[str]
    field_errors: dict[str, list[str]] = Field(description="Settings that need a person.")
    last_recording_at: _MomentOfMs | None = Field(validation_alias="last_recording_ms")


class InstanceOut(Out):
    """A configured plug-in; secrets in its settings are masked."""

    id: Id
    kind: Kind
    plugin: str
    name: str
    enabled: bool
    revision: int
    settings: dict[str, JsonValue]
    settings_version: int
    options: OptionsOut
    health: HealthOut
    created_at: _MomentOfMs = Field(validation_alias="created_ms")


class InstanceList(Out):
    """All of them, by name."""

    items: list[InstanceOut]


class FailureOut(Out):
    """Why a test did not pass."""

    kind: FailureKind
    message: str
    hint: str
    errors: list[FieldError]


class TrialOut(Out):
    """What a test found. state and what follows are of a test that came to its end."""

    passed: bool
    state: HealthState | None = None
    summary: str = ""
    hint: str = ""
    warnings: list[str] = Field(default=[], description="What works now and should be looked at.")
    numbers: dict[str, float] = Field(default={})
    failure: FailureOut | None = None
