"""What plug-ins keep sealed: opens for its instance, for nobody else, and after the master key was changed."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.app.sealed import rotate_master_key
from hub.config.secrets import SecretBox
from hub.db.database import Database
from hub.runtime.plugin_seals import UNSAVED, PluginSeals
from hub.sdk import SettingsError
from tests.doubles import plugins, switchboard
from tests.doubles.supervision import Supervised, wait_until


@pytest.fixture
def seals(tmp_data):
    tmp_data.make_folders()
    return PluginSeals(SecretBox.open(tmp_data), tmp_data.state)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.binary(max_size=300))
def test_any_bytes_come_back(seals, plain):
    assert seals.unseal(1, seals.seal(1, plain)) == plain


def test_the_plain_bytes_do_not_lie_on_the_disk(seals, tmp_data):
    seals.seal(1, b"x")
    assert [path.name for path in tmp_data.state.iterdir()] == ["1.seal"]
    assert (tmp_data.state / "1.seal").stat().st_mode & 0o077 == 0


def test_another_instance_cannot_open_it(seals):
    sealed = seals.seal(1, b"secret")
    seals.seal(2, b"")
    with pytest.raises(SettingsError, match="by another instance"):
        seals.unseal(2, sealed)


@pytest.mark.parametrize("change", [lambda text: text[:-2] + "AA", lambda text: "", lambda text: "1.a.b.c\x00é"])
def test_what_was_changed_does_not_open(seals, change):
    sealed = seals.seal(1, b"secret")
    with pytest.raises(SettingsError):
        seals.unseal(1, change(sealed))


def test_a_lost_key_says_so_and_is_not_made_anew_in_silence(seals, tmp_data):
    sealed = seals.seal(1, b"secret")
    (tmp_data.state / "1.seal").unlink()
    with pytest.raises(SettingsError, match="It is lost") as caught:
        PluginSeals(SecretBox.open(tmp_data), tmp_data.state).unseal(1, sealed)
    assert "backup" in caught.value.hint


def test_a_missing_master_key_says_so(seals, tmp_data):
    sealed = seals.seal(1, b"secret")
    tmp_data.secrets_key_file.unlink()
    fresh = PluginSeals(SecretBox.open(tmp_data), tmp_data.state)
    for ask in (lambda: fresh.unseal(1, sealed), lambda: fresh.seal(1, b"more")):
        with pytest.raises(SettingsError, match="not at hand"):
            ask()


def test_it_opens_after_the_master_key_was_changed_and_the_old_one_forgotten(seals, tmp_data):
    sealed = seals.seal(1, b"secret")
    database = Database(tmp_data.database_url)
    database.upgrade()
    database.close()
    assert rotate_master_key(tmp_data) == (0, 0)
    assert len(SecretBox.open(tmp_data).key_names) == 1
    assert seals.unseal(1, sealed) == b"secret"
    assert PluginSeals(SecretBox.open(tmp_data), tmp_data.state).unseal(1, sealed) == b"secret"


def test_a_key_under_an_older_master_key_is_sealed_anew_when_it_is_used(seals, tmp_data):
    sealed = seals.seal(1, b"secret")
    rotated = SecretBox.open(tmp_data).rotate()
    assert PluginSeals(rotated, tmp_data.state).unseal(1, sealed) == b"secret"
    assert rotated.is_current((tmp_data.state / "1.seal").read_text())


def test_two_processes_that_begin_at_once_have_one_key(seals, tmp_data):
    other = PluginSeals(SecretBox.open(tmp_data), tmp_data.state)
    assert other.unseal(1, seals.seal(1, b"a")) == b"a"
    assert seals.unseal(1, other.seal(1, b"b")) == b"b"


def test_an_instance_that_is_not_saved_leaves_no_key_behind(seals, tmp_data):
    assert seals.unseal(UNSAVED, seals.seal(UNSAVED, b"a")) == b"a"
    assert list(tmp_data.state.iterdir()) == []


def test_a_source_opens_in_its_next_life_what_it_sealed_while_the_database_is_away(tmp_path, tmp_data, sqlite_db):
    with plugins.on_path(tmp_path / "site") as site:
        switchboard.install(site)
        hub = Supervised(tmp_data, sqlite_db)
        (folder := tmp_path / "board").mkdir()
        device = hub.add("switchboard", folder=str(folder))
        with hub.running():
            hub.wait_for(device, "ok")
            model = hub.instances.settings_of(device)
            told = hub.commands.check(hub.device(device).kind, "switchboard", model, device, deadline_s=20)
            assert told.summary == "the key of the journal"
        sqlite_db.path.rename(tmp_path / "away")
        sqlite_db.close()
        with hub.running():
            wait_until((folder / "unsealed").exists)
        assert (folder / "unsealed").read_bytes() == b"the key of the journal"
