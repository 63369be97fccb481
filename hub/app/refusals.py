"""Plug-ins that were refused, as alarms: what is missing is said where people look."""

from hub.alerts.board import HUB, Board
from hub.alerts.codes.devices import PLUGIN_REFUSED
from hub.runtime.plugins import Plugins

_PREFIX = "plugin."


def announce_refusals(plugins: Plugins, board: Board) -> None:
    """Raise an alarm for each refused plug-in, and clear those that are refused no more.

    Raises: DatabaseAway.
    """
    refused = {
        f"{_PREFIX}{kind.value}.{each.name}.{each.distribution}": each
        for kind, scan in plugins.scans().items()
        for each in scan.refused
    }
    for key, each in refused.items():
        alarm = PLUGIN_REFUSED.alarm(key, plugin=each.name, distribution=each.distribution, reason=each.reason)
        board.raise_alarm(HUB, alarm)
    for shown in board.list_open(HUB):
        if shown.key.startswith(_PREFIX) and shown.key not in refused:
            board.clear(HUB, shown.key)
