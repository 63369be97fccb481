"""Captures and messages that others made: they lie beside the project, never in it."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "shared" / "data"


def shared(name: str) -> Path:
    """The file or folder `name`, such as "pcaps/enc_vlan.pcap"; without the data the test is skipped."""
    if not FOLDER.is_dir():
        pytest.skip(f"the shared captures and messages are not at {FOLDER}")
    return FOLDER / name
