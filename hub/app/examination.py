"""`recording-hub check`: is everything in place for this hub to run, and is it well while it runs?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from hub.app.offline import open_database
from hub.catalog import preferences
from hub.config import HubConfig
from hub.config.ownership import check_import_names
from hub.config.secrets import SecretBox
from hub.db.database import Database
from hub.errors import HubError
from hub.observe.health import enough_space
from hub.runtime.commands import CommandClient
from hub.runtime.failure import SupervisorAway
from hub.runtime.instance import InstanceState
from hub.runtime.instances import Instances
from hub.runtime.plugins import Plugins

_LEAST_FREE_BYTES = 256 << 20
_FIRST_START = "The first `recording-hub serve` makes it."
_WELL = {InstanceState.OK, InstanceState.DISABLED, InstanceState.STARTING}


class Grade(StrEnum):
    """How one part is."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing that was looked at; hint: what to do if it is not well."""

    name: str
    grade: Grade
    text: str
    hint: str = ""


def examine(config: HubConfig) -> Iterator[Part]:
    """Look at every part in turn and change nothing."""
    yield _try("installation", "recording-hub alone provides hub and webui.", check_import_names)
    yield _look_at_folder(config)
    yield _look_at_key(config)
    yield from _look_at_plugins()
    if config.database_url.startswith("sqlite") and not (config.data / "catalog.sqlite3").exists():
        yield Part(name="database", grade=Grade.WARNING, text="There is no catalog yet.", hint=_FIRST_START)
        return
    database = open_database(config)
    try:
        found = _try("database", f"{config.database_shown} answers at this version's revision.", database.check)
        yield found
        if found.grade is Grade.OK:
            yield from _look_at_instances(config, database)
    finally:
        database.close()
    yield _look_at_supervisor(config)


def _try(name: str, well: str, work: Callable[[], object]) -> Part:
    try:
        work()
    except HubError as exc:
        return Part(name=name, grade=Grade.FAILED, text=str(exc), hint=exc.hint)
    return Part(name=name, grade=Grade.OK, text=well)


def _look_at_folder(config: HubConfig) -> Part:
    if not config.data.is_dir():
        text = f"{config.data} does not exist yet."
        return Part(name="data folder", grade=Grade.WARNING, text=text, hint=_FIRST_START)
    return _try("data folder", f"{config.data} has room.", enough_space(config.data, _LEAST_FREE_BYTES))


def _look_at_key(config: HubConfig) -> Part:
    if config.secret_key is None and not config.secrets_key_file.exists():
        return Part(name="secrets", grade=Grade.WARNING, text="There is no master key yet.", hint=_FIRST_START)
    return _try("secrets", "The master key opens.", lambda: SecretBox.open(config))


def _look_at_plugins() -> Iterator[Part]:
    scans = Plugins().scans()
    names = sorted(f"{kind}:{name}" for kind, scan in scans.items() for name in scan.found)
    yield Part(name="plug-ins", grade=Grade.OK, text="Loaded: " + ", ".join(names))
    for kind, scan in scans.items():
        for refused in scan.refused:
            text = f"The {kind} {refused.name} of {refused.distribution} was refused: {refused.reason}"
            hint = "Update or remove that package."
            yield Part(name="plug-in", grade=Grade.WARNING, text=text, hint=hint)


def _look_at_instances(config: HubConfig, database: Database) -> Iterator[Part]:
    instances = Instances(database, SecretBox.open(config)).list()
    for instance in instances:
        health = instance.health
        grade = Grade.OK if health.state in _WELL else Grade.WARNING
        text = f"{instance.name} ({instance.plugin}): {health.state}"
        text += f", {health.summary}" if health.summary else ""
        yield Part(name=str(instance.kind), grade=grade, text=text, hint=health.hint)
    with database.read() as session:
        primary = preferences.load(session).primary_store
    if primary not in {instance.id for instance in instances if instance.enabled}:
        hint = "Choose one on the page Storage; a running hub makes one by itself."
        yield Part(name="storage", grade=Grade.WARNING, text="There is no primary storage.", hint=hint)


def _look_at_supervisor(config: HubConfig) -> Part:
    try:
        processes = CommandClient(config.command_socket).status()
    except SupervisorAway:
        hint = "Start it: recording-hub serve"
        return Part(name="hub", grade=Grade.WARNING, text="The hub does not run.", hint=hint)
    down = [process.name for process in processes if process.pid is None]
    if down:
        text = "Not running: " + ", ".join(down)
        return Part(name="hub", grade=Grade.FAILED, text=text, hint="Its log says why.")
    return Part(name="hub", grade=Grade.OK, text=f"Runs in {len(processes) + 1} processes.")
