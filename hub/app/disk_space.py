"""The room on the disk that holds spool and catalog: said before it runs out."""

import shutil

from hub.alerts.board import HUB, Board
from hub.alerts.codes import DISK_SPACE_LOW, DISK_SPACE_UNKNOWN
from hub.config import HubConfig

_LEAST_SHARE = 0.05
_LEAST_BYTES = 1 << 30
_GB = 1e9


class DiskSpace:
    """Compares the free room with what should be left: 5 % of the disk, or 1 GiB if that is less."""

    def __init__(self, config: HubConfig, board: Board) -> None:
        self._folder = config.data
        self._board = board

    def look(self) -> None:
        """Raise what is wrong and clear what is right again."""
        try:
            room = shutil.disk_usage(self._folder)
        except OSError as exc:
            reason = exc.strerror or str(exc)
            self._board.raise_soon(HUB, DISK_SPACE_UNKNOWN.alarm("disk.unknown", folder=self._folder, reason=reason))
            return
        self._board.clear_soon(HUB, "disk.unknown")
        wanted_bytes = min(int(room.total * _LEAST_SHARE), _LEAST_BYTES)
        if room.free < wanted_bytes:
            missing_gb = f"{(wanted_bytes - room.free) / _GB:.1f}"
            self._board.raise_soon(HUB, DISK_SPACE_LOW.alarm("disk.low", folder=self._folder, needed_gb=missing_gb))
        else:
            self._board.clear_soon(HUB, "disk.low")
