"""A file of TLS keys to which others append while connections go on."""

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from plugins.pbx_sip.tls.key_log import KeyLog

_LOOK_S = 0.05
_KEYS_BYTES_MAX = 16 << 20


class GrowingKeyLog(KeyLog):
    """Looks into its file when it is asked for secrets: the ends write them down just before they use them."""

    def __init__(self, path: str) -> None:
        """path: of the file, which may come later; "" for none."""
        super().__init__()
        self._path = Path(path) if path else None
        self._read_bytes = 0
        self._look_at_s = 0.0
        self._look()

    def secrets(self, client_random: bytes) -> Mapping[str, bytes]:
        """By label, the secrets of the connection whose client began it with this random."""
        self._look()
        return super().secrets(client_random)

    def take_unread_suites(self) -> list[int]:
        """The numbers of cipher suites that kept connections from being read since this was asked last."""
        found = sorted(self.unread_suites)
        self.unread_suites.clear()
        return found

    def _look(self) -> None:
        if self._path is not None and time.monotonic() >= self._look_at_s:
            self._look_at_s = time.monotonic() + _LOOK_S
            with suppress(OSError):
                self._read_on(self._path)

    def _read_on(self, path: Path) -> None:
        """Learn what was appended; a file that became shorter was begun anew. Raises: OSError."""
        with path.open("rb") as file:
            if path.stat().st_size < self._read_bytes:
                self._read_bytes = 0
            file.seek(self._read_bytes)
            lines = file.read(_KEYS_BYTES_MAX).rpartition(b"\n")
        learned = lines[0] + lines[1]
        self._read_bytes += len(learned)
        self.learn(learned.decode("ascii", "replace"))
