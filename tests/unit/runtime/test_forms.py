"""Settings in and out."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.runtime.fields import FieldType, form_fields
from hub.runtime.forms import MASK, FormErrors, docs_table, load_stored, masked, parse, plain
from hub.runtime.html_form import form_values, parse_form
from hub.sdk import PluginSettings, setting
from tests.unit.runtime.forms_model import Codec, Everything


def errors_of(data, stored=None):
    with pytest.raises(FormErrors) as caught:
        parse(Everything, data, stored)
    return caught.value


def test_only_what_is_needed_must_be_given():
    settings = parse(Everything, {"folder": "/in"})
    assert settings.folder == Path("/in")
    assert settings.mode == "move"


def test_every_error_is_told_at_once_and_by_its_field():
    found = errors_of(
        {
            "folder": "in",
            "name": "X",
            "age_s": "long",
            "count": 100,
            "mode": "burn",
            "watch": "perhaps",
            "servers": [{"name": "a", "port": 0}, {"port": 2}],
        }
    ).by_field
    assert found == {
        "folder": ("Give the whole path, from / on.",),
        "name": ("At least 2 characters are needed.",),
        "age_s": ("A number is needed.",),
        "count": ("Less than 100 is needed.",),
        "mode": ("One of 'move', 'copy' or 'leave' is needed.",),
        "watch": ("Yes or no is needed.",),
        "servers.0.port": ("At least 1 is needed.",),
        "servers.1.name": ("This is needed.",),
    }


def test_an_unknown_key_is_refused_with_the_nearest_known_name():
    found = errors_of({"folder": "/in", "pasword": "x", "zzz": 1, "servers": [{"name": "a", "prot": 1}]}).by_field
    assert found["pasword"] == ("There is no such setting; did you mean 'password'?",)
    assert found["zzz"] == ("There is no such setting.",)
    assert found["servers.0.prot"] == ("There is no such setting; did you mean 'port'?",)


def test_a_settings_error_of_the_plug_in_stands_at_its_field_with_its_hint():
    found = errors_of({"folder": "/in", "mode": "copy"}).by_field
    assert found == {"password": ("To copy, a password is needed. Enter it.",)}


def test_a_plug_in_that_fails_in_its_own_checks_is_an_error_and_no_crash():
    class Failing(PluginSettings):
        x: int = setting("X", "X.", default=1)

        def model_post_init(self, _context):
            raise KeyError("oops")

    with pytest.raises(FormErrors) as caught:
        parse(Failing, {})
    assert caught.value.by_field[""] == ("The plug-in failed while checking its settings (KeyError: 'oops').",)


def test_nothing_given_is_lost_but_secrets_are_left_out():
    given_data = {"folder": "", "password": "hunter2", "servers": [{"name": "a", "password": "s3cret"}], "odd": 1}
    values = errors_of(given_data).values
    assert values == {"folder": "", "servers": [{"name": "a"}], "odd": 1}


def test_errors_never_hold_a_secret():
    class Short(PluginSettings):
        key: str = setting("Key", "K.", default="", max_length=3)

    error = errors_of({"folder": 1, "password": "hunter2", "mode": "hunter2"})
    assert "hunter2" not in str(error.by_field)


STORED = plain(
    parse(
        Everything,
        {
            "folder": "/in",
            "password": "old",
            "token": "t",
            "servers": [{"name": "a", "password": "pa"}, {"name": "b", "password": "pb"}],
        },
    )
)


@pytest.mark.parametrize("given_secret", [{}, {"password": ""}, {"password": MASK}])
def test_a_blank_secret_keeps_the_stored_one(given_secret):
    settings = parse(Everything, {"folder": "/in", **given_secret}, STORED)
    assert settings.password.get_secret_value() == "old"
    assert settings.token is not None


def test_a_new_secret_replaces_the_stored_one_and_null_forgets_it():
    settings = parse(Everything, {"folder": "/in", "password": "new", "token": None}, STORED)
    assert settings.password.get_secret_value() == "new"
    assert settings.token is None
    assert parse(Everything, {"folder": "/in", "password": None}, STORED).password.get_secret_value() == ""


def test_rows_of_a_table_keep_their_secrets_when_they_move():
    rows = [{"name": "b"}, {"name": "new"}, {"name": "renamed", "_stored": 0}]
    settings = parse(Everything, {"folder": "/in", "servers": rows}, STORED)
    assert [server.password and server.password.get_secret_value() for server in settings.servers] == ["pb", None, "pa"]


def test_masked_settings_show_which_secrets_are_set_and_none_of_them():
    shown = masked(parse(Everything, STORED))
    assert (shown["password"], shown["servers"][0]["password"]) == (MASK, MASK)
    assert masked(parse(Everything, {"folder": "/in"}))["password"] == ""
    assert masked(parse(Everything, {"folder": "/in"}))["token"] is None
    assert "pa" not in json.dumps(shown).replace("patterns", "").replace("password", "")


def test_settings_as_json_make_the_same_settings_again():
    settings = parse(Everything, {**STORED, "codecs": ["wav", "opus"], "rate": 16000, "limit": 3})
    assert parse(Everything, json.loads(json.dumps(plain(settings)))) == settings


def test_the_docs_table_tells_every_setting_and_no_secret():
    table = docs_table(Everything)
    assert "| `age_s` | Age: How old a file must be. | number from 0 to 600 s | `5.0` |" in table
    assert "| `servers[].port` | Port: Where it listens. | number from 1 to 65535 | `22` |" in table
    assert "Move \\| take" in table
    assert "| `password` | Password: For the server. | secret | (secret) |" in table
    assert len(table.splitlines()) == 2 + len(form_fields(Everything)) + 4


def test_stored_settings_of_an_older_version_are_brought_up():
    assert load_stored(Everything, {"path": "/in", "gone": 1}, 1).folder == Path("/in")
    assert load_stored(Everything, {"folder": "/in", "gone": 1}, 2).folder == Path("/in")


def test_stored_settings_that_cannot_be_brought_up_say_why():
    with pytest.raises(FormErrors, match="could not upgrade its stored settings"):
        load_stored(Everything, {"folder": "/in"}, 1)
    with pytest.raises(FormErrors, match="newer version of the plug-in"):
        load_stored(Everything, {"folder": "/in"}, 4)
    with pytest.raises(FormErrors) as caught:
        load_stored(Everything, {"folder": "relative"}, 3)
    assert "folder" in caught.value.by_field


FORM = {
    "folder": [" /in "],
    "name": ["box"],
    "note": ["one\r\ntwo"],
    "age_s": ["2.5"],
    "count": ["7"],
    "mode": ["leave"],
    "rate": ["16000"],
    "codecs": ["wav", "opus"],
    "patterns": ["*.wav\r\n\r\n *.opus "],
    "watch": ["false", "true"],
    "limit": [""],
    "password": ["pw"],
    "servers.0.name": ["a"],
    "servers.0.port": ["2222"],
    "servers.0.trusted": ["on"],
    "servers.3.name": ["b"],
    "servers.3.port": [""],
    "servers.7.name": [""],
    "servers.7.port": [" "],
    "servers.7.trusted": ["on"],
}


def test_an_html_form_makes_settings():
    settings = parse_form(Everything, FORM)
    assert settings.folder == Path("/in")
    assert settings.note == "one\ntwo"
    assert (settings.age_s, settings.count, settings.rate, settings.limit) == (2.5, 7, 16000, None)
    assert settings.codecs == (Codec.WAV, Codec.OPUS)
    assert settings.patterns == ["*.wav", "*.opus"]
    assert settings.watch
    assert [(server.name, server.port, server.trusted) for server in settings.servers] == [
        ("a", 2222, True),
        ("b", 22, False),
    ]


def test_an_unticked_box_is_no_and_nothing_ticked_is_an_empty_choice():
    form = {name: values for name, values in FORM.items() if name not in {"watch", "codecs"}}
    settings = parse_form(Everything, form)
    assert not settings.watch
    assert settings.codecs == ()


def test_a_blank_text_is_empty_and_a_blank_number_is_its_default():
    settings = parse_form(Everything, FORM | {"note": [""], "age_s": [""], "rate": [""]})
    assert (settings.note, settings.age_s, settings.rate) == ("", 5.0, 8000)
    with pytest.raises(FormErrors) as caught:
        parse_form(Everything, FORM | {"folder": ["  "], "name": [""]})
    assert set(caught.value.by_field) == {"folder", "name"}


def test_a_form_that_is_wrong_can_be_shown_again_as_it_was():
    with pytest.raises(FormErrors) as caught:
        parse_form(Everything, FORM | {"age_s": ["soon"], "servers.3.port": ["many"], "count": ["1e"]})
    error = caught.value
    assert set(error.by_field) == {"age_s", "servers.1.port", "count"}
    assert error.values["age_s"] == "soon"
    assert error.values["servers"][1]["port"] == "many"
    assert error.values["count"] == "1e"
    assert "password" not in error.values


def test_only_fields_with_the_prefix_belong_to_the_form():
    form = {f"settings.{name}": values for name, values in FORM.items()} | {"name": ["Head office"], "csrf": ["x"]}
    assert parse_form(Everything, form, prefix="settings.").name == "box"
    with pytest.raises(FormErrors) as caught:
        parse_form(Everything, form | {"settings.nmae": ["x"]}, prefix="settings.")
    assert caught.value.by_field == {"nmae": ("There is no such setting; did you mean 'name'?",)}


def test_a_form_can_forget_a_secret():
    form = FORM | {"password": [""], "token": [""], "token._clear": ["on"]}
    settings = parse_form(Everything, form, STORED)
    assert settings.password.get_secret_value() == "old"
    assert settings.token is None


names = st.sampled_from([*Everything.model_fields, "servers.0.name", "servers.0.port", "servers.x.y", "servers.", "zz"])


@given(st.dictionaries(names, st.lists(st.text(max_size=20), max_size=3)))
def test_no_form_makes_anything_but_settings_or_errors(form):
    try:
        settings = parse_form(Everything, form, STORED)
    except FormErrors as error:
        assert error.by_field
        json.dumps(error.values)
    else:
        assert parse(Everything, plain(settings)) == settings


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(list(Everything.model_fields)), json_values))
def test_no_json_makes_anything_but_settings_or_errors(data):
    try:
        parse(Everything, data, STORED)
    except FormErrors as error:
        assert error.by_field


def test_form_values_of_every_field_round_trip_through_their_text():
    settings = parse_form(Everything, FORM)
    form = {}
    for field in form_fields(Everything):
        value = plain(settings)[field.name]
        if field.type is FieldType.LINES:
            form[field.name] = ["\n".join(value)]
        elif field.type is FieldType.CHOICES:
            form[field.name] = value
        elif field.type is FieldType.TABLE:
            for number, row in enumerate(value):
                for name, cell in row.items():
                    form[f"{field.name}.{number}.{name}"] = ["" if cell is None else str(cell).lower()]
        else:
            form[field.name] = ["" if value is None else str(value).lower() if value in (True, False) else str(value)]
    assert parse(Everything, form_values(Everything, form)) == settings
