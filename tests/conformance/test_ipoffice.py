"""The IP Office plug-in keeps the contract of a source, by folder and by SFTP."""

import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from hub.sdk import PluginError, SettingsError
from hub.testing import SourceConformance
from plugins.ipoffice.landing import hostkey
from plugins.ipoffice.plugin import IPOffice
from tests.doubles import vrl_files


class IPOfficeConformance(SourceConformance):
    plugin = IPOffice

    def wrong_settings(self, tmp_path: Path) -> Iterable[tuple[dict[str, Any], type[PluginError]]]:
        yield {"folder": str(tmp_path / "none")}, SettingsError


class TestIPOfficeThatMovesFiles(IPOfficeConformance):
    @pytest.fixture
    def settings(self, tmp_path: Path) -> dict[str, Any]:
        (tmp_path / "vrl").mkdir()
        return {"folder": str(tmp_path / "vrl"), "settle_age_s": 0.5}

    def offer(self, number: int, tmp_path: Path) -> None:
        path = tmp_path / "part"
        path.write_bytes(vrl_files.wave(bytes([number]) * 800))
        path.rename(tmp_path / "vrl" / f"call {number}.wav")


class TestIPOfficeThatLeavesFiles(TestIPOfficeThatMovesFiles):
    @pytest.fixture
    def settings(self, tmp_path: Path) -> dict[str, Any]:
        (tmp_path / "vrl").mkdir()
        folder = str(tmp_path / "vrl")
        return {"folder": folder, "after_pickup": "leave", "observer": "polling", "poll_s": 0.5, "settle_age_s": 0.5}


class TestIPOfficeThatIsPushedTo(IPOfficeConformance):
    @pytest.fixture
    def settings(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        monkeypatch.setattr(hostkey, "KINDS", {"ssh-ed25519": {}})  # making an RSA key takes a while
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        sender = {"name": "Vienna", "login": "wien", "password": "geheim-123"}
        landing = {"landing_address": "127.0.0.1", "landing_port": port, "senders": [sender]}
        return {"topology": "push", **landing, "settle_age_s": 0.5}

    def offer(self, number: int, tmp_path: Path) -> None:
        landing = tmp_path / "hub" / "scratch" / "landing" / "wien"
        landing.mkdir(parents=True, exist_ok=True)
        path = tmp_path / "hub" / "part"
        path.write_bytes(vrl_files.wave(bytes([number]) * 800))
        path.rename(landing / f"call {number}.wav")
