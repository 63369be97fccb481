"""All that a plug-in may use, in one import: `from hub.sdk import Source, setting, ...`."""

from hub.sdk.connector import Connector, Deletes, Links, Retains, StoredObject
from hub.sdk.errors import AuthError, BadRecording, NotFound, PluginError, RetryLater, SettingsError
from hub.sdk.health import Alarm, Health, HealthState, Severity
from hub.sdk.migrator import LegacyItem, Migrator, Survey
from hub.sdk.notifier import AlarmNotice, Notifier
from hub.sdk.plugin import API_VERSION, ApiVersion, Kind, Log, Plugin, PluginContext, PluginInfo, State
from hub.sdk.recording import (
    CallDetail,
    Direction,
    MediaFile,
    MediaLocation,
    Notice,
    NoticeKind,
    Owner,
    OwnerKind,
    Party,
    Receipt,
    RecordingDraft,
    Role,
    Stage,
)
from hub.sdk.settings import PluginSettings, is_secret, setting
from hub.sdk.source import Backfills, CallControl, ControlResult, Controls, Demonstrates, Listens, Source

__all__ = [
    "API_VERSION",
    "Alarm",
    "AlarmNotice",
    "ApiVersion",
    "AuthError",
    "Backfills",
    "BadRecording",
    "CallControl",
    "CallDetail",
    "Connector",
    "ControlResult",
    "Controls",
    "Deletes",
    "Demonstrates",
    "Direction",
    "Health",
    "HealthState",
    "Kind",
    "LegacyItem",
    "Links",
    "Listens",
    "Log",
    "MediaFile",
    "MediaLocation",
    "Migrator",
    "NotFound",
    "Notice",
    "NoticeKind",
    "Notifier",
    "Owner",
    "OwnerKind",
    "Party",
    "Plugin",
    "PluginContext",
    "PluginError",
    "PluginInfo",
    "PluginSettings",
    "Receipt",
    "RecordingDraft",
    "Retains",
    "RetryLater",
    "Role",
    "SettingsError",
    "Severity",
    "Source",
    "Stage",
    "State",
    "StoredObject",
    "Survey",
    "is_secret",
    "setting",
]
