"""A page of 50 recordings out of a million: by date, device, direction, length, number, name, on SQLite.

`--quick` takes 20,000 recordings; `--postgres` runs the same on PostgreSQL; `--keep FILE` fills FILE once and goes on
with it.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import httpx2
from figure import Figure, emit
from million import END_MS, EXTENSIONS, SPAN_MS, fill, name_of
from sqlalchemy import func, select, true

from hub.audit import SYSTEM
from hub.catalog import search
from hub.catalog.models import Recording
from hub.catalog.query import Cursor, RecordingQuery, Visible
from hub.clock import from_ms
from hub.config import load_config
from hub.db.database import Database
from hub.sdk import Direction
from tests.doubles import postgres
from tests.doubles import services as doubles
from tests.doubles.site import Site

BAR_MS = 30.0
ROUNDS = 40
HELD = ("newest", "date", "extension", "part of a number", "name")
"""Kinds that must hold the bar each for itself; the others count in the whole."""

EVERYTHING = Visible(true())
_chance = random.Random(20261120)


def _month() -> RecordingQuery:
    start_ms = END_MS - _chance.randrange(SPAN_MS)
    return RecordingQuery(started_from=from_ms(start_ms), started_before=from_ms(start_ms + 30 * 86_400_000))


def _extension() -> str:
    return str(8000 + _chance.randrange(EXTENSIONS))


QUERIES: dict[str, Callable[[], RecordingQuery]] = {
    "newest": RecordingQuery,
    "date": _month,
    "direction": lambda: RecordingQuery(directions=frozenset({_chance.choice(list(Direction))})),
    "two directions": lambda: RecordingQuery(directions=frozenset({Direction.INTERNAL, Direction.UNKNOWN})),
    "device and date": lambda: replace(_month(), device_ids=frozenset({_chance.randint(1, 8)})),
    "three devices": lambda: RecordingQuery(device_ids=frozenset(_chance.sample(range(1, 9), 3))),
    "longer than 10 min": lambda: RecordingQuery(min_s=float(_chance.randint(600, 3600))),
    "longer than 1 min": lambda: RecordingQuery(min_s=60.0),
    "not understood": lambda: RecordingQuery(problems=True),
    "extension": lambda: RecordingQuery(text=_extension()),
    "20 extensions": lambda: RecordingQuery(parties=",".join(_extension() for _ in range(20))),
    "part of a number": lambda: RecordingQuery(text=str(_chance.randint(10_000, 99_999))),
    "common part of a number": lambda: RecordingQuery(text=str(_chance.randint(100, 999))),
    "two digits": lambda: RecordingQuery(text=str(_chance.randint(10, 99))),
    "name": lambda: RecordingQuery(text=name_of(_chance.randrange(EXTENSIONS))),
    "first name": lambda: RecordingQuery(agent=_chance.choice(["anna", "helene", "王伟", "dieter"])),
    "skill": lambda: RecordingQuery(skill="complaints"),
    "call id": lambda: RecordingQuery(call_id=f"call-{_chance.randrange(800_000)}"),
    "number and date": lambda: replace(_month(), text=str(_chance.randint(1_000, 9_999))),
    "agent, direction, length": lambda: RecordingQuery(
        agent=name_of(_chance.randrange(EXTENSIONS)), directions=frozenset({Direction.INTERNAL}), min_s=120
    ),
    "nothing": lambda: RecordingQuery(text="nobody has this name"),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    rows, rounds = (20_000, 5) if asked.quick else (1_000_000, ROUNDS)
    with _database(asked.postgres, asked.keep) as db:
        db.upgrade()
        if _is_empty(db):
            fill(db, rows)
        everything = [took for name, make in QUERIES.items() for took in _measure(db, name, make, rounds)]
        deep = _by_offset(db, rows, rounds)
        _emit(f"page of 50 of {rows:,}, all kinds", everything, beside="page by OFFSET at random depth", other=deep)
        _counts(db, rounds)
        with tempfile.TemporaryDirectory() as folder:
            _whole_pages(db, Path(folder), rounds)
    return 0


@contextmanager
def _database(wants_postgres: bool, keep: Path | None) -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as folder, postgres.alone() if wants_postgres else nullcontext() as server:
        url = server.url() if server else f"sqlite:///{keep or Path(folder) / 'catalog.sqlite3'}"
        db = Database(url)
        try:
            yield db
        finally:
            db.close()


def _is_empty(db: Database) -> bool:
    with db.read() as session:
        return session.execute(select(Recording.id).limit(1)).first() is None


def _measure(db: Database, name: str, make: Callable[[], RecordingQuery], rounds: int) -> list[float]:
    """Milliseconds of a first page, and of the page after a random place, for each round."""
    took = []
    for _ in range(rounds):
        query = make()
        took.append(_page(db, query, None))
        took.append(_page(db, query, Cursor(END_MS - _chance.randrange(SPAN_MS), 0)))
    _emit(f"page: {name}", took, bar_ms=BAR_MS if name in HELD else None)
    return took


def _page(db: Database, query: RecordingQuery, before: Cursor | None) -> float:
    begun = time.perf_counter()
    with db.read() as session:
        search.search(session, EVERYTHING, query, before=before)
    return (time.perf_counter() - begun) * 1000


def _whole_pages(db: Database, folder: Path, rounds: int) -> None:
    """The page as a browser gets it, over HTTP: search, lamps and HTML, with the time that the browser takes."""
    config = load_config({}, data=folder)
    config.make_folders()
    services = doubles.build(config, db)
    doubles.add_administrator(services)
    token = services.accounts.sign_in(doubles.LOGIN, doubles.PASSWORD, SYSTEM).session_token
    with Site(services, token=token) as site, httpx2.Client(base_url=site.address, cookies={"sid": token}) as browser:
        for name, make in {"newest": dict, "an extension": lambda: {"q": _extension()}}.items():
            took = []
            for _ in range(rounds + 1):
                begun = time.perf_counter()
                answer = browser.get("/recordings", params=make())
                took.append((time.perf_counter() - begun) * 1000)
                assert answer.text.count("data-start") > 1
            # The first compiles templates. A text is also noted in the audit trail, durably.
            _emit(f"whole page over HTTP: {name}", took[1:], bar_ms=BAR_MS if name == "newest" else None)
    services.board.close()


def _by_offset(db: Database, rows: int, rounds: int) -> list[float]:
    """What paging by OFFSET would take."""
    table, took = Recording.table(), []
    for _ in range(max(rounds // 4, 3)):
        begun = time.perf_counter()
        page = select(table).order_by(table.c.start_ms.desc(), table.c.id.desc()).limit(50)
        with db.read() as session:
            session.execute(page.offset(_chance.randrange(rows))).all()
        took.append((time.perf_counter() - begun) * 1000)
    return took


def _counts(db: Database, rounds: int) -> None:
    took = []
    for name, make in QUERIES.items():
        these = []
        for _ in range(max(rounds // 4, 3)):
            begun = time.perf_counter()
            with db.read() as session:
                search.count(session, EVERYTHING, make())
            these.append((time.perf_counter() - begun) * 1000)
        _emit(f"count: {name}", these)
        took += these
    begun = time.perf_counter()
    with db.read() as session:
        session.scalar(select(func.count()).select_from(Recording.table()).where(Recording.duration_ms > 0))
    full = [(time.perf_counter() - begun) * 1000]
    _emit("count to 10,000, all kinds", took, beside="counting all rows", other=full, bar_ms=None)


def _emit(
    name: str, took: list[float], *, beside: str = "", other: list[float] | None = None, bar_ms: float | None = BAR_MS
) -> None:
    value = _p95(took)
    is_page = not name.startswith("count")
    emit(
        Figure(
            figure=name,
            value=value,
            unit="ms p95",
            beside=beside,
            ratio=value / _p95(other) if other else None,
            bar=f"under {bar_ms:.0f} ms" if bar_ms and is_page else "",
            ok=value < bar_ms if bar_ms and is_page else None,
        )
    )


def _p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


if __name__ == "__main__":
    raise SystemExit(main())
