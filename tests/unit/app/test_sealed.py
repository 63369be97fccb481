"""The master key can be changed while secrets are stored, and none is lost."""

from pathlib import Path

from pydantic import SecretStr

from hub.app.offline import describe_database, open_database, verify_trail
from hub.app.sealed import rotate_master_key, seal_status
from hub.audit import SYSTEM, seal
from hub.clock import utc_now
from hub.config import HubConfig, load_config
from hub.config.secrets import SecretBox
from hub.runtime.instances import Instances
from hub.runtime.loader import Found, Scan
from hub.runtime.plugins import Plugins
from hub.sdk import Health, HealthState, Kind, Plugin, PluginInfo, PluginSettings, setting


class _Settings(PluginSettings):
    password: SecretStr = setting("Password", "To come in.")


class _Box(Plugin[_Settings]):
    info = PluginInfo(name="box", kind=Kind.SOURCE, title="Box", summary="A box.", settings=_Settings)

    def check(self) -> Health:
        return Health(HealthState.OK)


def _plugins() -> Plugins:
    return Plugins({Kind.SOURCE: Scan(found={"box": Found(_Box, "test", "1")})})


def _hub(tmp_path: Path) -> HubConfig:
    config = load_config({}, tmp_path / "data")
    config.make_folders()
    return config


def test_a_new_master_key_seals_every_secret_and_the_old_one_goes(tmp_path: Path) -> None:
    config = _hub(tmp_path)
    db = open_database(config)
    db.upgrade()
    old_key = config.secrets_key_file
    instances = Instances(db, SecretBox.open(config), _plugins())
    made = instances.create(Kind.SOURCE, "box", "Box 1", {"password": "open sesame"}, SYSTEM)
    before = old_key.read_bytes()
    assert rotate_master_key(config) == (1, 0)
    assert old_key.read_bytes() != before
    assert seal_status(config) == {"current": 1, "older": 0, "lost": 0}
    settings = Instances(db, SecretBox.open(config), _plugins()).settings_of(made.id)
    assert isinstance(settings, _Settings)
    assert settings.password.get_secret_value() == "open sesame"
    db.close()


def test_a_lost_master_key_is_said_and_not_hidden(tmp_path: Path) -> None:
    config = _hub(tmp_path)
    db = open_database(config)
    db.upgrade()
    Instances(db, SecretBox.open(config), _plugins()).create(Kind.SOURCE, "box", "Box", {"password": "x"}, SYSTEM)
    config.secrets_key_file.unlink()
    assert seal_status(config) == {"current": 0, "older": 0, "lost": 1}
    db.close()


def test_the_command_line_describes_the_catalog_and_proves_its_trail(tmp_path: Path) -> None:
    config = _hub(tmp_path)
    db = open_database(config)
    db.upgrade()
    Instances(db, SecretBox.open(config), _plugins()).create(Kind.SOURCE, "box", "Box", {"password": "x"}, SYSTEM)
    seal(db, utc_now())
    db.close()
    facts = describe_database(config)
    assert facts["up_to_date"]
    assert facts["audit_lines"] == 1
    intact, found = verify_trail(config)
    assert intact
    assert found["lines"] == 1
