"""How long a finished call takes from the hand-off folder to the list, through a hub as people start it."""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

_HERE = Path(__file__).resolve()
sys.path[:0] = [str(_HERE.parents[2]), str(_HERE.parent)]

from figure import Figure, emit  # noqa: E402 - a benchmark is a script

from tests.doubles import speechlike  # noqa: E402
from tests.doubles.hub import Administrator, Hub, until  # noqa: E402

_BAR_S = 2.0
_SETTLE_AGE_S = 5.0


def main() -> None:
    """Hand calls over in three ways, one after the other, and time each until the API lists it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    rounds = 2 if parser.parse_args().quick else 10
    with tempfile.TemporaryDirectory() as folder, Hub(Path(folder) / "data") as hub:
        (drop := Path(folder) / "VRL").mkdir()
        with hub.administrator() as admin:
            device = {"plugin": "ipoffice", "name": "Head office", "settings": {"folder": str(drop)}}
            admin.api.post("/devices", json=device).raise_for_status()
            until(lambda: admin.api.get("/devices").json()["items"][0]["health"]["state"] == "ok", 60, "a device")
            for way, extra_s in (("renamed", 0.0), ("closed after write", 0.0), ("kept open", _SETTLE_AGE_S)):
                times = [_hand_over(admin, drop, way, number) - extra_s for number in range(rounds)]
                worst = max(times)
                after = "its settle age" if extra_s else "that"
                emit(
                    Figure(
                        figure=f"arrival of a call that is {way}, slowest of {rounds} (seconds after {after})",
                        value=worst,
                        unit="s",
                        beside=f"median {statistics.median(times):.2f} s",
                        ratio=worst / _BAR_S,
                        bar=f"< {_BAR_S:g} s",
                        ok=worst < _BAR_S,
                    )
                )


def _hand_over(admin: Administrator, drop: Path, way: str, number: int) -> float:
    name = f"{way.replace(' ', '-')}-{number}.wav"
    content = speechlike.wav(speechlike.talk(10.0, 1, hash(name) % 10_000))
    before = _count(admin)
    if way == "renamed":
        made = drop.with_name(name)
        made.write_bytes(content)
        began_s = time.monotonic()
        made.rename(drop / name)
        until(lambda: _count(admin) > before, 30, name)
    elif way == "closed after write":
        (drop / name).write_bytes(content)
        began_s = time.monotonic()
        until(lambda: _count(admin) > before, 30, name)
    else:
        with (drop / name).open("wb") as file:  # a writer that dies without closing it says nothing
            file.write(content)
            file.flush()
            began_s = time.monotonic()
            until(lambda: _count(admin) > before, 30, name)
    return time.monotonic() - began_s


def _count(admin: Administrator) -> int:
    return len(admin.api.get("/recordings", params={"limit": 200}).json()["items"])


if __name__ == "__main__":
    main()
