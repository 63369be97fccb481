"""Whether `hub` and `webui` are this hub's own: the package index knows other distributions by these names."""

from collections.abc import Mapping, Sequence
from importlib.metadata import packages_distributions

from hub.config.errors import ConfigError

DISTRIBUTION = "recording-hub"
OWN_PACKAGES = ("hub", "webui")


def check_import_names(owners: Mapping[str, Sequence[str]] | None = None) -> None:
    """Refuse to go on where another distribution installed a package of the same name.

    owners: import name -> distributions that install it; None: what is installed here.
    Raises: ConfigError naming the distribution to remove.
    """
    found = packages_distributions() if owners is None else owners
    for package in OWN_PACKAGES:
        others = sorted({name for name in found.get(package, ()) if name.lower().replace("_", "-") != DISTRIBUTION})
        if others:
            raise ConfigError(
                f"The Python package {package!r} is also installed by {', '.join(others)}, "
                "so that it is uncertain whose code runs.",
                hint=f"Give the hub a virtual environment of its own, or run: pip uninstall {' '.join(others)}",
            )
