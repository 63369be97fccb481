"""The configuration: environment over hub.toml over defaults, and errors that name the key."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hub.config import ConfigError, HubConfig, load_config
from hub.config import paths as hub_paths


def _with_file(folder: Path, text: str) -> Path:
    (folder / "hub.toml").write_text(text)
    return folder


def test_an_empty_environment_gives_a_hub_on_sqlite_for_this_machine_alone(tmp_path):
    config = load_config({}, tmp_path)
    assert config.database_url == f"sqlite:///{tmp_path}/catalog.sqlite3"
    assert (config.bind, config.port, config.public_url) == ("127.0.0.1", 8080, "http://127.0.0.1:8080")
    assert (config.log, config.log_level, config.secret_key) == ("console", "info", None)


def test_a_checkout_keeps_its_data_in_var():
    root = hub_paths.checkout()
    assert root is not None
    assert load_config({}).data == root / "var"


def test_an_installed_hub_keeps_its_data_where_the_system_or_the_user_does(tmp_path, monkeypatch):
    monkeypatch.setattr(hub_paths, "checkout", lambda: None)
    monkeypatch.setattr(hub_paths, "SYSTEM_DATA", tmp_path / "absent")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert hub_paths.default_data_folder({"XDG_DATA_HOME": str(tmp_path)}) == tmp_path / "recording-hub"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert hub_paths.default_data_folder({}) == tmp_path / "absent"


def test_the_environment_beats_the_file_and_the_file_beats_the_default(tmp_path):
    _with_file(tmp_path, 'port = 9000\nlog = "json"\n')
    config = load_config({"RECORDING_HUB_PORT": "9001"}, tmp_path)
    assert (config.port, config.log) == (9001, "json")


def test_an_empty_variable_counts_as_unset(tmp_path):
    assert load_config({"RECORDING_HUB_PORT": "", "RECORDING_HUB_PUBLIC_URL": ""}, tmp_path).port == 8080


def test_the_data_folder_comes_from_the_environment(tmp_path):
    assert load_config({"RECORDING_HUB_DATA": str(tmp_path / "x")}).data == tmp_path / "x"


@pytest.mark.parametrize(
    ("environ", "key", "says"),
    [
        ({"RECORDING_HUB_PORT": "80a"}, "port", "RECORDING_HUB_PORT"),
        ({"RECORDING_HUB_PORT": "70000"}, "port", "65535"),
        ({"RECORDING_HUB_LOG": "xml"}, "log", "'console' or 'json'"),
        ({"RECORDING_HUB_DATABASE_URL": "mysql://x/y"}, "database_url", "use sqlite or postgresql"),
        ({"RECORDING_HUB_DATABASE_URL": "hub.db"}, "database_url", "sqlite:///PATH"),
        ({"RECORDING_HUB_PUBLIC_URL": "https://x/y"}, "public_url", "without a path"),
        ({"RECORDING_HUB_TRUSTED_PROXIES": "proxy"}, "trusted_proxies", "proxy is no address or network"),
        ({"RECORDING_HUB_PROT": "1"}, "prot", "RECORDING_HUB_PROT is not a setting"),
    ],
)
def test_a_wrong_variable_is_named_with_the_way_out(tmp_path, environ, key, says):
    with pytest.raises(ConfigError, match=says) as caught:
        load_config(environ, tmp_path)
    assert caught.value.key == key
    assert caught.value.hint


def test_a_misspelt_variable_gets_the_nearest_known_name(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_config({"RECORDING_HUB_PROT": "1"}, tmp_path)
    assert caught.value.hint == "Did you mean RECORDING_HUB_PORT?"


def test_variables_of_other_parts_are_left_alone(tmp_path):
    assert load_config({"RECORDING_HUB_KILL_AT": "x", "RECORDING_HUBRIS": "1"}, tmp_path).port == 8080


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("prot = 1", "prot in .*hub.toml is not a setting"),
        ("port = [1]", "port in .*hub.toml"),
        ("port 1", "not valid TOML"),
        ('data = "/x"', "data cannot be set in"),
        ('secret_key = "AAAA"', "secret_key cannot be set in"),
    ],
)
def test_a_wrong_line_in_hub_toml_is_named(tmp_path, text, says):
    with pytest.raises(ConfigError, match=says) as caught:
        load_config({}, _with_file(tmp_path, text))
    assert caught.value.hint


def test_a_hub_toml_that_is_no_text_is_named(tmp_path):
    (tmp_path / "hub.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load_config({}, tmp_path)


@given(st.text(max_size=200))
def test_any_text_as_hub_toml_loads_or_is_refused_with_a_hint(tmp_path_factory, text):
    folder = tmp_path_factory.getbasetemp() / "any"
    folder.mkdir(exist_ok=True)
    (folder / "hub.toml").write_text(text, encoding="utf-8", errors="replace")
    try:
        assert load_config({}, folder).data == folder
    except ConfigError as refused:
        assert refused.hint


def test_proxies_are_listed_in_the_environment_or_in_the_file(tmp_path):
    environ = {"RECORDING_HUB_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8 ::1"}
    assert load_config(environ, tmp_path).trusted_proxies == ("127.0.0.1", "10.0.0.0/8", "::1")
    _with_file(tmp_path, 'trusted_proxies = ["127.0.0.1"]')
    assert load_config({}, tmp_path).trusted_proxies == ("127.0.0.1",)


def test_plain_postgresql_means_psycopg_3(tmp_path):
    config = load_config({"RECORDING_HUB_DATABASE_URL": "postgresql://hub:top@db/hub"}, tmp_path)
    assert config.database_url == "postgresql+psycopg://hub:top@db/hub"


def test_secrets_stay_out_of_what_people_and_logs_see(tmp_path):
    config = load_config(
        {"RECORDING_HUB_DATABASE_URL": "postgresql://hub:top5ecret@db/hub", "RECORDING_HUB_SECRET_KEY": "key5ecret"},
        tmp_path,
    )
    assert "5ecret" not in repr(config) + str(config) + config.database_shown


def test_a_wrong_value_is_not_repeated_in_the_error(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_config({"RECORDING_HUB_DATABASE_URL": "mysql://hub:top5ecret@db/hub"}, tmp_path)
    assert "top5ecret" not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize(
    ("environ", "url", "https"),
    [
        ({"RECORDING_HUB_BIND": "0.0.0.0"}, "http://127.0.0.1:8080", False),
        ({"RECORDING_HUB_BIND": "::"}, "http://[::1]:8080", False),
        ({"RECORDING_HUB_BIND": "fe80::1"}, "http://[fe80::1]:8080", False),
        ({"RECORDING_HUB_PORT": "80"}, "http://127.0.0.1", False),
        ({"RECORDING_HUB_PUBLIC_URL": "https://rec.example.com/"}, "https://rec.example.com", True),
    ],
)
def test_the_address_for_people_follows_from_the_settings(tmp_path, environ, url, https):
    config = load_config(environ, tmp_path)
    assert (config.public_url, config.https) == (url, https)


def test_a_free_port_is_filled_in_once_known(tmp_path):
    assert (
        load_config({"RECORDING_HUB_PORT": "0"}, tmp_path).listening_on(port=4711).public_url == "http://127.0.0.1:4711"
    )


def test_an_address_that_was_set_survives_a_free_port(tmp_path):
    environ = {"RECORDING_HUB_PORT": "0", "RECORDING_HUB_PUBLIC_URL": "https://rec.example.com"}
    config = load_config(environ, tmp_path).listening_on(port=4711)
    assert (config.port, config.public_url) == (4711, "https://rec.example.com")


def test_folders_are_made_for_the_hub_alone(tmp_path):
    config = load_config({}, tmp_path / "deep" / "data")
    config.make_folders()
    for folder in (config.data, config.storage, config.scratch, config.state, config.run):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_data_folder_that_is_a_file_is_an_error_with_a_way_out(tmp_path):
    (tmp_path / "data").write_text("")
    with pytest.raises(ConfigError, match="cannot be made") as caught:
        load_config({}, tmp_path / "data").make_folders()
    assert "RECORDING_HUB_DATA" in caught.value.hint


def test_a_long_data_folder_still_has_a_socket_name_that_fits(tmp_path):
    config = load_config({}, tmp_path / ("d" * 120))
    assert len(os.fsencode(config.command_socket)) <= 100
    config.make_folders()
    try:
        assert stat.S_IMODE(config.command_socket.parent.stat().st_mode) == 0o700
        config.command_socket.parent.chmod(0o777)
        with pytest.raises(ConfigError, match="belongs to somebody else"):
            config.make_folders()
    finally:
        config.command_socket.parent.rmdir()


def test_a_short_data_folder_holds_its_own_socket(tmp_path):
    assert hub_paths.command_socket(Path("/d")) == Path("/d/run/command.sock")


def test_every_setting_explains_itself():
    assert [name for name, field in HubConfig.model_fields.items() if not field.description] == []


def test_the_configuration_cannot_be_changed_afterwards(tmp_path):
    with pytest.raises(ValidationError):
        load_config({}, tmp_path).port = 1  # type: ignore[misc]
