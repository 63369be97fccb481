"""Where the hub keeps its data on this machine."""

import hashlib
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

import hub
from hub.config.errors import ConfigError

SYSTEM_DATA = Path("/var/lib/recording-hub")
_SOCKET_PATH_LIMIT_BYTES = 100  # of the 107 that a Unix socket address holds, less some for a neighbour's suffix


def checkout() -> Path | None:
    """The folder of the source tree that the hub runs from, None where it is installed."""
    root = Path(hub.__file__).resolve().parents[1]
    return root if (root / "pyproject.toml").is_file() else None


def default_data_folder(environ: Mapping[str, str]) -> Path:
    """`var` in a checkout, /var/lib/recording-hub for root or where it exists, else the user's own data folder."""
    root = checkout()
    if root is not None:
        return root / "var"
    if os.geteuid() == 0 or SYSTEM_DATA.is_dir():
        return SYSTEM_DATA
    home = environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(home) / "recording-hub"


def command_socket(data: Path) -> Path:
    """The supervisor's socket: in the data folder, or in the temporary folder where that name is too long."""
    wanted = data / "run" / "command.sock"
    if len(os.fsencode(wanted)) <= _SOCKET_PATH_LIMIT_BYTES:
        return wanted
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"recording-hub-{os.geteuid()}-{name}" / "command.sock"


def make_folder(folder: Path) -> None:
    """Make `folder` for the hub's user alone; one that exists keeps its mode.

    Raises: ConfigError where it cannot be made or written to.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise ConfigError(
            f"The data folder {folder} cannot be made: {exc.strerror}.",
            key="data",
            hint="Name another one in RECORDING_HUB_DATA, or make it and give it to the user that runs the hub.",
        ) from exc
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError(
            f"The data folder {folder} cannot be written to.",
            key="data",
            hint=f"Give it to the user that runs the hub: chown -R {os.geteuid()} {folder}",
        )


def make_socket_folder(socket: Path) -> None:
    """Make the folder of `command_socket`; in the temporary folder it must be the hub's own and closed to others.

    Raises: ConfigError.
    """
    folder = socket.parent
    make_folder(folder)
    found = folder.stat()
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o022:
        raise ConfigError(
            f"{folder} belongs to somebody else or can be written to by others.", hint=f"Remove it: rm -r {folder}"
        )
