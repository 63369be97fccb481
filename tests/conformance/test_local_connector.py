"""The local folder keeps the connector's contract."""

from pathlib import Path
from typing import Any

import pytest

from hub.testing import ConnectorConformance
from plugins.connectors.local.plugin import LocalFolder


class TestLocalFolder(ConnectorConformance):
    plugin = LocalFolder

    @pytest.fixture
    def settings(self, tmp_path: Path) -> dict[str, Any]:
        (folder := tmp_path / "storage").mkdir()
        return {"folder": str(folder)}
