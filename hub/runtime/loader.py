"""Finds plug-ins with stevedore; one bad plug-in never stops the others or the hub.

stevedore 5.10 alone falls short in four ways: its on-disk cache can be up to 64 s stale, it drops the distribution of
an entry point, it lets AssertionError and SystemExit of a plug-in's import escape, and of two equal names it silently
takes the last. `_FreshManager` overrides the one public hook, `list_entry_points`, to mend all four.
"""

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


def scan_all() -> dict[Kind, Scan]:
    """Load every plug-in of every kind."""
    return {kind: scan(kind) for kind in Kind}


def scan(kind: Kind, only: str = "") -> Scan:
    """Load every plug-in of `kind`, or the one called `only`; the hub's own distribution wins a name."""
    result = Scan()

    def refuse(_manager: Any, point: EntryPoint, exc: BaseException) -> None:
        cause = exc.__cause__ or exc
        result.refused.append(_refused(kind, point, f"{type(cause).__name__}: {cause}"))

    manager = _FreshManager(f"recording_hub.{kind}", only, on_load_failure_callback=refuse)
    for extension in manager.extensions:
        point = extension.entry_point
        try:
            result.found[point.name] = _accept(point, extension.plugin, kind, result)
        except (TypeError, ValueError, AttributeError) as exc:
            result.refused.append(_refused(kind, point, str(exc)))
    return result


def _accept(point: EntryPoint, cls: Any, kind: Kind, result: Scan) -> Found:
    if not (isinstance(cls, type) and issubclass(cls, Plugin)):
        raise TypeError(f"{point.value} is not a class derived from hub.sdk.Plugin")
    info = cls.info
    if point.name in result.found:
        raise ValueError(f"the name is taken by {result.found[point.name].distribution}")
    if info.kind is not kind:
        raise TypeError(f"registered as {kind} but says it is a {info.kind}")
    if info.name != point.name:
        raise ValueError(f"the entry point is called {point.name!r}, the plug-in {info.name!r}")
    if not API_VERSION.accepts(info.api):
        raise ValueError(f"built for plug-in API {info.api}, this hub has {API_VERSION}")
    if not issubclass(info.settings, PluginSettings):
        raise TypeError("its settings are not derived from hub.sdk.PluginSettings")
    form_fields(info.settings)
    return Found(cls, *_distribution(point))


def _refused(kind: Kind, point: EntryPoint, reason: str) -> Refused:
    return Refused(kind, point.name, reason, *_distribution(point))


def _distribution(point: EntryPoint) -> tuple[str, str]:
    return (point.dist.name, point.dist.version) if point.dist else ("", "")


class _FreshManager(ExtensionManager[Plugin[Any]]):
    """stevedore without its cache, own plug-ins first, imports guarded."""

    def __init__(self, namespace: str, only: str, **options: Any) -> None:
        self._only = only
        super().__init__(namespace, **options)

    def list_entry_points(self) -> list[EntryPoint]:
        """Entry points as they are installed now, each with its distribution."""
        points = sorted(entry_points(group=self.namespace), key=_own_first)
        return cast("list[EntryPoint]", [_GuardedPoint(point) for point in points if self._only in {"", point.name}])


class _GuardedPoint:
    """An entry point whose load() turns every failure but Ctrl-C into ImportError."""

    def __init__(self, point: EntryPoint) -> None:
        self._point = point

    def __getattr__(self, name: str) -> Any:
        return getattr(self._point, name)

    def load(self) -> Any:
        """The plug-in class.

        Raises: ImportError whatever the import raised.
        """
        try:
            return self._point.load()
        except KeyboardInterrupt:
            raise
        except BaseException as exc:
            raise ImportError(self._point.value) from exc


def _own_first(point: EntryPoint) -> tuple[bool, str, str]:
    distribution = _distribution(point)[0]
    return (distribution != OWN_DISTRIBUTION, distribution, point.name)
