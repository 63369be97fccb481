"""What a hub that starts for the first time finds ready: a primary storage and one way in for a person."""

import structlog

from hub.access.accounts import Accounts
from hub.audit import SYSTEM
from hub.catalog import preferences
from hub.config import HubConfig
from hub.db.database import Database
from hub.runtime.instances import Instances
from hub.sdk import Kind

_NAME = "Primary storage"
_PLUGIN = "local"
_log = structlog.get_logger(__name__)


def ensure_primary_store(config: HubConfig, db: Database, instances: Instances) -> None:
    """Make the data folder's own storage the primary one, unless a primary storage was chosen."""
    with db.read() as session:
        chosen = preferences.load(session)
        revision = preferences.revision(session)
    if chosen.primary_store is not None:
        return
    made = [store for store in instances.list(Kind.CONNECTOR) if store.plugin == _PLUGIN and store.name == _NAME]
    store = (
        made[0] if made else instances.create(Kind.CONNECTOR, _PLUGIN, _NAME, {"folder": str(config.storage)}, SYSTEM)
    )
    with db.write() as session:
        preferences.save(session, chosen.model_copy(update={"primary_store": store.id}), SYSTEM, revision)
    _log.info("storage.made", instance=store.name)


def setup_link(config: HubConfig, accounts: Accounts) -> str:
    """The one-time link by which the first administrator comes in, "" once there is one."""
    if not accounts.setup_token_needed():
        return ""
    return f"{config.public_url}/setup?token={accounts.issue_setup_token()}"
