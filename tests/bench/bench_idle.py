"""Memory of a hub that has nothing to do: supervisor, web, worker and one folder device."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

_HERE = Path(__file__).resolve()
sys.path[:0] = [str(_HERE.parents[2]), str(_HERE.parent)]

from figure import Figure, emit  # noqa: E402 - a benchmark is a script

from tests.doubles.hub import Hub, until  # noqa: E402

_BAR_MB = 350
_REST_S = 10


def main() -> None:
    """Start a hub with one device, look at a page, let it rest, and add up what its processes hold."""
    argparse.ArgumentParser(description=__doc__).add_argument("--quick", action="store_true")
    with tempfile.TemporaryDirectory() as folder, Hub(Path(folder) / "data") as hub:
        (drop := Path(folder) / "VRL").mkdir()
        with hub.administrator() as admin:
            device = {"plugin": "ipoffice", "name": "Head office", "settings": {"folder": str(drop)}}
            admin.api.post("/devices", json=device).raise_for_status()
            until(lambda: admin.api.get("/devices").json()["items"][0]["health"]["state"] == "ok", 60, "a device")
            admin.browser.get("/recordings").raise_for_status()
            time.sleep(_REST_S)
            parts = {pid: _pss_mb(pid) for pid in hub.family()}
            whole = sum(parts.values())
            beside = " + ".join(f"{_name(pid)} {size:.0f}" for pid, size in parts.items())
        emit(
            Figure(
                figure="idle hub, PSS of all processes",
                value=whole,
                unit="MB",
                beside=beside,
                ratio=whole / _BAR_MB,
                bar=f"< {_BAR_MB} MB",
                ok=whole < _BAR_MB,
            )
        )


def _pss_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _name(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    known = [word for word in ("web", "worker", "serve") if word in words]
    return known[0] if known else next((word for word in words if word.startswith("hub.")), str(pid))


if __name__ == "__main__":
    main()
