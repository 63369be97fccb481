"""Settings in and out: parsed from JSON or an HTML form with every error by its field, and shown with secrets masked.

Names in an HTML form: `folder` is a field, `servers.0.host` a cell of a table, `servers.0._stored` the index this row
has in the stored settings, `password._clear` asks to forget a secret. A blank or masked secret keeps the stored one.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, SecretStr, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from hub.errors import HubError
from hub.runtime.fields import Choice, FieldType, FormField, form_fields
from hub.sdk import PluginSettings, SettingsError

__all__ = [
    "MASK",
    "STORED_ROW",
    "Choice",
    "FieldType",
    "FormErrors",
    "FormField",
    "as_sentence",
    "docs_table",
    "form_fields",
    "load_stored",
    "masked",
    "parse",
    "plain",
]

MASK = "********"
STORED_ROW = "_stored"

Fields = Sequence[FormField]
M = TypeVar("M", bound=BaseModel)
P = TypeVar("P", bound=PluginSettings)


class FormErrors(HubError):
    """Everything wrong with the given settings.

    by_field: field -> sentences; "" holds what is wrong with the whole; a cell is "servers.0.host".
    values: what was given, for showing the form again; secrets are left out.
    """

    def __init__(self, by_field: Mapping[str, tuple[str, ...]], values: Mapping[str, Any]) -> None:
        told = (f"{name}: {text}" if name else text for name, texts in by_field.items() for text in texts)
        super().__init__("; ".join(told))
        self.by_field = dict(by_field)
        self.values = dict(values)


def parse(model: type[M], data: Mapping[str, Any], stored: Mapping[str, Any] | None = None) -> M:
    """Settings from JSON values; secrets that `data` leaves out, blank or masked are as in `stored`; null forgets one.

    stored: what `plain` gave, whether it still fits the model or not.
    Raises: FormErrors with every error at once.
    """
    fields = form_fields(model)
    values = without_secrets(fields, data)
    try:
        return model.model_validate(_with_stored_secrets(fields, data, stored or {}))
    except ValidationError as exc:
        raise FormErrors(_by_field(exc, fields), values) from None
    except SettingsError as exc:
        raise FormErrors({exc.field: (f"{as_sentence(str(exc))} {exc.hint}".strip(),)}, values) from None
    except Exception as exc:
        text = f"The plug-in failed while checking its settings ({type(exc).__name__}: {exc})."
        raise FormErrors({"": (text,)}, values) from exc


def load_stored(model: type[P], stored: Mapping[str, Any], version: int) -> P:
    """Settings that were stored at `version`, brought up to the installed plug-in's.

    Raises: FormErrors if they do not fit any more.
    """
    if version > model.settings_version:
        text = (
            f"These settings were saved by a newer version of the plug-in (settings version {version}, "
            f"installed is {model.settings_version}): install that version again, or save the settings anew."
        )
        raise FormErrors({"": (text,)}, {})
    data = dict(stored)
    if version < model.settings_version:
        try:
            data = model.upgrade(data, version)
        except Exception as exc:
            text = f"The plug-in could not upgrade its stored settings ({type(exc).__name__}: {exc})."
            raise FormErrors({"": (text,)}, without_secrets(form_fields(model), stored)) from exc
    return parse(model, data)


def masked(settings: BaseModel) -> dict[str, Any]:
    """Settings as JSON for people, logs and the API: a secret that is set shows as MASK, one that is not as ""."""
    return _dump(settings, lambda secret: MASK if secret.get_secret_value() else "")


def plain(settings: BaseModel) -> dict[str, Any]:
    """Settings as JSON with secrets readable: only for sealing and for the plug-in's own process."""
    return _dump(settings, lambda secret: secret.get_secret_value())


def docs_table(model: type[BaseModel]) -> str:
    """The Markdown table of a plug-in's settings."""
    rows = ["| setting | meaning | values | default |", "|---|---|---|---|", *_docs_rows(form_fields(model), "")]
    return "\n".join(rows)


def without_secrets(fields: Fields, data: Mapping[str, Any]) -> dict[str, Any]:
    """What was given, without its secrets, in tables too."""
    secrets = {field.name for field in fields if field.secret}
    tables = {field.name: field.columns for field in fields if field.type is FieldType.TABLE}
    kept: dict[str, Any] = {}
    for name, value in data.items():
        if name in tables and isinstance(value, list):
            kept[name] = [without_secrets(tables[name], row) if isinstance(row, Mapping) else row for row in value]
        elif name not in secrets:
            kept[name] = value
    return kept


