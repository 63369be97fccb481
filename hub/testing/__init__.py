"""The plug-in author's kit: subclass one *Conformance class per plug-in in your own repository."""

from hub.testing.connector import ConnectorConformance
from hub.testing.fakes import FakeContext, FakeState, ListLog
from hub.testing.folder_store import FolderStore, folder_store
from hub.testing.live import LiveConformance
from hub.testing.migrator import MigratorConformance
from hub.testing.notifier import NotifierConformance
from hub.testing.plugin import PluginConformance
from hub.testing.source import SourceConformance

__all__ = [
    "ConnectorConformance",
    "FakeContext",
    "FakeState",
    "FolderStore",
    "ListLog",
    "LiveConformance",
    "MigratorConformance",
    "NotifierConformance",
    "PluginConformance",
    "SourceConformance",
    "folder_store",
]
