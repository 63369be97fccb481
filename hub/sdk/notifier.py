"""Contract of a notifier: it carries alarms to people or systems."""

from abc import abstractmethod
from dataclasses import dataclass
from datetime import datetime

from hub.sdk.health import Severity
from hub.sdk.plugin import Plugin, S


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmNotice:
    """One alarm on its way out; `cleared` says that the trouble is over. at: aware UTC."""

    key: str
    code: str
    severity: Severity
    title: str
    text: str
    at: datetime
    hint: str = ""
    cleared: bool = False


class Notifier(Plugin[S]):
    """Carries alarms out; the hub owns repetition and retries."""

    @abstractmethod
    def send(self, notice: AlarmNotice) -> None:
        """Deliver once.

        Raises: RetryLater, AuthError, SettingsError.
        """
