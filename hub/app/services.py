"""What the web pages and the API may ask: every service of the hub, built once a process."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from hub.access.absent_calls import AbsentCallReader
from hub.access.accounts import Accounts
from hub.access.live_reader import LiveReader
from hub.access.permissions import PERMISSIONS, PermissionRegistry
from hub.access.reader import RecordingReader
from hub.access.repeats import Repeats
from hub.access.sessions import Sessions
from hub.access.tokens import ApiTokens
from hub.alerts.board import Board
from hub.app.offline import open_database
from hub.config import HubConfig
from hub.config.secrets import SecretBox
from hub.db.database import Database
from hub.ingest.quarantine import Quarantine
from hub.ingest.spool import Spool
from hub.observe.health import Probe, Readiness, enough_space
from hub.rules.rules import Rules
from hub.runtime.commands import CommandClient
from hub.runtime.connectors import Connectors
from hub.runtime.instances import Instances
from hub.runtime.live.control import LiveControl
from hub.runtime.plugins import Plugins
from hub.runtime.uploads import Uploads
from hub.vault.playback import Playback
from hub.vault.stores import Stores

_LEAST_FREE_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The hub as its web process sees it; all of it is safe to call from several threads."""

    config: HubConfig
    db: Database
    secrets: SecretBox
    permissions: PermissionRegistry
    accounts: Accounts
    sessions: Sessions
    tokens: ApiTokens
    repeats: Repeats
    reader: RecordingReader
    live: LiveReader
    live_control: LiveControl
    uploads: Uploads
    playback: Playback
    quarantine: Quarantine
    spool: Spool
    plugins: Plugins
    instances: Instances
    rules: Rules
    absent_calls: AbsentCallReader
    commands: CommandClient
    board: Board
    readiness: Readiness


@contextmanager
def open_services(config: HubConfig) -> Iterator[Services]:
    """All services, let go of at the end.

    Raises: ConfigError, SecretError.
    """
    with ExitStack() as stack:
        db = open_database(config)
        stack.callback(db.close)
        board = Board(db)
        stack.callback(board.close)
        secrets = SecretBox.open(config)
        plugins = Plugins()
        instances = Instances(db, secrets, plugins, reopen=lambda: SecretBox.open(config))
        connectors = Connectors(config, instances, board, plugins)
        stores = Stores(connectors.open)
        stack.callback(stores.close)
        stack.callback(connectors.close)
        connectors.watch(stores.forget)
        sessions = Sessions(db, idle_s=config.session_idle_s, absolute_s=config.session_absolute_s)
        spool = Spool(config.spool)
        commands = CommandClient(config.command_socket)
        live = LiveReader(db)
        yield Services(
            config=config,
            db=db,
            secrets=secrets,
            permissions=PERMISSIONS,
            accounts=Accounts(db, sessions),
            sessions=sessions,
            tokens=ApiTokens(db),
            repeats=Repeats(db, secrets),
            reader=RecordingReader(db),
            live=live,
            live_control=LiveControl(db, live, commands, plugins),
            uploads=Uploads(config.uploads, db, plugins, commands),
            playback=Playback(stores),
            quarantine=Quarantine(spool, db, board),
            spool=spool,
            plugins=plugins,
            instances=instances,
            rules=Rules(db),
            absent_calls=AbsentCallReader(db),
            commands=commands,
            board=board,
            readiness=Readiness(
                [
                    Probe("database", db.check),
                    Probe("spool", spool.check),
                    Probe("data folder", enough_space(config.data, _LEAST_FREE_BYTES)),
                ]
            ),
        )
