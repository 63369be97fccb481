"""The plug-in author's kit: conformance classes to subclass, a hub in memory, tones to measure."""

from hub.testing.connector import ConnectorConformance
from hub.testing.context import FakeContext, ListLog, MemoryState, Taken
from hub.testing.migrator import MigratorConformance
from hub.testing.notifier import NotifierConformance
from hub.testing.plugin import PluginConformance
from hub.testing.running import running, until
from hub.testing.source import SourceConformance

__all__ = [
    "ConnectorConformance",
    "FakeContext",
    "ListLog",
    "MemoryState",
    "MigratorConformance",
    "NotifierConformance",
    "PluginConformance",
    "SourceConformance",
    "Taken",
    "running",
    "until",
]
