"""The contract that plug-ins are written against."""

import subprocess
import sys
from datetime import timedelta

import pytest
from pydantic import SecretStr, ValidationError

import hub.sdk
from hub.sdk import (
    API_VERSION,
    ApiVersion,
    AuthError,
    BadRecording,
    Connector,
    Health,
    HealthState,
    Migrator,
    NotFound,
    Notifier,
    Plugin,
    PluginError,
    PluginSettings,
    RetryLater,
    SettingsError,
    Source,
    is_secret,
    setting,
)


@pytest.mark.parametrize(
    ("plugin", "accepted"),
    [
        (API_VERSION, True),
        (ApiVersion(API_VERSION.major, API_VERSION.minor + 1), False),
        (ApiVersion(API_VERSION.major + 1, 0), False),
        (ApiVersion(API_VERSION.major - 1, 0), False),
    ],
)
def test_a_plug_in_of_the_same_major_and_no_newer_minor_is_accepted(plugin, accepted):
    assert API_VERSION.accepts(plugin) is accepted


@pytest.mark.parametrize("contract", [Source, Connector, Migrator, Notifier])
def test_a_contract_asks_for_at_most_five_methods(contract):
    assert issubclass(contract, Plugin)
    assert len(contract.__abstractmethods__) <= 5
    with pytest.raises(TypeError, match="abstract"):
        contract(PluginSettings(), None)


@pytest.mark.parametrize("error", [SettingsError, AuthError, RetryLater, BadRecording, NotFound])
def test_every_error_carries_a_hint_for_people(error):
    raised = error("What happened.", hint="What to do.")
    assert isinstance(raised, PluginError)
    assert (str(raised), raised.hint) == ("What happened.", "What to do.")
    assert error("Only what happened.").hint == ""


def test_errors_say_where_and_when():
    assert SettingsError("Wrong.", field="folder").field == "folder"
    assert RetryLater("Away.", after=timedelta(seconds=5)).after == timedelta(seconds=5)


class Settings(PluginSettings):
    password: SecretStr = setting("Password", "P.", default=SecretStr(""))
    token: SecretStr | None = setting("Token", "T.", default=None)
    port: int = setting("Port", "P.", default=1, ge=1)


def test_secrets_are_told_from_other_settings():
    secret = {name for name, field in Settings.model_fields.items() if is_secret(field)}
    assert secret == {"password", "token"}


def test_settings_are_frozen_and_refuse_what_they_do_not_know():
    with pytest.raises(ValidationError):
        Settings(prot=1)
    with pytest.raises(ValidationError):
        Settings().port = 2
    with pytest.raises(ValidationError):
        Settings(port=0)


def test_a_health_report_needs_nothing_but_its_lamp():
    assert Health(HealthState.OK) == Health(HealthState.OK, "", "", {}, ())


def test_all_that_is_offered_is_there():
    assert [name for name in hub.sdk.__all__ if not hasattr(hub.sdk, name)] == []
    constants = [name for name in hub.sdk.__all__ if name.isupper()]
    assert hub.sdk.__all__ == [*sorted(constants), *sorted(set(hub.sdk.__all__) - set(constants))]


def test_the_sdk_stands_alone():
    code = "import sys, hub.sdk; print(' '.join(name for name in sys.modules if name.startswith('hub.')))"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert [name for name in done.stdout.split() if not name.startswith("hub.sdk")] == []
