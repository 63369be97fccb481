"""The lamp of an instance: a colour, a shape and words, so that none of them is needed alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hub.clock import from_ms
from hub.runtime.instance import Instance, InstanceState
from webui.fact_names import name_of_fact
from webui.language import current, gettext, later
from webui.told import told

WORDS = {
    InstanceState.OK: later("Working"),
    InstanceState.DEGRADED: later("Working, with trouble"),
    InstanceState.DOWN: later("Not working"),
    InstanceState.STARTING: later("Starting"),
    InstanceState.PARKED: later("Parked after crashes"),
    InstanceState.DISABLED: later("Switched off"),
    InstanceState.NEEDS_SETTINGS: later("Needs settings"),
    InstanceState.PLUGIN_MISSING: later("Plug-in missing"),
}
SHAPES = {
    InstanceState.OK: "circle-check",
    InstanceState.DEGRADED: "triangle-alert",
    InstanceState.DOWN: "circle-x",
    InstanceState.STARTING: "circle-dashed",
    InstanceState.PARKED: "octagon-alert",
    InstanceState.DISABLED: "circle-pause",
    InstanceState.NEEDS_SETTINGS: "wrench",
    InstanceState.PLUGIN_MISSING: "puzzle",
}
_UNITS = {"_s": "s", "_ms": "ms", "_bytes": "bytes", "_mb": "MB", "_items": "", "_percent": "%"}
_CALM = frozenset({InstanceState.OK, InstanceState.DISABLED, InstanceState.STARTING})


@dataclass(frozen=True, slots=True)
class Lamp:
    """What one instance shows."""

    state: InstanceState
    words: str
    shape: str
    since: datetime | None
    summary: str
    hint: str
    last_recording: datetime | None
    numbers: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]

    @property
    def is_trouble(self) -> bool:
        """Whether the summary deserves a box of its own."""
        return self.state not in _CALM and bool(self.summary or self.hint)


def lamp_of(instance: Instance) -> Lamp:
    """The lamp of an instance in the viewer's language."""
    health = instance.health
    return Lamp(
        state=health.state,
        words=gettext(WORDS[health.state]),
        shape=SHAPES[health.state],
        since=from_ms(health.since_ms) if health.since_ms else None,
        summary=told(health.summary),
        hint=told(health.hint),
        last_recording=from_ms(health.last_recording_ms) if health.last_recording_ms else None,
        numbers=tuple(numbers(health.numbers)),
        warnings=tuple(told(warning) for warning in health.warnings),
    )


def numbers(values: Mapping[str, float]) -> list[tuple[str, str]]:
    """(what, value with unit) of a plug-in's numbers; the ending of a name is its unit."""
    shown = []
    for name, value in values.items():
        ending = next((ending for ending in _UNITS if name.endswith(ending)), "")
        what = name_of_fact(name.removesuffix(ending) or name)
        unit = gettext(_UNITS.get(ending, ""))
        text = current().size(value) if ending == "_bytes" else f"{current().number(value)} {unit}"
        shown.append((what, text.strip()))
    return shown
