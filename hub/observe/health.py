"""Readiness: whether the parts that the hub needs answer, each within its own time."""

import shutil
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hub.errors import HubError


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing to try: `run` returns if it works and raises if not."""

    name: str
    run: Callable[[], object]
    deadline_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one probe; `text` is for people and names no secret."""

    name: str
    ok: bool
    text: str = ""


@dataclass(slots=True)
class _Attempt:
    """A probe under way, in a thread that is left behind if it hangs."""

    started_s: float
    finding: list[Finding] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)


class Readiness:
    """Tries all probes at once; one that hangs is not started a second time."""

    def __init__(self, probes: Sequence[Probe]) -> None:
        self._probes = tuple(probes)
        self._under_way: dict[str, _Attempt] = {}
        self._lock = threading.Lock()

    def examine(self) -> tuple[Finding, ...]:
        """Every probe's finding, within the longest deadline."""
        begun_s = time.monotonic()
        attempts = [(probe, self._start(probe)) for probe in self._probes]
        findings = []
        for probe, attempt in attempts:
            if attempt.done.wait(max(begun_s + probe.deadline_s - time.monotonic(), 0)):
                findings.append(attempt.finding[0])
            else:
                waited_s = time.monotonic() - attempt.started_s
                findings.append(Finding(probe.name, ok=False, text=f"No answer for {waited_s:.1f} s."))
        return tuple(findings)

    def _start(self, probe: Probe) -> _Attempt:
        with self._lock:
            running = self._under_way.get(probe.name)
            if running is not None:
                return running
            attempt = self._under_way[probe.name] = _Attempt(time.monotonic())
        threading.Thread(target=self._try, args=(probe, attempt), name=f"probe {probe.name}", daemon=True).start()
        return attempt

    def _try(self, probe: Probe, attempt: _Attempt) -> None:
        try:
            probe.run()
            finding = Finding(probe.name, ok=True)
        except HubError as exc:
            finding = Finding(probe.name, ok=False, text=f"{exc} {exc.hint}".strip())
        except Exception as exc:  # noqa: BLE001 - whatever a probe raises means that it failed
            finding = Finding(probe.name, ok=False, text=f"It failed with {type(exc).__name__}; the log has more.")
        with self._lock:
            self._under_way.pop(probe.name, None)
        attempt.finding.append(finding)
        attempt.done.set()


def enough_space(folder: Path, least_bytes: int) -> Callable[[], None]:
    """A probe's `run` that wants `least_bytes` free where `folder` lies."""

    def run() -> None:
        free_bytes = shutil.disk_usage(folder).free
        if free_bytes < least_bytes:
            raise HubError(
                f"{folder} has {free_bytes // 1_000_000} MB free, and needs {least_bytes // 1_000_000} MB.",
                hint="Free some space or move the data folder to a larger disk.",
            )

    return run
