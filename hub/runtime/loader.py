"""Finds plug-ins with stevedore; one bad plug-in never stops the others or the hub.

stevedore 5.10 alone falls short in four ways: its on-disk cache can be up to 64 s stale, it drops the distribution of
an entry point, it lets AssertionError and SystemExit of a plug-in's import escape, and of two equal names it silently
takes the last. `_FreshManager` overrides the one public hook, `list_entry_points`, to mend all four.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from stevedore import ExtensionManager

from hub.runtime.fields import form_fields
from hub.sdk import API_VERSION, Kind, Plugin, PluginInfo, PluginSettings

OWN_DISTRIBUTION = "recording-hub"


@dataclass(frozen=True, slots=True)
class Found:
    """A plug-in class and the distribution that ships it."""

    cls: type[Plugin[Any]]
    distribution: str
    version: str

    @property
    def info(self) -> PluginInfo:
        """What the plug-in says of itself."""
        return self.cls.info

    def can(self, ability: type) -> bool:
        """Whether the plug-in has an ability of the sdk, such as `Controls`."""
        return issubclass(self.cls, ability)


@dataclass(frozen=True, slots=True)
class Refused:
    """An entry point that gave no usable plug-in, and why."""

    kind: Kind
    name: str
    reason: str
    distribution: str
    version: str


@dataclass(slots=True)
class Scan:
    """Result of one scan of one kind; the Plug-ins page shows both parts."""

    found: dict[str, Found] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)


def scan_all(harmful: Mapping[tuple[Kind, str, str], str] | None = None) -> dict[Kind, Scan]:
    """Load every plug-in of every kind.

    harmful: (kind, name, distribution) of what must not even be imported -> why.
    """
    avoided = harmful or {}
    return {kind: scan(kind, avoid={key[1:]: why for key, why in avoided.items() if key[0] is kind}) for kind in Kind}


def scan(kind: Kind, only: str = "", avoid: Mapping[tuple[str, str], str] | None = None) -> Scan:
    """Load every plug-in of `kind`, or the one called `only`; the hub's own distribution wins a name.

    avoid: (name, distribution) of what must not be imported -> why.
    """
    result = Scan()

    def refuse(_manager: Any, point: EntryPoint, exc: BaseException) -> None:
        cause = exc.__cause__ or exc
        reason = str(cause) if isinstance(cause, _Avoided) else f"{type(cause).__name__}: {cause}"
        result.refused.append(_refused(kind, point, reason))

    manager = _FreshManager(f"recording_hub.{kind}", only, avoid or {}, on_load_failure_callback=refuse)
    for extension in manager.extensions:
        point = extension.entry_point
        try:
            result.found[point.name] = _accept(point, extension.plugin, kind, result)
        except Exception as exc:  # noqa: BLE001 - attributes of a plug-in's class can raise whatever they like
            result.refused.append(_refused(kind, point, str(exc) or type(exc).__name__))
    return result


def is_own(point: EntryPoint) -> bool:
    """Whether the hub's own distribution brings it."""
    return distribution_of(point)[0] == OWN_DISTRIBUTION


def distribution_of(point: EntryPoint) -> tuple[str, str]:
    """Name and version of the distribution that brings `point`."""
    return (point.dist.name, point.dist.version) if point.dist else ("", "")


def _accept(point: EntryPoint, cls: Any, kind: Kind, result: Scan) -> Found:
    if not (isinstance(cls, type) and issubclass(cls, Plugin)):
        raise TypeError(f"{point.value} is not a class derived from hub.sdk.Plugin")
    info = cls.info
    if taken := _taken_by(point.name, result):
        raise ValueError(f"the name is taken by {taken}")
    if info.kind is not kind:
        raise TypeError(f"registered as {kind} but says it is a {info.kind}")
    if info.name != point.name:
        raise ValueError(f"the entry point is called {point.name!r}, the plug-in {info.name!r}")
    if not API_VERSION.accepts(info.api):
        raise ValueError(f"built for plug-in API {info.api}, this hub has {API_VERSION}")
    if not issubclass(info.settings, PluginSettings):
        raise TypeError("its settings are not derived from hub.sdk.PluginSettings")
    form_fields(info.settings)
    return Found(cls, *distribution_of(point))


def _taken_by(name: str, result: Scan) -> str:
    """Who has the name already; a plug-in of the hub keeps its name even while it cannot be loaded."""
    if name in result.found:
        return result.found[name].distribution
    own = [refused for refused in result.refused if refused.name == name and refused.distribution == OWN_DISTRIBUTION]
    return OWN_DISTRIBUTION if own else ""


def _refused(kind: Kind, point: EntryPoint, reason: str) -> Refused:
    return Refused(kind, point.name, reason, *distribution_of(point))


class _Avoided(Exception):
    """The plug-in is known to harm the process that imports it."""


class _FreshManager(ExtensionManager[Plugin[Any]]):
    """stevedore without its cache, own plug-ins first, imports guarded."""

    def __init__(self, namespace: str, only: str, avoid: Mapping[tuple[str, str], str], **options: Any) -> None:
        self._only = only
        self._avoid = avoid
        super().__init__(namespace, **options)

    def list_entry_points(self) -> list[EntryPoint]:
        """Entry points as they are installed now, each with its distribution."""
        points = sorted(entry_points(group=self.namespace), key=_own_first)
        wanted = [point for point in points if self._only in {"", point.name}]
        reasons = [self._avoid.get((point.name, distribution_of(point)[0]), "") for point in wanted]
        guarded = [_GuardedPoint(point, reason) for point, reason in zip(wanted, reasons, strict=True)]
        return cast("list[EntryPoint]", guarded)


class _GuardedPoint:
    """An entry point whose load() turns every failure but Ctrl-C into ImportError."""

    def __init__(self, point: EntryPoint, avoid: str) -> None:
        self._point = point
        self._avoid = avoid

    def __getattr__(self, name: str) -> Any:
        return getattr(self._point, name)

    def load(self) -> Any:
        """The plug-in class.

        Raises: ImportError whatever the import raised.
        """
        if self._avoid:
            raise ImportError(self._point.value) from _Avoided(self._avoid)
        try:
            return self._point.load()
        except KeyboardInterrupt:
            raise
        except BaseException as exc:
            raise ImportError(self._point.value) from exc


def _own_first(point: EntryPoint) -> tuple[bool, str, str]:
    return (not is_own(point), distribution_of(point)[0], point.name)
