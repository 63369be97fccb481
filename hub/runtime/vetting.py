"""Tries the import of other people's plug-ins in a process apart, before the hub's own processes import them.

A guard around an import catches what it raises; it cannot catch an import that ends the process or never returns.
"""

import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import EntryPoint, entry_points

from hub.runtime.loader import distribution_of, is_own, scan
from hub.runtime.process import plugin_environ
from hub.sdk import Kind

TIME_LIMIT_S = 20.0
_DONE = "imported"
_AT_ONCE = 2


def vet(time_limit_s: float = TIME_LIMIT_S) -> dict[tuple[Kind, str, str], str]:
    """Why the import of a plug-in would harm the process that does it, by (kind, name, distribution)."""
    points = [(kind, point) for kind in Kind for point in _points_of_others(kind)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        reasons = list(pool.map(lambda item: _try_import(item[0], item[1].name, time_limit_s), points))
    return {
        (kind, point.name, distribution_of(point)[0]): reason
        for (kind, point), reason in zip(points, reasons, strict=True)
        if reason
    }


def _points_of_others(kind: Kind) -> Iterable[EntryPoint]:
    return [point for point in entry_points(group=f"recording_hub.{kind}") if not is_own(point)]


def _try_import(kind: Kind, name: str, time_limit_s: float) -> str:
    command = (sys.executable, "-P", "-m", "hub.runtime.vetting", kind.value, name)
    try:
        done = subprocess.run(  # noqa: S603 - our own module; the names come from installed packages
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=plugin_environ(os.environ),
            timeout=time_limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"its import did not return within {time_limit_s:g} s"
    if done.stdout.decode("utf-8", "replace").rstrip().endswith(_DONE):
        return ""
    return f"its import ended the process (exit code {done.returncode})"


def main(arguments: list[str]) -> None:
    """Import one plug-in and say that the process is still there."""
    kind, name = arguments
    scan(Kind(kind), only=name)
    print(f"\n{_DONE}", flush=True)  # noqa: T201 - this is what the other process waits for
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
