"""A settings model becomes form fields."""

from typing import Any

import pytest

from hub.runtime.fields import Choice, FieldType, form_fields
from hub.runtime.instance import InstanceOptions
from hub.sdk import PluginSettings, setting
from tests.unit.runtime.forms_model import Everything

FIELDS = {field.name: field for field in form_fields(Everything)}


def test_fields_come_in_the_order_of_their_declaration():
    assert [field.name for field in form_fields(Everything)] == list(Everything.model_fields)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("folder", FieldType.FOLDER),
        ("name", FieldType.TEXT),
        ("note", FieldType.TEXTAREA),
        ("age_s", FieldType.NUMBER),
        ("count", FieldType.NUMBER),
        ("mode", FieldType.CHOICE),
        ("rate", FieldType.CHOICE),
        ("codecs", FieldType.CHOICES),
        ("patterns", FieldType.LINES),
        ("watch", FieldType.BOOLEAN),
        ("limit", FieldType.NUMBER),
        ("password", FieldType.SECRET),
        ("token", FieldType.SECRET),
        ("servers", FieldType.TABLE),
    ],
)
def test_each_type_of_setting_has_its_input(name, kind):
    assert FIELDS[name].type is kind


def test_a_field_knows_its_words_unit_group_limits_and_examples():
    age = FIELDS["age_s"]
    assert (age.title, age.help, age.unit, age.group) == ("Age", "How old a file must be.", "s", "connection")
    assert (age.minimum, age.maximum, age.whole, age.default) == (0, 600, False, 5.0)
    assert (FIELDS["count"].above, FIELDS["count"].below, FIELDS["count"].whole) == (0, 100, True)
    assert (FIELDS["name"].min_length, FIELDS["name"].max_length, FIELDS["name"].pattern) == (2, 12, "^[a-z]*$")
    assert FIELDS["folder"].required
    assert FIELDS["folder"].examples == ("/opt/vmpro/MM/VRL",)
    assert FIELDS["password"].shown_if == {"mode": ("copy",)}
    assert FIELDS["limit"].nullable
    assert FIELDS["limit"].whole


def test_a_choice_has_labels_and_makes_up_those_that_are_not_given():
    assert FIELDS["mode"].choices == (
        Choice("move", "Move | take"),
        Choice("copy", "Copy"),
        Choice("leave", "Leave in place"),
    )
    assert [choice.value for choice in FIELDS["rate"].choices] == ["8000", "16000"]
    assert [choice.value for choice in FIELDS["codecs"].choices] == ["opus", "wav"]


def test_defaults_are_json_values_and_secrets_have_none():
    assert FIELDS["codecs"].default == ["opus"]
    assert FIELDS["patterns"].default == ["*.wav"]
    assert FIELDS["password"].default is None
    assert FIELDS["password"].secret


def test_a_table_has_columns():
    assert [(column.name, column.type) for column in FIELDS["servers"].columns] == [
        ("name", FieldType.TEXT),
        ("port", FieldType.NUMBER),
        ("password", FieldType.SECRET),
        ("trusted", FieldType.BOOLEAN),
    ]


def test_the_hubs_own_options_make_a_form_too():
    assert [field.type for field in form_fields(InstanceOptions)] == [
        FieldType.CHOICE,
        FieldType.NUMBER,
        FieldType.TEXT,
    ]


@pytest.mark.parametrize("annotation", [dict[str, int], Any, int | str, object])
def test_a_setting_that_no_form_can_show_is_refused(annotation):
    model = type(
        "Odd", (PluginSettings,), {"__annotations__": {"odd": annotation}, "odd": setting("Odd", "Odd.", default=None)}
    )
    with pytest.raises(TypeError, match="'odd'"):
        form_fields(model)
