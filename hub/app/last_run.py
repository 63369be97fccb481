"""Whether the hub was shut down before it started: a mark in the data folder that an orderly end takes away."""

from hub.config import HubConfig
from hub.config.paths import make_folder

_MARK = "running"


def begin(config: HubConfig) -> bool:
    """Leave the mark.

    Returns: whether the last run left its own, because it crashed, was killed or lost its power.
    """
    make_folder(config.run)
    mark = config.run / _MARK
    left = mark.exists()
    mark.touch(mode=0o600)
    return left


def end(config: HubConfig) -> None:
    """Take the mark away."""
    (config.run / _MARK).unlink(missing_ok=True)
