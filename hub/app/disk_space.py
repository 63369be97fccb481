"""The room on the disks that hold spool and catalog: said before it runs out."""

import shutil
from pathlib import Path

from hub.alerts.board import HUB, Board
from hub.alerts.codes.files import DISK_SPACE_LOW, DISK_SPACE_UNKNOWN
from hub.config import HubConfig

_LEAST_SHARE = 0.05
_LEAST_BYTES = 1 << 30
_GB = 1e9


class DiskSpace:
    """Compares the free room with what should be left: 5 % of the disk, or 1 GiB if that is less."""

    def __init__(self, config: HubConfig, board: Board) -> None:
        self._folders = {"disk": config.data, "disk.spool": config.spool / "ready"}
        self._board = board

    def look(self) -> None:
        """Raise what is wrong and clear what is right again; a disk that holds both is told of once."""
        seen: set[int] = set()
        for key, folder in self._folders.items():
            try:
                room, disk = shutil.disk_usage(folder), folder.stat().st_dev
            except OSError as exc:
                reason = exc.strerror or str(exc)
                self._board.raise_soon(HUB, DISK_SPACE_UNKNOWN.alarm(f"{key}.unknown", folder=folder, reason=reason))
                return
            self._board.clear_soon(HUB, f"{key}.unknown")
            wanted_bytes = min(int(room.total * _LEAST_SHARE), _LEAST_BYTES)
            if room.free < wanted_bytes and disk not in seen:
                self._tell_low(key, folder, wanted_bytes - room.free)
            else:
                self._board.clear_soon(HUB, f"{key}.low")
            seen.add(disk)

    def _tell_low(self, key: str, folder: Path, missing_bytes: int) -> None:
        needed_gb = f"{missing_bytes / _GB:.1f}"
        self._board.raise_soon(HUB, DISK_SPACE_LOW.alarm(f"{key}.low", folder=folder, needed_gb=needed_gb))
