"""Settings declared once: they drive validation, the web form, the docs table, the CLI and masking."""

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic.fields import FieldInfo

Group = Literal["connection", "filter", "metadata", "media", "advanced"]
Widget = Literal["", "folder", "textarea", "password"]


class PluginSettings(BaseModel):
    """Base of every plug-in's settings: unknown keys are refused, instances are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    settings_version: ClassVar[int] = 1

    @classmethod
    def upgrade(cls, stored: dict[str, Any], from_version: int) -> dict[str, Any]:  # noqa: ARG003 - for overrides
        """Bring settings that an older plug-in stored up to `settings_version`."""
        return stored


def setting(  # noqa: PLR0913 - one call declares one field whole
    title: str,
    help: str,
    *,
    default: Any = ...,
    unit: str = "",
    group: Group = "connection",
    widget: Widget = "",
    labels: dict[str, str] | None = None,
    shown_if: dict[str, list[str]] | None = None,
    **limits: Any,
) -> Any:
    """Declare one setting.

    labels: what people read for each value of a choice.
    shown_if: other field -> its values for which this field matters; the form hides it otherwise.
    limits: pydantic's own (ge, le, pattern, min_length, examples).
    """
    extra: dict[str, Any] = {"unit": unit, "group": group, "widget": widget}
    if labels:
        extra["labels"] = labels
    if shown_if:
        extra["shown_if"] = shown_if
    return Field(default, title=title, description=help, json_schema_extra=extra, **limits)


def is_secret(field: FieldInfo) -> bool:
    """Whether the value must never be shown, logged or exported."""
    return SecretStr in (field.annotation, *getattr(field.annotation, "__args__", ()))
