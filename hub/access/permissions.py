"""Every permission there is: its key, what people read, its group, and what it brings along."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hub.access.errors import Forbidden
from hub.access.person import Person


@dataclass(frozen=True, slots=True)
class Permission:
    """One thing that a person may be allowed to do.

    label: what the role editor shows. group: its heading there. implies: keys that come with it.
    """

    key: str
    label: str
    group: str
    implies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """Yes or no, and always why."""

    allowed: bool
    reason: str


CORE: tuple[Permission, ...] = (
    Permission("recording.list", "Search and list recordings", "Recordings"),
    Permission("recording.play", "Play recordings", "Recordings", ("recording.list",)),
    Permission("recording.download", "Download recordings", "Recordings", ("recording.list",)),
    Permission("recording.export", "Export recordings", "Recordings", ("recording.list",)),
    Permission("recording.verify", "Verify recordings", "Recordings", ("recording.list",)),
    Permission("recording.share", "Share recordings", "Recordings", ("recording.list",)),
    Permission("recording.delete", "Delete recordings", "Recordings", ("recording.list",)),
    Permission("recording.rate", "Rate recordings", "Recordings", ("recording.list",)),
    Permission("recording.tag.list", "See tags", "Recordings", ("recording.list",)),
    Permission("recording.tag.add", "Add tags", "Recordings", ("recording.tag.list",)),
    Permission("recording.tag.delete", "Delete tags", "Recordings", ("recording.tag.list",)),
    Permission("live.list", "See calls that go on", "Live calls"),
    Permission("live.listen", "Listen to calls that go on", "Live calls", ("live.list",)),
    Permission("live.control", "Pause, resume, stop and keep the recording of a call", "Live calls", ("live.list",)),
    Permission("live.discard", "Discard the recording of a call that goes on", "Live calls", ("live.control",)),
    Permission("absence.list", "See calls without recording", "Recordings"),
    Permission("report.daily", "Daily report", "Reports"),
    Permission("report.daily.export", "Export the daily report", "Reports", ("report.daily",)),
    Permission("report.monthly", "Monthly report", "Reports"),
    Permission("report.monthly.export", "Export the monthly report", "Reports", ("report.monthly",)),
    Permission("report.yearly", "Yearly report", "Reports"),
    Permission("report.yearly.export", "Export the yearly report", "Reports", ("report.yearly",)),
    Permission("report.department", "Report by department", "Reports"),
    Permission("alarm.list", "See alarms", "Monitoring"),
    Permission("alarm.acknowledge", "Acknowledge alarms", "Monitoring", ("alarm.list",)),
    Permission("alarm.export", "Export alarms", "Monitoring", ("alarm.list",)),
    Permission("health.view", "See the health of the hub", "Monitoring"),
    Permission("audit.list", "See the audit trail", "Audit trail"),
    Permission("audit.export", "Export the audit trail", "Audit trail", ("audit.list",)),
    Permission("log.list", "See the system log", "Logs"),
    Permission("log.error.list", "See the log of errors", "Logs"),
    Permission("org.list", "See the organisation", "Organisation"),
    Permission("org.add", "Add to the organisation", "Organisation", ("org.list",)),
    Permission("org.change", "Change the organisation", "Organisation", ("org.list",)),
    Permission("org.delete", "Delete from the organisation", "Organisation", ("org.list",)),
    Permission("user.list", "See users", "Users", ("org.list",)),
    Permission("user.add", "Add users", "Users", ("user.list",)),
    Permission("user.change", "Change users", "Users", ("user.list",)),
    Permission("user.delete", "Delete users", "Users", ("user.list",)),
    Permission("user.import", "Import users from a spreadsheet", "Users", ("user.add",)),
    Permission("role.list", "See roles", "Roles"),
    Permission("role.add", "Add roles", "Roles", ("role.list",)),
    Permission("role.change", "Change roles", "Roles", ("role.list",)),
    Permission("role.delete", "Delete roles", "Roles", ("role.list",)),
    Permission("account.manage", "Manage own sign-ins and API tokens", "Account"),
    Permission("settings.view", "See the settings", "System"),
    Permission("settings.change", "Change the settings", "System", ("settings.view",)),
    Permission("device.list", "See devices and connectors", "System"),
    Permission("device.add", "Add devices and connectors", "System", ("device.list", "device.test")),
    Permission("device.change", "Change devices and connectors", "System", ("device.list", "device.test")),
    Permission("device.delete", "Delete devices and connectors", "System", ("device.list",)),
    Permission("device.test", "Test devices and connectors", "System", ("device.list",)),
    Permission("device.upload", "Upload files to devices", "System", ("device.list",)),
    Permission("rule.list", "See recording rules", "System"),
    Permission("rule.change", "Change recording rules", "System", ("rule.list",)),
    Permission("plugin.list", "See plug-ins", "System"),
    Permission("quarantine.list", "See items in quarantine", "System"),
    Permission("quarantine.retry", "Retry items in quarantine", "System", ("quarantine.list",)),
    Permission("quarantine.download", "Download items in quarantine", "System", ("quarantine.list",)),
    Permission("alarm.settings.view", "See the alarm settings", "Alarm settings"),
    Permission("alarm.settings.ping", "Switch the ping test of devices", "Alarm settings", ("alarm.settings.view",)),
    Permission("alarm.settings.change", "Change the alarm settings", "Alarm settings", ("alarm.settings.ping",)),
    Permission("alarm.settings.test", "Send a test mail", "Alarm settings", ("alarm.settings.view",)),
)


class PermissionRegistry:
    """All permissions of this process: the hub's own, and those that plug-ins add."""

    def __init__(self, permissions: Iterable[Permission] = CORE) -> None:
        self._by_key: dict[str, Permission] = {}
        for permission in permissions:
            self.add(permission)

    def add(self, permission: Permission) -> None:
        """Take a permission in.

        Raises: ValueError if its key is taken or it implies one that is not known.
        """
        if permission.key in self._by_key:
            raise ValueError(f"the permission {permission.key} exists already")
        self._by_key[permission.key] = permission
        self._check_implied(permission)

    def _check_implied(self, permission: Permission) -> None:
        for key in permission.implies:
            if key not in self._by_key and not any(key == core.key for core in CORE):
                del self._by_key[permission.key]
                raise ValueError(f"{permission.key} implies {key}, which is no permission")

    def __iter__(self) -> Iterator[Permission]:
        return iter(self._by_key.values())

    def __contains__(self, key: object) -> bool:
        return key in self._by_key

    @property
    def keys(self) -> frozenset[str]:
        """Every key there is."""
        return frozenset(self._by_key)

    def groups(self) -> dict[str, list[Permission]]:
        """Heading -> its permissions, both in the order of registration."""
        groups: dict[str, list[Permission]] = {}
        for permission in self:
            groups.setdefault(permission.group, []).append(permission)
        return groups

    def expand(self, keys: Iterable[str]) -> frozenset[str]:
        """`keys` and all that they imply; keys of a plug-in that is gone are left out."""
        expanded: set[str] = set()
        waiting = [key for key in keys if key in self._by_key]
        while waiting:
            key = waiting.pop()
            if key not in expanded:
                expanded.add(key)
                waiting.extend(self._by_key[key].implies)
        return frozenset(expanded)

    def unknown(self, keys: Iterable[str]) -> list[str]:
        """Those of `keys` that are no permission."""
        return sorted(key for key in keys if key not in self._by_key)

    def decide(self, person: Person, key: str) -> Decision:
        """Whether `person` may do what `key` stands for, and why.

        Raises: KeyError if `key` is no permission: the asking code is wrong, not the person.
        """
        permission = self._by_key[key]
        if key in person.permissions:
            return Decision(True, f"{person.login} may: {permission.label.lower()}.")
        return Decision(False, f"This needs the permission “{permission.label}” ({key}), which you do not have.")


PERMISSIONS = PermissionRegistry()


def allows(person: Person, key: str) -> bool:
    """Whether `person` may do what `key` stands for."""
    return PERMISSIONS.decide(person, key).allowed


def require(person: Person, key: str) -> None:
    """Let `person` pass or refuse with the reason.

    Raises: Forbidden.
    """
    decision = PERMISSIONS.decide(person, key)
    if not decision.allowed:
        raise Forbidden(decision.reason, permission=key, hint="Ask an administrator for it.")
