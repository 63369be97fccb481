"""Devices that are switched off or deleted say good-bye; those that will be back do not."""

import pytest

from hub.audit.actor import SYSTEM
from tests.doubles.supervision import is_gone, wait_until

pytestmark = pytest.mark.usefixtures("zoo")


@pytest.mark.parametrize("way", ["switched off", "deleted"])
def test_a_device_that_stops_for_good_says_good_bye_before_it_ends(hub, tmp_path, way):
    device = hub.add("polite", folder=str(tmp_path))
    with hub.running():
        hub.wait_for(device, "ok")
        pid = hub.pid(device)
        if way == "deleted":
            hub.instances.delete(device, SYSTEM)
        else:
            hub.instances.change(device, 1, SYSTEM, enabled=False)
        hub.reload(device)
        wait_until(lambda: is_gone(pid))
    assert (tmp_path / "stopped").read_text() == "began\nwound up\nstopped\n"


def test_a_device_that_will_be_back_does_not_say_good_bye(hub, tmp_path):
    device = hub.add("polite", folder=str(tmp_path))
    with hub.running():
        hub.wait_for(device, "ok")
        wait_until((tmp_path / "stopped").exists)
        for act in (
            lambda: hub.commands.restart(device, deadline_s=30),
            lambda: hub.instances.change(device, 1, SYSTEM, settings={"folder": str(tmp_path), "pause_s": 1}),
        ):
            first = hub.pid(device)
            act()
            hub.reload(device)
            wait_until(lambda first=first: hub.pid(device) != first)
            wait_until(lambda: (tmp_path / "stopped").read_text().endswith("began\n"))
    assert (tmp_path / "stopped").read_text() == "began\nstopped\n" * 3
