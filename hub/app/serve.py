"""`recording-hub serve`: the parent of all the hub's processes."""

import asyncio
import gc
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

import structlog

from hub.access.accounts import Accounts
from hub.access.sessions import Sessions
from hub.alerts.board import HUB, Board
from hub.alerts.codes.alarm_code import AlarmCode
from hub.alerts.codes.system import SYSTEM_RESTARTED, SYSTEM_STARTED, SYSTEM_STOPPED
from hub.app import last_run
from hub.app.first_run import setup_link
from hub.app.offline import open_database
from hub.clock import utc_now
from hub.config import ConfigError, HubConfig
from hub.config.ownership import check_import_names
from hub.config.secrets import SecretBox
from hub.db.database import Database
from hub.errors import HubError
from hub.observe import logging, metrics
from hub.runtime.children import ChildCommand
from hub.runtime.instances import Instances
from hub.runtime.supervisor import Supervisor
from hub.sdk import Alarm

_log = structlog.get_logger(__name__)
_WEB_START_S = 60.0
_LOOK_S = 0.1


class Role(StrEnum):
    """What runs on this machine: all of it, or one part of a hub that grew past it."""

    ALL = "all"
    WEB = "web"
    WORKER = "worker"
    CAPTURE = "capture"


def serve(
    config: HubConfig, role: Role, *, demonstrates: bool = False, on_ready: Callable[[str], None] | None = None
) -> int:
    """Run the hub until it is told to stop.

    demonstrates: plug-ins that can show themselves make calls. on_ready: called once with the address to open.
    Raises: ConfigError, DatabaseAway, DatabaseBroken, ChildGaveUp, SupervisorRunning.
    """
    check_import_names()
    logging.configure(config)
    config.make_folders()
    config = _with_free_port(config)
    db = open_database(config)
    try:
        db.upgrade()
        secrets = SecretBox.open(config)
        instances = Instances(db, secrets, reopen=lambda: SecretBox.open(config))
        if role is Role.WEB:
            return _serve_web(config, db)
        if role is Role.WORKER:
            return _serve_worker(config)
        return asyncio.run(_supervise(config, db, instances, _Opening(role, demonstrates, on_ready)))
    finally:
        db.close()


@dataclass(frozen=True, slots=True)
class _Opening:
    """What happens as the hub comes up."""

    role: Role
    demonstrates: bool
    on_ready: Callable[[str], None] | None


def _serve_web(config: HubConfig, db: Database) -> int:
    from hub.app.web import run_web  # noqa: PLC0415 - no other role imports the web

    _announce(config, setup_link(config, Accounts(db, Sessions(db))))
    return run_web(config)


def _serve_worker(config: HubConfig) -> int:
    from hub.app.worker import run_worker  # noqa: PLC0415 - no other role imports codecs

    return run_worker(config)


async def _supervise(config: HubConfig, db: Database, instances: Instances, opening: _Opening) -> int:
    board = Board(db)
    folder = config.run / "metrics"
    shared = metrics.shared_folder(folder) if opening.role is Role.ALL else {}
    children = _children(config, shared) if shared else []
    supervisor = Supervisor(config, db, instances, board, children=children)
    work = asyncio.create_task(supervisor.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, work.cancel)
    if last_run.begin(config):
        _tell(board.raise_alarm, SYSTEM_RESTARTED)
    else:
        _tell(board.note, SYSTEM_STARTED)
    announcing = asyncio.create_task(_open(config, db, opening)) if children else None
    gc.freeze()  # what was imported lives as long as the process
    try:
        with suppress(asyncio.CancelledError):
            await work
    finally:
        if announcing is not None:
            announcing.cancel()
            await asyncio.gather(announcing, return_exceptions=True)
        _tell(board.note, SYSTEM_STOPPED)
        await asyncio.to_thread(board.close)
        if shared:
            metrics.stop_sharing(folder, shared)
        last_run.end(config)
    return 0


def _children(config: HubConfig, shared: Mapping[str, str]) -> list[ChildCommand]:
    return [ChildCommand(name=part, argv=_child_argv(config, part), environ=shared) for part in ("web", "worker")]


def _child_argv(config: HubConfig, part: str) -> tuple[str, ...]:
    listener = ("--data", str(config.data), "--bind", config.bind, "--port", str(config.port))
    return (sys.executable, "-P", "-m", "hub", "child", part, *listener)


def _with_free_port(config: HubConfig) -> HubConfig:
    """The configuration with a port that can be listened on.

    Raises: ConfigError if it is taken.
    """
    family = socket.AF_INET6 if ":" in config.bind else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((config.bind, config.port))
        except OSError as exc:
            raise ConfigError(
                f"The hub cannot listen on {config.bind} port {config.port}: {exc.strerror}.",
                key="port",
                hint="Stop what listens there, or choose another one: recording-hub serve --port 8081",
            ) from exc
        return config.listening_on(port=trial.getsockname()[1])


def _tell(enter: Callable[[str, Alarm], int], code: AlarmCode) -> None:
    try:
        enter(HUB, code.alarm(f"hub.{code.code.lower()}", time=utc_now().isoformat(timespec="seconds")))
    except HubError as exc:
        _log.warning("alarm.not_kept", code=code.code, reason=str(exc))


async def _open(config: HubConfig, db: Database, opening: _Opening) -> None:
    """Print the address once a browser can use it, and begin the demonstration."""
    for _ in range(int(_WEB_START_S / _LOOK_S)):
        if await asyncio.to_thread(_answers, config):
            break
        await asyncio.sleep(_LOOK_S)
    link = await asyncio.to_thread(setup_link, config, Accounts(db, Sessions(db)))
    _announce(config, link)
    if opening.on_ready is not None:
        await asyncio.to_thread(opening.on_ready, link or config.public_url)
    if opening.demonstrates:
        process = await asyncio.create_subprocess_exec(*_child_argv(config, "demo"))
        await process.wait()


def _answers(config: HubConfig) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(config.bind, config.bind)  # noqa: S104 - "any" is reached locally
    host = f"[{host}]" if ":" in host else host
    try:
        with urllib.request.urlopen(f"http://{host}:{config.port}/healthz", timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


def _announce(config: HubConfig, link: str) -> None:
    line = f"Recording Hub is at {config.public_url}"
    if link:
        line += f" - first, make yourself the administrator: {link}"
    print(line, flush=True)  # noqa: T201 - the one line for the person at the terminal
