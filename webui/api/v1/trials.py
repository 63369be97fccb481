"""Settings that come from outside: parsed with every fault at its field, and tried on the other side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.app.services import Services
from hub.audit.action import Action
from hub.audit.actor import Actor
from hub.audit.trail import append
from hub.runtime.failure import PluginFailure
from hub.runtime.forms import FormErrors
from hub.runtime.instance import alarm_source
from hub.runtime.plugins import PluginMissing
from hub.sdk import Kind, PluginSettings
from webui.api.v1.failures import body_field, invalid
from webui.api.v1.problem import ApiError, FieldError
from webui.api.v1.schemas.instance import FailureOut, TrialOut


def parse_settings(
    hub: Services, kind: Kind, plugin: str, settings: dict[str, Any], instance_id: int | None = None
) -> PluginSettings:
    """The plug-in's own settings out of JSON.

    Raises: ApiError 422.
    """
    try:
        return hub.instances.parse(kind, plugin, settings, instance_id)
    except PluginMissing as missing:
        raise invalid([body_field("plugin", str(missing), "plugin_missing")], missing.hint) from None
    except FormErrors as errors:
        raise settings_refused(errors) from None


def settings_refused(errors: FormErrors) -> ApiError:
    """422 for settings that do not fit the plug-in."""
    return invalid(_settings_errors(errors.by_field))


@dataclass(frozen=True, slots=True)
class Trial:
    """What to try; instance_id: whose settings they are, None if they are not kept."""

    kind: Kind
    plugin: str
    settings: PluginSettings
    instance_id: int | None = None


def try_settings(hub: Services, actor: Actor, trial: Trial) -> TrialOut:
    """One try, which changes nothing on the other side and leaves an audit line.

    Raises: SupervisorAway.
    """
    subject = f"plugin:{trial.plugin}" if trial.instance_id is None else alarm_source(trial.instance_id)
    with hub.db.write() as session:
        append(session, actor, Action.DEVICE_TEST, subject=subject)
    try:
        health = hub.commands.check(trial.kind, trial.plugin, trial.settings, trial.instance_id)
    except PluginFailure as failure:
        told = FailureOut(
            kind=failure.kind, message=str(failure), hint=failure.hint, errors=_settings_errors(failure.by_field)
        )
        return TrialOut(passed=False, failure=told)
    return TrialOut(
        passed=True,
        state=health.state,
        summary=health.summary,
        hint=health.hint,
        warnings=list(health.warnings),
        numbers=dict(health.numbers),
    )


def _settings_errors(by_field: Mapping[str, Sequence[str]]) -> list[FieldError]:
    return [body_field(f"settings.{field}".rstrip("."), text) for field, texts in by_field.items() for text in texts]
