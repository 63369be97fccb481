"""The plug-ins of this process: scanned once, when first asked for."""

import threading
from collections.abc import Mapping

from hub.errors import HubError
from hub.runtime.loader import Found, Scan, scan_all
from hub.runtime.vetting import vet
from hub.sdk import Kind


class PluginMissing(HubError):
    """The plug-in is not installed, or was refused."""


class Plugins:
    """What is installed, by kind and name; safe to use from several threads."""

    def __init__(self, scans: Mapping[Kind, Scan] | None = None) -> None:
        """`scans`: use these, and do not look."""
        self._lock = threading.Lock()
        self._scans = dict(scans) if scans is not None else None

    def scans(self) -> dict[Kind, Scan]:
        """What was found and what was refused, for every kind."""
        with self._lock:
            if self._scans is None:
                self._scans = scan_all(vet())
            return dict(self._scans)

    def find(self, kind: Kind, name: str) -> Found:
        """The plug-in called `name`.

        Raises: PluginMissing.
        """
        scan = self.scans().get(kind, Scan())
        if name in scan.found:
            return scan.found[name]
        reasons = "; ".join(refused.reason for refused in scan.refused if refused.name == name)
        text = f"The {kind} plug-in {name!r} was refused: {reasons}." if reasons else f"There is no {kind} {name!r}."
        hint = (
            "`recording-hub plugins` shows what is installed, and why a plug-in is refused. "
            "One that was installed while the hub runs is taken when the hub starts again."
        )
        raise PluginMissing(text, hint=hint)
