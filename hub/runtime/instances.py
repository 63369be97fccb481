"""Configured plug-ins: kept in the catalog, secrets sealed, every change on the trail."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hub.audit.action import Action
from hub.audit.actor import Actor
from hub.audit.trail import append
from hub.catalog import events
from hub.clock import to_ms, utc_now
from hub.config.errors import SecretError
from hub.config.secrets import SecretBox
from hub.db.database import Database
from hub.db.plain import storable_json, storable_text
from hub.errors import HubError
from hub.runtime.forms import MASK, FormErrors, form_fields, load_stored, parse, plain
from hub.runtime.html_form import Form, parse_form
from hub.runtime.instance import Instance, InstanceHealth, InstanceOptions, InstanceState, alarm_source
from hub.runtime.instance_rows import find_row, health_of, health_to_json, instance_of, open_entry, sealed_entry
from hub.runtime.models import InstanceEntry
from hub.runtime.plugin_seals import PluginSeals
from hub.runtime.plugins import Plugins
from hub.runtime.roster import RosterEntry
from hub.runtime.sealing import put_together, reseal_all, seal_all, take_apart, unseal_all
from hub.sdk import Health, Kind, PluginSettings

_NAME_LENGTH = 255
Settings = Mapping[str, Any] | PluginSettings


class InstanceMissing(HubError):
    """There is no such instance, or it was deleted."""


class InstanceConflict(HubError):
    """Somebody else changed the instance in the meantime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealStatus:
    """How stored secrets are sealed: under the current master key, an older one at hand, or one that is lost."""

    current: int = 0
    older: int = 0
    lost: int = 0


