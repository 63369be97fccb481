"""A settings form as its template draws it: every field with its name, value and errors, in groups."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from hub.runtime.forms import MASK, STORED_ROW, FieldType, FormField, form_fields
from webui.language import later

GROUPS = {
    "connection": later("Connection"),
    "filter": later("What is taken"),
    "metadata": later("What is read"),
    "media": later("Media"),
    "advanced": later("Advanced"),
}
_MOST_CARDS = 6
_LONG_LABEL = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldView:
    """One field. value: a JSON value, as it was stored or as it was typed.

    name: in the form, with its prefix. rows: of a table, (index, its cells). is_long: a secret of several lines.
    """

    field: FormField
    name: str
    value: Any = None
    errors: Sequence[str] = ()
    shown_if: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    rows: Sequence[tuple[int, Sequence["FieldView"]]] = ()
    blank_row: Sequence["FieldView"] = ()
    is_long: bool = False

    @property
    def id(self) -> str:
        """For the label."""
        return "f-" + self.name.replace(".", "-")

    @property
    def text(self) -> str:
        """The value as the input shows it."""
        match self.value:
            case None:
                return ""
            case bool():
                return "true" if self.value else "false"
            case list() | tuple():
                return "\n".join(str(line) for line in self.value)
            case float() if self.value.is_integer():
                return str(int(self.value))
        return str(self.value)

    @property
    def chosen(self) -> set[str]:
        """The ticked values of a choice of several."""
        return {str(value) for value in self.value or ()}

    @property
    def is_kept(self) -> bool:
        """Whether a secret is stored that stays if nothing is typed."""
        return self.field.secret and self.value == MASK

    @property
    def as_cards(self) -> bool:
        """Whether a choice is important enough to show all of its values."""
        if self.field.type is not FieldType.CHOICE or self.field.nullable or len(self.field.choices) > _MOST_CARDS:
            return False
        return max(len(choice.label) for choice in self.field.choices) > _LONG_LABEL

    @property
    def is_index(self) -> bool:
        """Whether this only says which stored row a table row is."""
        return self.name.endswith(f".{STORED_ROW}")


@dataclass(frozen=True, slots=True)
class GroupView:
    """Fields that belong together."""

    name: str
    title: str
    fields: tuple[FieldView, ...]

    @property
    def is_folded(self) -> bool:
        """Whether it is for experts and starts closed."""
        return self.name == "advanced"

    @property
    def has_errors(self) -> bool:
        """Whether something in it is wrong."""
        return any(_is_wrong(view) for view in self.fields)


def groups(
    model: type[BaseModel], values: Mapping[str, Any], errors: Mapping[str, Sequence[str]], prefix: str
) -> list[GroupView]:
    """All fields of a settings model in their groups; a value that is not given is the default."""
    views = [
        (item.group, _view(item, values.get(item.name, item.default), errors, prefix, is_long=_is_long(model, item)))
        for item in form_fields(model)
    ]
    names = [*GROUPS, *(name for name, _ in views if name not in GROUPS)]
    grouped = {name: tuple(view for group, view in views if group == name) for name in dict.fromkeys(names)}
    titles = GROUPS | {name: name.capitalize() for name in names if name not in GROUPS}
    return [GroupView(name, titles[name], found) for name, found in grouped.items() if found]


def _is_long(model: type[BaseModel], item: FormField) -> bool:
    extra = model.model_fields[item.name].json_schema_extra
    return item.secret and isinstance(extra, dict) and extra.get("widget") == "textarea"


def _view(item: FormField, value: Any, errors: Mapping[str, Sequence[str]], prefix: str, *, is_long: bool) -> FieldView:
    is_table = item.type is FieldType.TABLE
    return FieldView(
        field=item,
        name=prefix + item.name,
        value=value,
        errors=tuple(errors.get(item.name, ())),
        is_long=is_long,
        shown_if={prefix + other: tuple(wanted) for other, wanted in item.shown_if.items()},
        rows=tuple(_rows(item, value, errors, prefix)) if is_table else (),
        blank_row=tuple(_cells(item, {}, {}, f"{prefix}{item.name}.__row__")) if is_table else (),
    )


def _rows(
    item: FormField, value: Any, errors: Mapping[str, Sequence[str]], prefix: str
) -> Iterator[tuple[int, Sequence[FieldView]]]:
    for index, row in enumerate(value or ()):
        name = f"{prefix}{item.name}.{index}"
        stored = row.get(STORED_ROW, index)
        wrong = {column.name: errors.get(f"{item.name}.{index}.{column.name}", ()) for column in item.columns}
        index_cell = FieldView(field=item.columns[0], name=f"{name}.{STORED_ROW}", value=stored)
        yield index, (index_cell, *_cells(item, row, wrong, name))


def _cells(
    item: FormField, row: Mapping[str, Any], errors: Mapping[str, Sequence[str]], name: str
) -> Iterator[FieldView]:
    for column in item.columns:
        value = row.get(column.name, column.default)
        yield FieldView(
            field=column, name=f"{name}.{column.name}", value=value, errors=tuple(errors.get(column.name, ()))
        )


def _is_wrong(view: FieldView) -> bool:
    return bool(view.errors) or any(cell.errors for _, cells in view.rows for cell in cells)
