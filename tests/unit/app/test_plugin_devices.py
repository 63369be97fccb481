"""A plug-in's own command is told of the devices that people have set up."""

from pathlib import Path

import pytest

from hub.app.offline import open_database
from hub.app.plugin_devices import find_devices
from hub.audit import SYSTEM
from hub.config import load_config
from hub.config.secrets import SecretBox
from hub.runtime.instances import Instances
from hub.runtime.plugins import Plugins
from hub.runtime.state import KeyedState
from hub.sdk import Kind
from plugins.pbx_sip.settings import SipCaptureSettings


@pytest.fixture
def data(tmp_path: Path) -> Path:
    config = load_config({}, tmp_path / "data")
    config.make_folders()
    database = open_database(config)
    database.upgrade()
    instances = Instances(database, SecretBox.open(config), Plugins())
    for name, enabled in (("Head office", True), ("Old one", False)):
        settings = SipCaptureSettings(folder=tmp_path / name)
        made = instances.create(Kind.SOURCE, "pbx_sip", name, settings, SYSTEM, enabled=enabled)
        if enabled:
            KeyedState(config.state / f"{made.id}.sqlite3").put("capture:one.pcap", [1, 2, False])
    database.close()
    return config.data


def test_enabled_devices_are_given_with_their_settings_and_memory(data: Path) -> None:
    [device] = find_devices("pbx_sip", data)
    assert (device.name, device.is_running) == ("Head office", False)
    assert isinstance(device.settings, SipCaptureSettings)
    assert device.settings.folder == data.parent / "Head office"
    assert device.recall("capture:one.pcap") == [1, 2, False]
    assert device.recall("capture:other.pcap") is None


def test_other_plug_ins_have_no_part_in_it(data: Path) -> None:
    assert find_devices("ipoffice", data) == []


def test_where_no_hub_was_ever_there_is_no_device(tmp_path: Path) -> None:
    assert find_devices("pbx_sip", tmp_path / "nothing") == []
    assert not (tmp_path / "nothing").exists()
