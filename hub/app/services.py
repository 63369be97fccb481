"""What the web pages and the API may ask: every service of the hub, built once a process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hub.access.accounts import Accounts
    from hub.access.permissions import PermissionRegistry
    from hub.access.reader import RecordingReader
    from hub.access.repeats import Repeats
    from hub.access.sessions import Sessions
    from hub.access.tokens import ApiTokens
    from hub.alerts.board import Board
    from hub.config import HubConfig
    from hub.config.secrets import SecretBox
    from hub.db.database import Database
    from hub.ingest.quarantine import Quarantine
    from hub.ingest.spool import Spool
    from hub.observe.health import Readiness
    from hub.runtime.commands import CommandClient
    from hub.runtime.instances import Instances
    from hub.runtime.plugins import Plugins
    from hub.vault.playback import Playback


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
    playback: Playback
    quarantine: Quarantine
    spool: Spool
    plugins: Plugins
    instances: Instances
    commands: CommandClient
    board: Board
    readiness: Readiness

    def close(self) -> None:
        """Let go of connections and connectors."""
        self.playback.close()
        self.db.close()
