"""What a worker must know for as long as calls last, kept in a file for the one that follows it."""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path


class Brief:
    """Open ports and covered endpoints as they were told, read at the start. has_changed: it is to be written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.has_changed = False
        self.openings: dict[int, tuple[str, Sequence[str]]] = {}
        self.covered: dict[str, int] = {}
        with suppress(OSError, ValueError, KeyError, TypeError):
            known = json.loads(path.read_text())
            self.openings = {int(port): (address, peers) for port, (address, peers) in known["open"].items()}
            self.covered = dict(known["covered"])

    def open(self, port: int, address: str, peers: Sequence[str]) -> None:
        """A port was opened to hosts."""
        self.openings[port] = (address, peers)
        self.has_changed = True

    def shut(self, port: int) -> None:
        """It was shut."""
        self.has_changed |= self.openings.pop(port, None) is not None

    def keep_only(self, ports: Iterable[int]) -> None:
        """All others were shut."""
        for port in self.openings.keys() - set(ports):
            self.shut(port)

    def cover(self, places: Iterable[str], at_ns: int) -> None:
        """Endpoints were covered."""
        self.covered |= {place: at_ns for place in places if place not in self.covered}
        self.has_changed = True

    def uncover(self, places: Iterable[str]) -> None:
        """They are not any more."""
        for place in places:
            self.covered.pop(place, None)
        self.has_changed = True

    def take_text(self) -> str:
        """What is to be written now."""
        self.has_changed = False
        return json.dumps({"open": self.openings, "covered": self.covered})

    def write(self, text: str) -> None:
        """Keep a text, from any thread. Raises: OSError."""
        fresh = self._path.with_suffix(".new-brief")
        fresh.write_text(text)
        fresh.rename(self._path)
