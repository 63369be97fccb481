"""Background jobs that do nothing, a second: queued and done by one worker, on SQLite and PostgreSQL.

Beside it, the same table worked through by the bare driver: one loop that claims 20 jobs and finishes them, with no
leases to renew, no threads, no retries. PostgreSQL runs with fsync off, SQLite as in service.
"""

import argparse
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from figure import Figure, emit
from sqlalchemy import make_url

from hub.db.database import Database
from hub.jobs import queue
from hub.jobs.context import JobContext
from hub.jobs.job import NewJob
from hub.jobs.worker import Worker, WorkerSettings
from tests.doubles import postgres

KIND = "bench.nothing"
BATCH = 20
BAR_PER_S = 500.0
"""Ingest at its aim of 150 recordings a second asks for one copy of each, and everything else must fit in too."""

_SQLITE_CLAIM = """
UPDATE job SET state = 'running', attempts = attempts + 1, worker = 'bare', lease_until_ms = 1 WHERE id IN (
    SELECT id FROM job WHERE state = 'queued' AND run_at_ms <= 9e15 ORDER BY run_at_ms, id LIMIT 20
) RETURNING id, kind, payload
"""
_POSTGRES_CLAIM = _SQLITE_CLAIM.replace("LIMIT 20", "LIMIT 20 FOR UPDATE SKIP LOCKED")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    jobs = 400 if parser.parse_args().quick else 10_000
    with tempfile.TemporaryDirectory() as folder:
        db = Database(f"sqlite:///{folder}/catalog.sqlite3")
        _measure(db, jobs, lambda: _bare_sqlite(Path(folder) / "catalog.sqlite3"))
    with postgres.alone() as server:
        server.create_database("t_bench")
        db = Database(server.url("t_bench"))
        _measure(db, jobs, lambda: _bare_postgres(server.url("t_bench")))
    return 0


def _measure(db: Database, jobs: int, bare: Callable[[], int]) -> None:
    db.upgrade()
    queue_s = _timed(lambda: _queue(db, jobs))
    emit(Figure(figure=f"jobs queued, {db.dialect}", value=jobs / queue_s, unit="1/s", beside="in batches of 50"))
    work_s = _timed(lambda: _work(db, jobs))
    _queue(db, jobs)
    bare_s = _timed(bare)
    emit(
        Figure(
            figure=f"jobs done, {db.dialect}",
            value=jobs / work_s,
            unit="1/s",
            beside=f"bare driver: {jobs / bare_s:.0f}/s",
            ratio=bare_s / work_s,
            bar=f">= {BAR_PER_S:.0f}/s",
            ok=jobs / work_s >= BAR_PER_S,
        )
    )
    db.close()


def _timed(act: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    act()
    return time.perf_counter() - started_s


def _queue(db: Database, jobs: int) -> None:
    for _ in range(jobs // 50):
        with db.write() as session:
            queue.enqueue_all(session, [NewJob(kind=KIND, payload={"media": 1})] * 50)


def _work(db: Database, jobs: int) -> None:
    left = iter(range(jobs - 1, -1, -1))
    done = threading.Event()
    lock = threading.Lock()

    def handle(_: JobContext) -> None:
        with lock:
            if next(left) == 0:
                done.set()

    with Worker(db, {KIND: handle}, WorkerSettings(batch=BATCH)):
        done.wait()


def _bare_sqlite(path: Path) -> int:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    done = 0
    while True:
        connection.execute("BEGIN IMMEDIATE")
        ids = [row[0] for row in connection.execute(_SQLITE_CLAIM)]
        connection.execute("COMMIT")
        if not ids:
            connection.close()
            return done
        marks = ",".join("?" * len(ids))
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(f"UPDATE job SET state = 'done', finished_ms = 1 WHERE id IN ({marks})", ids)
        connection.execute("COMMIT")
        done += len(ids)


def _bare_postgres(address: str) -> int:
    url = make_url(address)
    with psycopg.connect(f"host={url.host} port={url.port} user={url.username} dbname={url.database}") as connection:
        done = 0
        while True:
            ids = [row[0] for row in connection.execute(_POSTGRES_CLAIM).fetchall()]
            connection.commit()
            if not ids:
                return done
            connection.execute("UPDATE job SET state = 'done', finished_ms = 1 WHERE id = ANY(%s)", [ids])
            connection.commit()
            done += len(ids)


if __name__ == "__main__":
    raise SystemExit(main())
