"""SIP capture keeps the contract of a source."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from hub.sdk import PluginError, SettingsError
from hub.testing import SourceConformance
from plugins.pbx_sip.plugin import SipCapture
from tests.doubles.capture_file import WireCall, write_capture


class TestSipCapture(SourceConformance):
    plugin = SipCapture

    @pytest.fixture
    def settings(self, tmp_path: Path) -> dict[str, Any]:
        (tmp_path / "captures").mkdir()
        return {"folder": str(tmp_path / "captures"), "settle_age_s": 0.2}

    def wrong_settings(self, tmp_path: Path) -> Iterable[tuple[dict[str, Any], type[PluginError]]]:
        yield {"folder": str(tmp_path / "none")}, SettingsError

    def offer(self, number: int, tmp_path: Path) -> None:
        call = WireCall(call_id=f"call-{number}@pbx", said=bytes([0x10 + number]) * 1600, port=20000 + 2 * number)
        write_capture(tmp_path / "captures" / f"capture {number}.pcap", call)
