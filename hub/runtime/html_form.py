"""An HTML form's strings as the JSON values that `forms.parse` takes."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel

from hub.runtime.fields import FieldType, FormField, choice_values, form_fields, row_model, takes_blank
from hub.runtime.forms import STORED_ROW, parse

M = TypeVar("M", bound=BaseModel)
Form = Mapping[str, Sequence[str]]

_YES = {"true", "on", "1", "yes"}
_CLEAR = "_clear"


def parse_form(model: type[M], form: Form, stored: Mapping[str, Any] | None = None, prefix: str = "") -> M:
    """Settings from the fields of a submitted form whose names start with `prefix`.

    Raises: FormErrors with every error at once; its `values` show the form again as it was.
    """
    return parse(model, form_values(model, form, prefix), stored)


def form_values(model: type[BaseModel], form: Form, prefix: str = "") -> dict[str, Any]:
    """The JSON values of a form: what is no number stays a string, so that the form can show it again."""
    own = {name.removeprefix(prefix): values for name, values in form.items() if name.startswith(prefix)}
    data: dict[str, Any] = {}
    known: set[str] = set()
    for field in form_fields(model):
        if field.type is FieldType.TABLE:
            cells = _cells_by_row(own, f"{field.name}.")
            known |= {name for name in own if name.startswith(f"{field.name}.")}
            data[field.name] = _rows(row_model(model, field.name), cells)
        else:
            known |= {field.name, f"{field.name}.{_CLEAR}"}
            data |= _field_value(model, field, own)
    return data | {name: _last(own, name) for name in own if name not in known}


def _rows(model: type[BaseModel], cells: Mapping[int, Form]) -> list[dict[str, Any]]:
    """The rows of a table in their order; one in which nothing was filled in is dropped."""
    rows = []
    for _, row in sorted(cells.items()):
        if not any(_last(row, name).strip() for name in _typed_columns(model) if name in row):
            continue
        values = form_values(model, {name: value for name, value in row.items() if name != STORED_ROW})
        if (index := _last(row, STORED_ROW)).isdecimal():
            values[STORED_ROW] = int(index)
        rows.append(values)
    return rows


def _typed_columns(model: type[BaseModel]) -> list[str]:
    chosen = {FieldType.BOOLEAN, FieldType.CHOICE, FieldType.CHOICES}
    return [field.name for field in form_fields(model) if field.type not in chosen]


def _cells_by_row(form: Form, prefix: str) -> dict[int, dict[str, Sequence[str]]]:
    cells: dict[int, dict[str, Sequence[str]]] = {}
    for name, values in form.items():
        index, dot, column = name.removeprefix(prefix).partition(".")
        if name.startswith(prefix) and dot and index.isdecimal() and len(index) < 6:
            cells.setdefault(int(index), {})[column] = values
    return cells


def _field_value(model: type[BaseModel], field: FormField, form: Form) -> dict[str, Any]:
    """{name: value}, or {} where the default is to hold."""
    text = _last(form, field.name)
    if field.type is FieldType.BOOLEAN:
        return {field.name: text.lower() in _YES}
    if field.type is FieldType.CHOICES:
        values = choice_values(model, field.name)
        return {field.name: [values.get(given, given) for given in form.get(field.name, ())]}
    if field.type is FieldType.LINES:
        return {field.name: [line.strip() for line in text.splitlines() if line.strip()]}
    if field.type is FieldType.SECRET:
        cleared = _last(form, f"{field.name}.{_CLEAR}").lower() in _YES
        return {field.name: None if cleared and not text else text}
    return _typed_value(model, field, text.replace("\r\n", "\n"))


def _typed_value(model: type[BaseModel], field: FormField, text: str) -> dict[str, Any]:
    text = text if field.type is FieldType.TEXTAREA else text.strip()
    if text:
        return {field.name: choice_values(model, field.name).get(text, text)}
    if field.nullable:
        return {field.name: None}
    return {field.name: ""} if not field.required and takes_blank(model, field.name) else {}


def _last(form: Form, name: str) -> str:
    values = form.get(name, ())
    return values[-1] if values else ""