class Instances:
    """The one door to configured plug-ins; safe to use from several threads."""

    def __init__(
        self,
        db: Database,
        secrets: SecretBox,
        plugins: Plugins | None = None,
        reopen: Callable[[], SecretBox] | None = None,
    ) -> None:
        """`reopen`: opens the key file again, for when another process has rotated the master key."""
        self._db = db
        self._secrets = secrets
        self._plugins = plugins or Plugins()
        self._reopen = reopen

    def list(self, kind: Kind | None = None) -> list[Instance]:
        """All instances by name, or those of one kind."""
        query = select(InstanceEntry).where(InstanceEntry.deleted_ms.is_(None)).order_by(InstanceEntry.name)
        with self._db.read() as session:
            rows = session.scalars(query if kind is None else query.where(InstanceEntry.kind == kind))
            return [instance_of(row) for row in rows]

    def get(self, instance_id: int) -> Instance:
        """One instance.

        Raises: InstanceMissing.
        """
        with self._db.read() as session:
            return instance_of(_found(find_row(session, instance_id), instance_id))

    def names(self) -> dict[int, str]:
        """Names by id, of deleted instances too: their recordings still say where they came from."""
        with self._db.read() as session:
            rows = session.execute(select(InstanceEntry.id, InstanceEntry.name))
            return {row.id: row.name for row in rows}

    def revisions(self) -> dict[int, int]:
        """Revisions by id, of enabled instances: what a process compares to know what to take up anew."""
        query = select(InstanceEntry.id, InstanceEntry.revision)
        query = query.where(InstanceEntry.deleted_ms.is_(None), InstanceEntry.enabled)
        with self._db.read() as session:
            return {row.id: row.revision for row in session.execute(query)}

    def settings_of(self, instance_id: int) -> PluginSettings:
        """The settings with their secrets, brought up to the installed plug-in's version.

        Raises: InstanceMissing, PluginMissing, SecretError, FormErrors (they do not fit the plug-in any more).
        """
        with self._db.read() as session:
            row = _found(find_row(session, instance_id), instance_id)
        model = self._plugins.find(row.kind, row.plugin).info.settings
        return load_stored(model, put_together(row.settings, self._unseal(row.id, row.secrets)), row.settings_version)

    def parse(self, kind: Kind, plugin: str, data: Mapping[str, Any], instance_id: int | None = None) -> PluginSettings:
        """Settings from JSON values; secrets that are left out, blank or masked are those of the stored instance.

        Raises: FormErrors, PluginMissing, InstanceMissing.
        """
        return parse(self._plugins.find(kind, plugin).info.settings, data, self._stored_by_id(instance_id))

    def parse_form(
        self, kind: Kind, plugin: str, form: Form, instance_id: int | None = None, prefix: str = ""
    ) -> PluginSettings:
        """Settings from the fields of an HTML form whose names start with `prefix`; else as `parse`.

        Raises: FormErrors, PluginMissing, InstanceMissing.
        """
        model = self._plugins.find(kind, plugin).info.settings
        return parse_form(model, form, self._stored_by_id(instance_id), prefix)

    def create(  # noqa: PLR0913 - one instance, whole
        self,
        kind: Kind,
        plugin: str,
        name: str,
        settings: Settings,
        actor: Actor,
        *,
        enabled: bool = True,
        options: InstanceOptions | None = None,
    ) -> Instance:
        """Keep a new instance.

        Raises: FormErrors (settings, or the name under "name"), PluginMissing.
        """
        parsed = settings if isinstance(settings, PluginSettings) else self.parse(kind, plugin, settings)
        now_ms = to_ms(utc_now())
        row = InstanceEntry(
            kind=kind,
            plugin=plugin,
            name=_tidy_name(name),
            enabled=enabled,
            revision=1,
            settings={},
            settings_version=1,
            secrets={},
            options=plain(options or InstanceOptions()),
            health=health_to_json(InstanceHealth(since_ms=now_ms)),
            created_ms=now_ms,
            changed_ms=now_ms,
        )
        with _names_are_unique(row.name), self._db.write() as session:
            session.add(row)
            session.flush()
            self._put_settings(row, parsed)
            facts: dict[str, Any] = {"kind": kind.value, "plugin": plugin, "enabled": enabled}
            details: dict[str, Any] = {"name": row.name, "settings": row.settings}
            append(session, actor, Action.DEVICE_ADD, subject=alarm_source(row.id), details=details, facts=facts)
            _tell(session, row)
            return instance_of(row)

    def change(  # noqa: PLR0913 - whatever is given changes
        self,
        instance_id: int,
        expected_revision: int,
        actor: Actor,
        *,
        name: str | None = None,
        enabled: bool | None = None,
        settings: Settings | None = None,
        options: InstanceOptions | None = None,
    ) -> Instance:
        """Change what is given, if nobody else did meanwhile.

        Raises: InstanceMissing, InstanceConflict, FormErrors, PluginMissing.
        """
        parsed = self._parsed(instance_id, settings)
        tidy = None if name is None else _tidy_name(name)
        with _names_are_unique(tidy or ""), self._db.write() as session:
            row = _found(find_row(session, instance_id, for_update=True), instance_id)
            if row.revision != expected_revision:
                raise InstanceConflict(
                    f"{row.name} was changed by somebody else in the meantime.",
                    hint="Load the page again to see it as it is now, then make your change once more.",
                )
            before = instance_of(row)
            row.name = row.name if tidy is None else tidy
            row.enabled = row.enabled if enabled is None else enabled
            row.options = row.options if options is None else plain(options)
            secrets = self._put_settings(row, parsed) if parsed is not None else []
            row.revision += 1
            row.changed_ms = to_ms(utc_now())
            if row.enabled and not before.enabled:
                row.health = health_to_json(InstanceHealth(since_ms=row.changed_ms))
            session.flush()
            facts: dict[str, Any] = {"revision": row.revision, "enabled": row.enabled}
            changed = _changes(before, instance_of(row)) | {place: [MASK, MASK] for place in secrets}
            details: dict[str, Any] = {"name": row.name, "changed": changed}
            append(session, actor, Action.DEVICE_CHANGE, subject=alarm_source(row.id), details=details, facts=facts)
            _tell(session, row)
            return instance_of(row)

    def delete(self, instance_id: int, actor: Actor) -> None:
        """Forget its settings and secrets; its recordings, and its name beside them, stay.

        Raises: InstanceMissing.
        """
        with self._db.write() as session:
            row = _found(find_row(session, instance_id, for_update=True), instance_id)
            facts: dict[str, Any] = {"kind": row.kind.value, "plugin": row.plugin}
            details: dict[str, Any] = {"name": row.name, "settings": row.settings}
            append(session, actor, Action.DEVICE_DELETE, subject=alarm_source(row.id), details=details, facts=facts)
            row.settings, row.secrets, row.enabled = {}, {}, False
            row.revision += 1
            row.changed_ms = row.deleted_ms = to_ms(utc_now())
            _tell(session, row)

    def roster(self) -> Sequence[dict[str, Any]]:
        """All enabled instances as JSON values with secrets sealed, for `open_roster`."""
        query = select(InstanceEntry).where(InstanceEntry.deleted_ms.is_(None), InstanceEntry.enabled)
        with self._db.read() as session:
            return [sealed_entry(row) for row in session.scalars(query.order_by(InstanceEntry.id))]

    def open_roster(self, sealed: Sequence[Mapping[str, Any]]) -> Sequence[RosterEntry]:
        """What `roster` gave, with secrets opened; needs neither database nor plug-ins."""
        entries = [open_entry(self._secrets, values) for values in sealed]
        if self._reopen is not None and any(entry.problem for entry in entries):
            self._secrets = self._reopen()
            entries = [open_entry(self._secrets, values) for values in sealed]
        return entries

    def record_health(self, healths: Mapping[int, InstanceHealth]) -> None:
        """Write how instances are; where the lamp or its words changed, pages are told.

        Raises: DatabaseAway.
        """
        with self._db.write() as session:
            query = select(InstanceEntry).where(InstanceEntry.id.in_(healths), InstanceEntry.deleted_ms.is_(None))
            for row in session.scalars(query):
                before, now = health_of(row.health), healths[row.id]
                row.health = storable_json(health_to_json(now))
                if _lamp(before) != _lamp(now) or before.last_recording_ms != now.last_recording_ms:
                    _tell(session, row)

    def report_health(self, instance_id: int, health: Health) -> None:
        """Write what a plug-in that is called, not run, says of itself.

        Raises: DatabaseAway.
        """
        with self._db.read() as session:
            row = find_row(session, instance_id)
        if row is not None:
            before, state = health_of(row.health), InstanceState.of(health.state)
            since_ms = before.since_ms if before.state is state else to_ms(utc_now())
            now = InstanceHealth(
                state=state,
                summary=health.summary,
                hint=health.hint,
                since_ms=since_ms,
                numbers=dict(health.numbers),
                warnings=health.warnings,
                last_recording_ms=before.last_recording_ms,
            )
            self.record_health({instance_id: now})

    def seal_status(self) -> SealStatus:
        """How many stored secrets are sealed under which master key."""
        counts = {"current": 0, "older": 0, "lost": 0}
        with self._db.read() as session:
            rows = session.execute(select(InstanceEntry.id, InstanceEntry.secrets)).all()
        for row in rows:
            for place, sealed in row.secrets.items():
                try:
                    unseal_all(self._secrets, row.id, {place: sealed})
                    counts["current" if self._secrets.is_current(sealed) else "older"] += 1
                except SecretError:
                    counts["lost"] += 1
        return SealStatus(**counts)

    def plugin_seals(self, folder: Path) -> PluginSeals:
        """What plug-ins keep sealed, under the same master key. folder: where the keys of instances lie."""
        return PluginSeals(self._secrets, folder)

    def reseal(self, actor: Actor) -> int:
        """Seal every stored secret under the current master key.

        Returns: how many instances had secrets under an older one. Raises: SecretError if one cannot be opened.
        """
        changed = 0
        with self._db.write() as session:
            for row in session.scalars(select(InstanceEntry).with_for_update()):
                resealed = reseal_all(self._secrets, row.id, row.secrets)
                if resealed != row.secrets:
                    row.secrets = resealed
                    changed += 1
            append(session, actor, Action.SECRETS_ROTATE, subject="hub", facts={"instances": changed})
        return changed

    def _put_settings(self, row: InstanceEntry, settings: PluginSettings) -> Sequence[str]:
        """Returns: the places of secrets that are not what they were."""
        kept, secrets = take_apart(form_fields(type(settings)), plain(settings))
        before = self._open_secrets(row)
        if self._reopen is not None:
            self._secrets = self._reopen()  # never seal under a key that another process has just retired
        row.settings = storable_json(kept)
        row.secrets = seal_all(self._secrets, row.id, secrets)
        row.settings_version = type(settings).settings_version
        return sorted(place for place in before.keys() | secrets.keys() if before.get(place) != secrets.get(place))

    def _parsed(self, instance_id: int, settings: Settings | None) -> PluginSettings | None:
        if settings is None or isinstance(settings, PluginSettings):
            return settings
        before = self.get(instance_id)
        return self.parse(before.kind, before.plugin, settings, instance_id)

    def _stored_by_id(self, instance_id: int | None) -> dict[str, Any] | None:
        """What is stored, less the secrets that cannot be opened any more: those must be entered anew."""
        if instance_id is None:
            return None
        with self._db.read() as session:
            row = _found(find_row(session, instance_id), instance_id)
        return put_together(row.settings, self._open_secrets(row))

    def _open_secrets(self, row: InstanceEntry) -> dict[str, str]:
        secrets: dict[str, str] = {}
        for place, sealed in row.secrets.items():
            with suppress(SecretError):
                secrets |= self._unseal(row.id, {place: sealed})
        return secrets

    def _unseal(self, instance_id: int, sealed: Mapping[str, str]) -> dict[str, str]:
        try:
            return unseal_all(self._secrets, instance_id, sealed)
        except SecretError:
            if self._reopen is None:
                raise
            self._secrets = self._reopen()
            return unseal_all(self._secrets, instance_id, sealed)


