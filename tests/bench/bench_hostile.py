"""How fast pages come while four devices misbehave, beside the same hub without them."""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

_HERE = Path(__file__).resolve()
sys.path[:0] = [str(_HERE.parents[2]), str(_HERE.parent)]

from figure import Figure, emit  # noqa: E402 - a benchmark is a script

from tests.doubles import plugins  # noqa: E402
from tests.doubles.hub import Administrator, Hub, until  # noqa: E402
from webui.pages.recordings import PAGE_ROWS  # noqa: E402

_HOSTILE = ("sleeper", "leaker", "exiter", "stubborn")
_BAR = 1.5
_REST_S = 3.0


def main() -> None:
    """Measure a page before and after the hostile devices are added."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    pages = 60 if parser.parse_args().quick else 400
    with tempfile.TemporaryDirectory() as name, plugins.on_path(Path(name) / "site") as site:
        plugins.install_zoo(site)
        with Hub(Path(name) / "data", {"PYTHONPATH": str(site)}) as hub, hub.administrator() as admin:
            _add(admin, "steady")
            until(lambda: _count(admin) > PAGE_ROWS, 120, "a page full of recordings")  # a fuller page takes longer
            calm_ms = _p95_ms(admin, pages)
            for plugin in _HOSTILE:
                _add(admin, plugin)
            until(lambda: _health(admin, "exiter")["state"] in {"down", "parked"}, 60, "a first crash")
            time.sleep(_REST_S)
            stormy_ms = _p95_ms(admin, pages)
    emit(
        Figure(
            figure="page p95 with four hostile devices",
            value=stormy_ms,
            unit="ms",
            beside=f"{calm_ms:.1f} ms without them",
            ratio=stormy_ms / calm_ms,
            bar=f"<= {_BAR} times",
            ok=stormy_ms <= _BAR * calm_ms,
        )
    )


def _add(admin: Administrator, plugin: str) -> None:
    device = {"plugin": plugin, "name": plugin, "settings": {"pause_s": 0.5}}
    admin.api.post("/devices", json=device).raise_for_status()


def _count(admin: Administrator) -> int:
    return int(admin.api.get("/recordings/count").json()["n"])


def _health(admin: Administrator, name: str) -> dict[str, object]:
    found: list[dict[str, object]] = admin.api.get("/devices").json()["items"]
    health = next(item for item in found if item["name"] == name)["health"]
    assert isinstance(health, dict)
    return health


def _p95_ms(admin: Administrator, pages: int) -> float:
    times_ms = []
    for _ in range(pages):
        began_s = time.perf_counter()
        admin.browser.get("/recordings").raise_for_status()
        times_ms.append((time.perf_counter() - began_s) * 1000)
    return statistics.quantiles(times_ms, n=20)[-1]


if __name__ == "__main__":
    main()
