"""What the worker knows of source instances: from memory, so that an absent catalog holds up nothing."""

import threading
import time

from hub.catalog import preferences
from hub.db.database import Database
from hub.errors import HubError
from hub.runtime.instances import Instances

_KNOWN_S = 5.0


class KnownDevices:
    """Names and time zones, read anew every few seconds; the last known ones while the catalog is away."""

    def __init__(self, db: Database, instances: Instances) -> None:
        self._db = db
        self._instances = instances
        self._lock = threading.Lock()
        self._names: dict[int, str] = {}
        self._zones: dict[int, str] = {}
        self._hub_zone = "UTC"
        self._read_s = float("-inf")

    def name(self, instance_id: int) -> str:
        """What people call it, "" if that is not known."""
        with self._lock:
            self._refresh()
            return self._names.get(instance_id, "")

    def timezone(self, instance_id: int) -> str:
        """Where it stands, such as "Europe/London"."""
        with self._lock:
            self._refresh()
            return self._zones.get(instance_id) or self._hub_zone

    def _refresh(self) -> None:
        if time.monotonic() - self._read_s < _KNOWN_S:
            return
        self._read_s = time.monotonic()
        try:
            names = self._instances.names()
            zones = {instance.id: instance.options.timezone for instance in self._instances.list()}
            with self._db.read() as session:
                hub_zone = preferences.load(session).timezone
        except HubError:
            return
        self._names, self._zones, self._hub_zone = names, zones, hub_zone
