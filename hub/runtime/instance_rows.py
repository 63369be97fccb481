"""Rows of the instance table as the shapes that others see."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.config.errors import SecretError
from hub.config.secrets import SecretBox
from hub.runtime.forms import MASK
from hub.runtime.instance import Instance, InstanceHealth, InstanceOptions, InstanceState
from hub.runtime.models import InstanceEntry
from hub.runtime.roster import RosterEntry
from hub.runtime.sealing import put_together, unseal_all
from hub.sdk import Kind


def find_row(session: Session, instance_id: int, *, for_update: bool = False) -> InstanceEntry | None:
    """The row of an instance that is not deleted."""
    query = select(InstanceEntry).where(InstanceEntry.id == instance_id, InstanceEntry.deleted_ms.is_(None))
    return session.scalars(query.with_for_update() if for_update else query).one_or_none()


def instance_of(row: InstanceEntry) -> Instance:
    """The row for people: secrets masked, without asking its plug-in."""
    health = health_of(row.health)
    if not row.enabled:
        since_ms = health.since_ms if health.state is InstanceState.DISABLED else row.changed_ms
        last_ms = health.last_recording_ms
        health = InstanceHealth(state=InstanceState.DISABLED, since_ms=since_ms, last_recording_ms=last_ms)
    return Instance(
        id=row.id,
        kind=row.kind,
        plugin=row.plugin,
        name=row.name,
        enabled=row.enabled,
        revision=row.revision,
        settings=put_together(row.settings, dict.fromkeys(row.secrets, MASK)),
        settings_version=row.settings_version,
        options=options_of(row.options),
        health=health,
        created_ms=row.created_ms,
    )


def sealed_entry(row: InstanceEntry) -> dict[str, Any]:
    """The row as JSON values, secrets sealed: what the supervisor keeps on disk for when the database is away."""
    return {
        "id": row.id,
        "kind": row.kind.value,
        "plugin": row.plugin,
        "name": row.name,
        "revision": row.revision,
        "settings": row.settings,
        "settings_version": row.settings_version,
        "secrets": row.secrets,
        "options": row.options,
        "health": row.health,
    }


def open_entry(box: SecretBox, values: Mapping[str, Any]) -> RosterEntry:
    """The entry that `sealed_entry` wrote, with its secrets opened.

    Raises: KeyError, ValueError, TypeError if it is none.
    """
    problem, secrets = "", dict[str, str]()
    try:
        secrets = unseal_all(box, int(values["id"]), values["secrets"])
    except SecretError as exc:
        problem = f"{exc} {exc.hint}".strip()
    return RosterEntry(
        id=int(values["id"]),
        kind=Kind(values["kind"]),
        plugin=str(values["plugin"]),
        name=str(values["name"]),
        revision=int(values["revision"]),
        settings=put_together(values["settings"], secrets),
        settings_version=int(values["settings_version"]),
        options=options_of(values["options"]),
        health=health_of(values["health"]),
        problem=problem,
    )


def options_of(values: Mapping[str, Any]) -> InstanceOptions:
    """Stored options; what a newer or older hub stored and this one does not take falls back to the default."""
    try:
        return InstanceOptions.model_validate(dict(values))
    except ValidationError as exc:
        wrong = {detail["loc"][0] for detail in exc.errors() if detail["loc"]}
        return InstanceOptions.model_validate({name: value for name, value in values.items() if name not in wrong})


def health_to_json(health: InstanceHealth) -> dict[str, Any]:
    """Health as it is stored."""
    return asdict(health) | {"state": health.state.value}


def health_of(values: Mapping[str, Any]) -> InstanceHealth:
    """Stored health; what cannot be read counts as starting."""
    try:
        return InstanceHealth(
            state=InstanceState(values["state"]),
            summary=str(values["summary"]),
            hint=str(values["hint"]),
            since_ms=int(values["since_ms"]),
            numbers={str(name): float(number) for name, number in values["numbers"].items()},
            warnings=tuple(values["warnings"]),
            field_errors={str(name): tuple(texts) for name, texts in values["field_errors"].items()},
            last_recording_ms=values["last_recording_ms"],
        )
    except (KeyError, ValueError, TypeError, AttributeError):
        return InstanceHealth()