def _found(row: InstanceEntry | None, instance_id: int) -> InstanceEntry:
    if row is None:
        raise InstanceMissing(f"There is no instance {instance_id}.", hint="It may have been deleted.")
    return row


def _tidy_name(name: str) -> str:
    tidy = storable_text(" ".join(name.split()), _NAME_LENGTH)
    if not tidy:
        raise FormErrors({"name": ("This is needed.",)}, {"name": name})
    return tidy


@contextmanager
def _names_are_unique(name: str) -> Iterator[None]:
    try:
        yield
    except IntegrityError as exc:
        raise FormErrors({"name": ("Another one has this name.",)}, {"name": name}) from exc


def _changes(before: Instance, after: Instance) -> dict[str, Any]:
    """Field -> [before, after]; secrets are masked in both, so a change of one shows only in the act itself."""
    olds = {"name": before.name, "enabled": before.enabled, "options": plain(before.options), **before.settings}
    news = {"name": after.name, "enabled": after.enabled, "options": plain(after.options), **after.settings}
    fields = sorted(olds.keys() | news.keys())
    return {field: [olds.get(field), news.get(field)] for field in fields if olds.get(field) != news.get(field)}


def _tell(session: Session, row: InstanceEntry) -> None:
    shown = instance_of(row)
    payload = {"state": shown.health.state.value, "summary": shown.health.summary, "deleted": bool(row.deleted_ms)}
    events.append(session, events.Topic.INSTANCE_HEALTH, alarm_source(row.id), payload)


def _lamp(health: InstanceHealth) -> tuple[InstanceState, str, str]:
    return health.state, health.summary, health.hint
