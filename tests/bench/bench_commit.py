"""Recordings committed in batches of 50, with every index, sum, seal and event, on SQLite.

`--quick` commits few; `--postgres` runs the same on PostgreSQL; `--onto FILE` commits to a copy of a filled catalog.
"""

import argparse
import random
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path

from figure import Figure, emit
from sqlalchemy import insert

from hub.audit import seal
from hub.catalog.commit import commit_recordings
from hub.catalog.models import Recording
from hub.clock import utc_now
from hub.db.database import Database
from hub.sdk import Direction, Owner, OwnerKind, Party, Role
from tests.doubles import postgres
from tests.doubles.recordings import NOON, prepared

BATCH = 50
BAR_PER_S = 500
_chance = random.Random(20261120)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--onto", type=Path)
    asked = parser.parse_args()
    recordings = [_recording(n) for n in range(500 if asked.quick else 10_000)]
    with _database(asked.postgres, asked.onto) as db:
        db.upgrade()
        bare = _bare_insert(db, len(recordings))
        _commit(db, recordings, bare)
        _seal(db)
    return 0


def _recording(n: int):
    outside = f"+49 30 {_chance.randrange(10_000_000):07}"
    extension = str(8000 + _chance.randrange(800))
    name = f"Agent {extension}"
    return prepared(
        1 + n % 4,
        started_at=NOON + timedelta(seconds=n * 7),
        direction=_chance.choice([Direction.INCOMING, Direction.OUTGOING]),
        parties=(Party(number=outside, role=Role.CALLER), Party(number=extension, name=name, role=Role.CALLED)),
        owner=Owner(kind=OwnerKind.USER, id=extension, name=name),
        agent=name,
        target=extension,
        skill=_chance.choice(["billing", "sales", "support"]),
        merge_same_media=True,
        raw={"riff:SIGN": b"\0" * 64},
    )


@contextmanager
def _database(wants_postgres: bool, onto: Path | None) -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as folder, postgres.alone() if wants_postgres else nullcontext() as server:
        path = Path(folder) / "catalog.sqlite3"
        if onto:
            shutil.copyfile(onto, path)
        db = Database(server.url() if server else f"sqlite:///{path}")
        try:
            yield db
        finally:
            db.close()


def _bare_insert(db: Database, n: int) -> float:
    """Recordings a second if a bare row were all there is to write: what the same disk and driver allow."""
    row = {column.name: None if column.nullable else _anything(column) for column in Recording.table().columns}
    begun = time.perf_counter()
    for start in range(0, n, BATCH):
        with db.write() as session:
            session.execute(insert(Recording.table()), [row | {"id": -start - place - 1} for place in range(BATCH)])
    took_s = time.perf_counter() - begun
    with db.write() as session:
        session.execute(Recording.table().delete().where(Recording.id < 0))
    return n / took_s


def _anything(column):
    kind = column.type.python_type if column.name not in ("parties", "fields", "provenance") else dict
    return {"direction": "unknown", "notice_kind": "unknown"}.get(column.name, kind())


def _commit(db: Database, recordings: list, bare_per_s: float) -> None:
    took_ms, cpu_begun = [], _cpu_s()
    begun = time.perf_counter()
    for start in range(0, len(recordings), BATCH):
        batch_begun = time.perf_counter()
        with db.write() as session:
            commit_recordings(session, recordings[start : start + BATCH], timezone_of=lambda _: "Europe/Berlin")
        took_ms.append((time.perf_counter() - batch_begun) * 1000)
    per_s = len(recordings) / (time.perf_counter() - begun)
    cpu_ms = (_cpu_s() - cpu_begun) * 1000 / len(recordings)
    bar = f"at least {BAR_PER_S}" if db.dialect == "sqlite" else ""
    emit(
        Figure(
            figure=f"commit in batches of {BATCH}, {db.dialect}",
            value=per_s,
            unit="recordings/s",
            beside="bare row per recording",
            ratio=per_s / bare_per_s,
            bar=bar,
            ok=per_s >= BAR_PER_S if bar else None,
        )
    )
    emit(Figure(figure="commit, processor time", value=cpu_ms, unit="ms/recording"))
    emit(Figure(figure=f"commit of {BATCH}, p95", value=sorted(took_ms)[int(len(took_ms) * 0.95)], unit="ms"))


def _seal(db: Database) -> None:
    begun = time.perf_counter()
    sealed = seal(db, utc_now())
    emit(Figure(figure="sealing the trail", value=sealed / (time.perf_counter() - begun), unit="lines/s"))


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    raise SystemExit(main())
