"""Stored secrets and the master key that seals them, for the command line."""

from dataclasses import asdict

from hub.app.offline import open_database
from hub.audit import Actor
from hub.config import HubConfig
from hub.config.secrets import SecretBox
from hub.runtime.instances import Instances

_ACTOR = Actor(None, "command line", "cli")


def seal_status(config: HubConfig) -> dict[str, int]:
    """How many secrets are sealed under the current key, under an older one, and under a lost one.

    Raises: SecretError, DatabaseAway.
    """
    database = open_database(config)
    try:
        return asdict(Instances(database, SecretBox.open(config)).seal_status())
    finally:
        database.close()


def rotate_master_key(config: HubConfig) -> tuple[int, int]:
    """Make a new master key current and seal every secret under it; the old key goes once nothing needs it.

    Returns: how many were resealed, and how many could not be opened.
    Raises: SecretError (the key comes from the environment), DatabaseAway.
    """
    database = open_database(config)
    try:
        rotated = SecretBox.open(config).rotate()
        instances = Instances(database, rotated)
        resealed = instances.reseal(_ACTOR)
        status = instances.seal_status()
        lost = status.lost + instances.plugin_seals(config.state).reseal()
        if not lost and not status.older:
            rotated.forget_old()
        return resealed, lost
    finally:
        database.close()