def _with_stored_secrets(fields: Fields, data: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(data)
    for field in fields:
        given = data.get(field.name)
        if field.secret and given is None and field.name in data and not field.nullable:
            merged.pop(field.name)
        elif field.secret and (field.name not in data or given in ("", MASK)):
            merged.pop(field.name, None)
            if stored.get(field.name):
                merged[field.name] = stored[field.name]
        elif field.type is FieldType.TABLE and isinstance(given, list):
            rows = [row for row in stored.get(field.name) or () if isinstance(row, Mapping)]
            merged[field.name] = [_row_with_stored_secrets(field, row, rows) for row in given]
    return merged


def _row_with_stored_secrets(field: FormField, row: Any, stored_rows: list[Mapping[str, Any]]) -> Any:
    """A row finds its stored self by the index the form carried, else by its first column."""
    if not isinstance(row, Mapping):
        return row
    data = {name: value for name, value in row.items() if name != STORED_ROW}
    first = field.columns[0].name
    index = row.get(STORED_ROW)
    if isinstance(index, int) and 0 <= index < len(stored_rows):
        return _with_stored_secrets(field.columns, data, stored_rows[index])
    same = [stored for stored in stored_rows if stored.get(first) == data.get(first)]
    return _with_stored_secrets(field.columns, data, same[0] if len(same) == 1 else {})


def _by_field(error: ValidationError, fields: Fields) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for detail in error.errors(include_url=False, include_input=False):
        name = ".".join(str(part) for part in _place(detail["loc"], fields))
        text = _sentence(detail, fields)
        if text not in found.get(name, ()):
            found[name] = (*found.get(name, ()), text)
    return found


def _place(loc: tuple[int | str, ...], fields: Fields) -> tuple[int | str, ...]:
    """The field an error belongs to: for all but tables the first part; pydantic adds union branches and list items."""
    tables = {field.name for field in fields if field.type is FieldType.TABLE}
    return loc[:3] if loc and loc[0] in tables else loc[:1]


def _sentence(detail: ErrorDetails, fields: Fields) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown(detail["loc"], fields)
    if kind == "value_error":
        return as_sentence(str(context.get("error", detail["msg"])))
    is_one = context.get("min_length", context.get("max_length")) == 1
    template = _SENTENCES.get(f"{kind}_one" if is_one else kind)
    return template.format(**context) if template else as_sentence(detail["msg"])


def _unknown(loc: tuple[int | str, ...], fields: Fields) -> str:
    known = [field.name for field in fields]
    if len(loc) > 1:
        known = [column.name for field in fields if field.name == loc[0] for column in field.columns]
    near = difflib.get_close_matches(str(loc[-1]), known, n=1, cutoff=0.5)
    return f"There is no such setting; did you mean {near[0]!r}?" if near else "There is no such setting."


def as_sentence(text: str) -> str:
    """What a validator says, with a capital and a stop."""
    text = text.strip() or "This value is refused"
    return text[0].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


_SENTENCES = {
    "missing": "This is needed.",
    "int_parsing": "A whole number is needed.",
    "int_type": "A whole number is needed.",
    "int_from_float": "A whole number is needed.",
    "float_parsing": "A number is needed.",
    "float_type": "A number is needed.",
    "bool_parsing": "Yes or no is needed.",
    "string_type": "A text is needed.",
    "literal_error": "One of {expected} is needed.",
    "enum": "One of {expected} is needed.",
    "greater_than_equal": "At least {ge} is needed.",
    "greater_than": "More than {gt} is needed.",
    "less_than_equal": "At most {le} is allowed.",
    "less_than": "Less than {lt} is needed.",
    "string_too_short": "At least {min_length} characters are needed.",
    "string_too_short_one": "This is needed.",
    "string_too_long": "At most {max_length} characters are allowed.",
    "string_too_long_one": "One character is allowed.",
    "string_pattern_mismatch": "This must match the pattern {pattern}.",
    "too_short": "At least {min_length} entries are needed.",
    "too_short_one": "At least one entry is needed.",
    "too_long": "At most {max_length} entries are allowed.",
    "too_long_one": "One entry is allowed.",
}


def _dump(settings: BaseModel, secret: Callable[[SecretStr], str]) -> dict[str, Any]:
    return {name: _dump_value(getattr(settings, name), secret) for name in type(settings).model_fields}


def _dump_value(value: Any, secret: Callable[[SecretStr], str]) -> Any:
    if isinstance(value, SecretStr):
        return secret(value)
    if isinstance(value, BaseModel):
        return _dump(value, secret)
    if isinstance(value, list | tuple):
        return [_dump_value(item, secret) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((_dump_value(item, secret) for item in value), key=str)
    return TypeAdapter(Any).dump_python(value, mode="json")


def _docs_rows(fields: Fields, prefix: str) -> list[str]:
    rows = []
    for field in fields:
        default = "needed" if field.required else "(secret)" if field.secret else f"`{_default_text(field.default)}`"
        cells = [f"`{prefix}{field.name}`", f"{field.title}: {field.help}", _values_text(field), default]
        rows.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
        rows += _docs_rows(field.columns, f"{prefix}{field.name}[].")
    return rows


def _default_text(default: Any) -> str:
    if default is None:
        return "none"
    return {True: "yes", False: "no"}[default] if isinstance(default, bool) else str(default) or '""'


def _values_text(field: FormField) -> str:
    if field.choices:
        return ", ".join(f"`{choice.value}` ({choice.label})" for choice in field.choices)
    low = f"from {field.minimum:g}" if field.minimum is not None else ""
    high = f"to {field.maximum:g}" if field.maximum is not None else ""
    words = [str(field.type.value), low, high, field.unit]
    return " ".join(word for word in words if word)
