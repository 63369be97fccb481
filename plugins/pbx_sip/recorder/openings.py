"""Ports that capture workers were told to open, until each of them has done so."""

import asyncio
from collections.abc import Callable, Iterable

_PATIENCE_S = 0.03


class Openings:
    """Holds up what needs open ports, though never for long: a worker that is away must not hold up calls."""

    def __init__(self) -> None:
        self._missing: dict[int, set[int]] = {}
        self._waiting: list[tuple[frozenset[int], Callable[[], None]]] = []

    def ask(self, port: int, workers: Iterable[int]) -> None:
        """Workers were told to open a port."""
        self._missing[port] = set(workers)

    def note(self, port: int, worker: int) -> None:
        """A worker has opened a port."""
        missing = self._missing.get(port, set())
        missing.discard(worker)
        if not missing:
            self.forget(port)

    def forget(self, port: int) -> None:
        """A port is open, or nobody needs it any more."""
        if self._missing.pop(port, None) is not None:
            for waiting in [each for each in self._waiting if self._missing.keys().isdisjoint(each[0])]:
                self._act(waiting)

    def when_open(self, ports: Iterable[int], act: Callable[[], None]) -> None:
        """Act once, when all of the ports are open or have taken too long."""
        waiting = frozenset(ports), act
        if self._missing.keys().isdisjoint(waiting[0]):
            act()
            return
        self._waiting.append(waiting)
        asyncio.get_running_loop().call_later(_PATIENCE_S, self._act, waiting)

    def _act(self, waiting: tuple[frozenset[int], Callable[[], None]]) -> None:
        if waiting in self._waiting:
            self._waiting.remove(waiting)
            waiting[1]()
