"""What Prometheus reads: counts and timings of every process, and gauges read from the catalog at that moment.

Processes of one hub share their counts through memory-mapped files: the supervisor calls `shared_folder` before it
starts them and gives them its result as environment, and whichever serves /metrics adds all up.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_LATEST
_MEMORY, _PREFIX = Path("/dev/shm"), "recording-hub-"  # noqa: S108 - made anew, for its owner alone
_SHARED = "PROMETHEUS_MULTIPROC_DIR"
_REGISTRY = CollectorRegistry()
if place := os.environ.get(_SHARED):  # without it no process could count, and none would begin
    with suppress(OSError):
        Path(place).mkdir(mode=0o700, exist_ok=True)
_PAGE_S = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
_WORK_S = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100)

REQUEST_SECONDS = Histogram(
    "recording_hub_http_request_seconds",
    "Time to answer a request, by route pattern and status.",
    ["route", "method", "status"],
    buckets=_PAGE_S,
    registry=_REGISTRY,
)
RECORDINGS = Counter(
    "recording_hub_recordings",
    "Recordings committed to the catalog; outcome is new, duplicate or merged.",
    ["instance", "outcome"],
    registry=_REGISTRY,
)
RECORDED_BYTES = Counter("recording_hub_recorded_bytes", "Original media taken in.", ["instance"], registry=_REGISTRY)
QUARANTINED = Counter(
    "recording_hub_quarantined", "Items put into quarantine, by reason.", ["instance", "reason"], registry=_REGISTRY
)
ROOM_SECONDS = Histogram(
    "recording_hub_room_seconds",
    "Time that recordings spend being worked on; room is intake, desk, vault or catalog.",
    ["room"],
    buckets=_WORK_S,
    registry=_REGISTRY,
)
CONNECTOR_SECONDS = Histogram(
    "recording_hub_connector_seconds",
    "Time of calls to storage, by instance, call and result (ok or the error's class).",
    ["instance", "call", "result"],
    buckets=_WORK_S,
    registry=_REGISTRY,
)
PLAYED_BYTES = Counter(
    "recording_hub_played_bytes", "Media sent to listeners; form is play or original.", ["form"], registry=_REGISTRY
)
SIGN_INS = Counter(
    "recording_hub_sign_ins", "Attempts to sign in; result is ok, refused or throttled.", ["result"], registry=_REGISTRY
)
JOBS = Counter(
    "recording_hub_jobs",
    "Background jobs finished; result is done, again or dead.",
    ["kind", "result"],
    registry=_REGISTRY,
)


@dataclass(frozen=True, slots=True)
class Gauge:
    """A value that is true now and is read when asked for; the name carries the unit."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


SPOOL_ITEMS = Gauge("recording_hub_spool_items", "Recordings in the spool on their way to the catalog.")
QUARANTINE_ITEMS = Gauge("recording_hub_quarantine_items", "Items in quarantine.")
FREE_BYTES = Gauge("recording_hub_free_bytes", "Free space on the file system of the data folder.")
OPEN_ALARMS = Gauge("recording_hub_open_alarms", "Open alarms by severity.", ("severity",))
INSTANCE_UP = Gauge(
    "recording_hub_instance_up", "1 where a device or store works, else 0.", ("instance", "kind", "plugin")
)
LAST_RECORDING = Gauge(
    "recording_hub_last_recording_timestamp_seconds", "When a device last brought a recording.", ("instance",)
)
WAITING_JOBS = Gauge("recording_hub_waiting_jobs", "Background jobs that wait or run.", ("kind",))

GAUGES = (
    SPOOL_ITEMS,
    QUARANTINE_ITEMS,
    FREE_BYTES,
    OPEN_ALARMS,
    INSTANCE_UP,
    LAST_RECORDING,
    WAITING_JOBS,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One gauge's value for one set of labels."""

    gauge: Gauge
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


class _Gauges(Collector):
    def __init__(self, read: Callable[[], Iterable[Reading]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        families: dict[str, GaugeMetricFamily] = {}
        for reading in self._read():
            gauge = reading.gauge
            family = families.setdefault(
                gauge.name, GaugeMetricFamily(gauge.name, gauge.help, labels=list(gauge.labels))
            )
            family.add_metric([reading.labels[label] for label in gauge.labels], reading.value)
        yield from families.values()


def shared_folder(folder: Path, memory: Path = _MEMORY) -> dict[str, str]:
    """Make an empty place where the hub's processes are to share their counts; `folder` is or leads to it.

    It is in memory where there is such: a full disk would end by a signal whoever counts on in a file that is mapped.

    Returns: what to add to the environment of each process.
    """
    _remove(folder, memory)
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        place = Path(mkdtemp(prefix=_PREFIX, dir=memory))
    except OSError:
        folder.mkdir(mode=0o700)
        return {_SHARED: str(folder)}
    with suppress(OSError):  # a full disk: who comes next finds no way to it, and removes nothing
        folder.symlink_to(place, target_is_directory=True)
    return {_SHARED: str(place)}


def stop_sharing(folder: Path, shared: Mapping[str, str]) -> None:
    """Remove the place in memory that was made, and the way to it unless it leads to that of the next run by now."""
    place = Path(shared[_SHARED])
    if place == folder:
        return  # the next run empties it
    if folder.is_symlink() and folder.readlink() == place:
        folder.unlink()
    rmtree(place, ignore_errors=True)


def _remove(folder: Path, memory: Path) -> None:
    """Remove what a run of the hub left."""
    if not folder.is_symlink():
        rmtree(folder, ignore_errors=True)
        return
    place = folder.readlink()
    if place.parent == memory and place.name.startswith(_PREFIX):
        rmtree(place, ignore_errors=True)
    folder.unlink()


def exposition(read: Callable[[], Iterable[Reading]] = tuple) -> bytes:
    """All metrics in Prometheus' text form; `read` gives what the gauges say now."""
    shared = bool(os.environ.get(_SHARED))
    registry = CollectorRegistry() if shared else _REGISTRY
    if shared:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    gauges = CollectorRegistry()
    gauges.register(_Gauges(read))
    return generate_latest(registry) + generate_latest(gauges)


def catalogue() -> list[tuple[str, str, str, tuple[str, ...]]]:
    """Every metric as (name, type, help, labels), for the documentation."""
    counted = [
        (
            family.name + ("_total" if family.type == "counter" else ""),
            family.type,
            family.documentation,
            _labels_of(family.name),
        )
        for family in _REGISTRY.collect()
    ]
    return sorted(counted + [(gauge.name, "gauge", gauge.help, gauge.labels) for gauge in GAUGES])


def _labels_of(name: str) -> tuple[str, ...]:
    for item in globals().values():
        if isinstance(item, Counter | Histogram) and item._name == name:  # noqa: SLF001 - the library tells it nowhere else
            return tuple(item._labelnames)  # noqa: SLF001
    raise LookupError(name)
