"""IP Office keeps the source's contract."""

from pathlib import Path
from typing import Any

import pytest

from hub.testing import SourceConformance
from hub.testing.tones import tone, write_wav
from plugins.ipoffice.plugin import IPOffice


class TestIPOffice(SourceConformance):
    plugin = IPOffice

    @pytest.fixture
    def settings(self, tmp_path: Path) -> dict[str, Any]:
        (folder := tmp_path / "VRL").mkdir()
        return {"folder": str(folder), "settle_age_s": 0.5, "poll_s": 0.5}

    def offer(self, number: int, tmp_path: Path) -> None:
        made = tmp_path / f"call-{number}.wav"
        write_wav(made, [tone(200.0 * number, 1.0)])
        made.rename(tmp_path / "VRL" / made.name)
