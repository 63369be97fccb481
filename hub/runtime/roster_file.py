"""What the supervisor keeps on disk: the last known roster, and the lock that makes it the only one."""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog

from hub.errors import HubError

_log = structlog.get_logger(__name__)


class SupervisorRunning(HubError):
    """Another supervisor works on the same data folder."""


class RosterFile:
    """Enabled instances as the database last had them, secrets sealed, for a start while the database is away."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, sealed: Sequence[dict[str, Any]]) -> None:
        """Keep them; a disk that refuses is no reason to stop."""
        try:
            keep_json(self._path, list(sealed))
        except OSError as exc:
            _log.warning("roster.not_kept", reason=str(exc))

    def read(self) -> list[dict[str, Any]] | None:
        """What was kept, None if nothing usable is there."""
        try:
            sealed = json.loads(self._path.read_text(encoding="utf-8"))
            return [{**values, "id": values["id"], "revision": values["revision"]} for values in sealed]
        except (OSError, ValueError, KeyError, TypeError):
            return None


def keep_json(path: Path, value: Any) -> None:
    """Put a JSON value into a file for the hub's own user, whole or not at all.

    Raises: OSError.
    """
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(value, file)
    fresh.replace(path)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a data folder.

    Raises: SupervisorRunning if another process has it.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            text = f"A hub runs on {path.parent.parent} already (process {file.read().strip() or 'unknown'})."
            raise SupervisorRunning(text, hint="Stop it first, or name another data folder.") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
