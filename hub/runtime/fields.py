"""A settings model as form fields: what the web form, the API, the docs table and the command line are made from."""

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import Enum, StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel, SecretStr, TypeAdapter
from pydantic.fields import FieldInfo

JsonValue = Any

_SEQUENCES = {list, tuple, set, frozenset}
_SCALAR_TEXT = (str, Path, date, time, datetime, IPv4Address, IPv6Address, IPv4Network, IPv6Network)


class FieldType(StrEnum):
    """Which input shows a field."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    CHOICES = "choices"
    SECRET = "secret"  # noqa: S105 - the name of an input
    FOLDER = "folder"
    TEXTAREA = "textarea"
    LINES = "lines"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Choice:
    """One value that can be chosen, and what people read for it."""

    value: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """One input of the web form.

    default: a JSON value, None for secrets and where there is none.
    lines: a list of strings, one per line. table: a list of rows, described by `columns`.
    whole: a number without a fraction. minimum, maximum: inclusive; `above`, `below`: exclusive.
    shown_if: other field -> its values for which this field matters.
    """

    name: str
    type: FieldType
    title: str = ""
    help: str = ""
    unit: str = ""
    group: str = "connection"
    required: bool = False
    nullable: bool = False
    default: JsonValue = None
    choices: tuple[Choice, ...] = ()
    columns: tuple["FormField", ...] = ()
    whole: bool = False
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str = ""
    examples: tuple[str, ...] = ()
    shown_if: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def secret(self) -> bool:
        """Whether the value is written but never shown."""
        return self.type is FieldType.SECRET


def form_fields(model: type[BaseModel]) -> list[FormField]:
    """Form fields in the order the settings are declared.

    Raises: TypeError if a setting has a type that no form can show.
    """
    return [_form_field(name, info) for name, info in model.model_fields.items()]


def choice_values(model: type[BaseModel], name: str) -> dict[str, Any]:
    """The values of a choice, or of the items of a choice of several, by their text."""
    inner = _without_none(model.model_fields[name].annotation)[0]
    if get_origin(inner) in _SEQUENCES:
        inner = _without_none(get_args(inner)[0])[0]
    return _values(inner)


def row_model(model: type[BaseModel], name: str) -> type[BaseModel]:
    """What one row of table `name` is made of."""
    inner = _without_none(model.model_fields[name].annotation)[0]
    return typing.cast("type[BaseModel]", _without_none(get_args(inner)[0])[0])


def takes_blank(model: type[BaseModel], name: str) -> bool:
    """Whether a blank input means the empty string, and not the default."""
    inner = _without_none(model.model_fields[name].annotation)[0]
    return isinstance(inner, type) and issubclass(inner, str) and not issubclass(inner, Enum)


def _form_field(name: str, info: FieldInfo) -> FormField:
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    inner, nullable = _without_none(info.annotation)
    labels = typing.cast("dict[str, str]", extra.get("labels") or {})
    kind, choices, columns = _input_of(name, inner, str(extra.get("widget") or ""), labels)
    shown_if = typing.cast("dict[str, list[str]]", extra.get("shown_if") or {})
    return FormField(
        name=name,
        type=kind,
        title=info.title or "",
        help=info.description or "",
        unit=str(extra.get("unit") or ""),
        group=str(extra.get("group") or "connection"),
        required=info.is_required(),
        nullable=nullable,
        default=None if kind is FieldType.SECRET else _default(info),
        choices=choices,
        columns=columns,
        whole=inner is int,
        examples=tuple(str(example) for example in info.examples or ()),
        shown_if={other: tuple(values) for other, values in shown_if.items()},
        **_limits(info),
    )


def _without_none(annotation: Any) -> tuple[Any, bool]:
    """The type without `Annotated` and `| None`, and whether None was allowed."""
    if get_origin(annotation) is Annotated:
        return _without_none(get_args(annotation)[0])
    if get_origin(annotation) in {typing.Union, types.UnionType}:
        kept = [part for part in get_args(annotation) if part is not type(None)]
        if len(kept) == 1:
            return _without_none(kept[0])[0], len(kept) < len(get_args(annotation))
    return annotation, False


def _input_of(
    name: str, annotation: Any, widget: str, labels: Mapping[str, str]
) -> tuple[FieldType, tuple[Choice, ...], tuple[FormField, ...]]:
    if choices := _choices(annotation, labels):
        return FieldType.CHOICE, choices, ()
    if get_origin(annotation) in _SEQUENCES:
        item = _without_none(get_args(annotation)[0])[0]
        if choices := _choices(item, labels):
            return FieldType.CHOICES, choices, ()
        if isinstance(item, type) and issubclass(item, BaseModel):
            return FieldType.TABLE, (), tuple(_columns(name, item))
        if _is_scalar_text(item):
            return FieldType.LINES, (), ()
    if kind := _scalar_input(annotation, widget):
        return kind, (), ()
    raise TypeError(f"setting {name!r} has a type that no form can show: {annotation}")


def _scalar_input(annotation: Any, widget: str) -> FieldType | None:
    if not isinstance(annotation, type):
        return None
    if issubclass(annotation, SecretStr):
        return FieldType.SECRET
    if issubclass(annotation, bool):
        return FieldType.BOOLEAN
    if issubclass(annotation, int | float):
        return FieldType.NUMBER
    if _is_scalar_text(annotation) or issubclass(annotation, timedelta):
        return {"folder": FieldType.FOLDER, "textarea": FieldType.TEXTAREA}.get(widget, FieldType.TEXT)
    return None


def _is_scalar_text(annotation: Any) -> bool:
    """Whether a value is one line of text; the network types of pydantic are not subclasses of anything useful."""
    return isinstance(annotation, type) and (
        issubclass(annotation, _SCALAR_TEXT) or annotation.__module__ == "pydantic.networks"
    )


def _columns(name: str, row: type[BaseModel]) -> list[FormField]:
    columns = form_fields(row)
    if any(column.type is FieldType.TABLE for column in columns):
        raise TypeError(f"setting {name!r} nests tables in tables, which no form can show")
    return columns


def _choices(annotation: Any, labels: Mapping[str, str]) -> tuple[Choice, ...]:
    return tuple(Choice(text, labels.get(text, text.replace("_", " ").capitalize())) for text in _values(annotation))


def _values(annotation: Any) -> dict[str, Any]:
    if get_origin(annotation) is Literal:
        return {str(value): value for value in get_args(annotation)}
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return {str(member.value): member.value for member in annotation}
    return {}


def _default(info: FieldInfo) -> JsonValue:
    if info.is_required():
        return None
    value = info.get_default(call_default_factory=True, validated_data={})
    return TypeAdapter(Any).dump_python(value, mode="json")


def _limits(info: FieldInfo) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    for rule in info.metadata:
        for kind, attribute, name in _LIMITS:
            if isinstance(rule, kind):
                limits[name] = getattr(rule, attribute)
        if pattern := getattr(rule, "pattern", None):
            limits["pattern"] = getattr(pattern, "pattern", pattern)
    return limits


_LIMITS = (
    (Ge, "ge", "minimum"),
    (Le, "le", "maximum"),
    (Gt, "gt", "above"),
    (Lt, "lt", "below"),
    (MinLen, "min_length", "min_length"),
    (MaxLen, "max_length", "max_length"),
)
