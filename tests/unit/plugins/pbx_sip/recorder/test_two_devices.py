"""Two recorders of one hub that want the same port."""

import socket
from dataclasses import replace
from typing import Any

from hub.audit.actor import SYSTEM
from hub.config import HubConfig
from hub.db.database import Database
from hub.sdk import Kind
from tests.doubles.supervision import QUICK, Supervised, wait_until

PATIENT = replace(QUICK, start_s=300.0, late_s=300.0, lost_s=300.0, check_s=60.0, stop_s=30.0)
"""A device is silent for long while the machine that runs the tests is busy; that is no death."""


def free_port() -> int:
    """A port that nobody has now, over UDP and TCP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
        udp.bind(("127.0.0.1", 0))
        tcp.bind(udp.getsockname())
        return int(udp.getsockname()[1])


def test_the_second_says_which_device_has_its_port(tmp_data: HubConfig, sqlite_db: Database) -> None:
    hub = Supervised(tmp_data, sqlite_db, PATIENT)
    settings: dict[str, Any] = {
        "address": "127.0.0.1",
        "ports": [str(free_port())],
        "allowed_peers": ["127.0.0.0/8"],
        "rtp_first": 21_000,
        "rtp_last": 21_099,
    }
    with hub.running():
        first = hub.instances.create(Kind.SOURCE, "sip_recorder", "Head office", settings, SYSTEM).id
        hub.reload(first)
        hub.wait_for(first, "ok")
        other = settings | {"rtp_first": 21_100, "rtp_last": 21_199}
        second = hub.instances.create(Kind.SOURCE, "sip_recorder", "Branch", other, SYSTEM).id
        hub.reload(second)
        health = hub.wait_for(second, "needs_settings")
        assert "it is in use by the device 'Head office' of this hub" in health.summary
        assert "ports" in health.field_errors
        wait_until(lambda: hub.open_alarms() == ["DEVICE_SETTINGS"])
