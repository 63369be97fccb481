"""The pages in the sidebar, by group, each with the permission that shows it."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from hub.access.permissions import allows
from hub.access.person import Person
from webui.language import later


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One page. on_phone: has a place in the bar at the bottom of a phone. badge: name of the count beside it."""

    path: str
    label: str
    icon: str
    permission: str
    on_phone: bool = False
    badge: str = ""


ENTRANCE = "/"
"""Leads to the first page that one may open, or says that there is none."""

GROUPS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        later("Listen"),
        (
            Entry(
                path="/recordings",
                label=later("Recordings"),
                icon="audio-lines",
                permission="recording.list",
                on_phone=True,
            ),
            Entry(path="/live", label=later("Live calls"), icon="phone-call", permission="live.list", on_phone=True),
        ),
    ),
    (
        later("Collect"),
        (
            Entry(path="/devices", label=later("Devices"), icon="server", permission="device.list", on_phone=True),
            Entry(path="/storage", label=later("Storage"), icon="hard-drive", permission="device.list", on_phone=True),
            Entry(path="/rules", label=later("Recording rules"), icon="list-filter", permission="rule.list"),
            Entry(path="/plugins", label=later("Plug-ins"), icon="puzzle", permission="plugin.list"),
        ),
    ),
    (
        later("Watch"),
        (
            Entry(
                path="/alarms",
                label=later("Alarms"),
                icon="bell",
                permission="alarm.list",
                on_phone=True,
                badge="alarms",
            ),
            Entry(
                path="/quarantine",
                label=later("Quarantine"),
                icon="shield-alert",
                permission="quarantine.list",
                badge="quarantine",
            ),
            Entry(
                path="/absent-calls",
                label=later("Unrecorded calls"),
                icon="circle-dashed",
                permission="absence.list",
            ),
            Entry(path="/audit", label=later("Audit trail"), icon="clipboard-list", permission="audit.list"),
        ),
    ),
)


def groups_for(person: Person) -> list[tuple[str, list[Entry]]]:
    """The groups with the entries that `person` may open; empty groups are left out."""
    shown = ((name, [entry for entry in entries if allows(person, entry.permission)]) for name, entries in GROUPS)
    return [(name, entries) for name, entries in shown if entries]


def home_of(person: Person) -> str:
    """The first page that `person` may open; the entrance where there is none."""
    return next((entry.path for _, entries in groups_for(person) for entry in entries), ENTRANCE)


def landing_of(person: Person, wanted: str) -> str:
    """Where to go after sign-in: to `wanted`, unless that is a page of the sidebar that `person` may not open."""
    path = urlsplit(wanted).path
    entry = next((entry for _, entries in GROUPS for entry in entries if entry.path == path), None)
    return wanted if entry is None or allows(person, entry.permission) else home_of(person)
