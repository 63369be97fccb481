"""A hub in small, for tests that kill it: a source that empties a folder, and a worker; each a process of its own.

`live` begins such a process from one that has imported all it needs, which takes a tenth of the time of this:

python -m tests.doubles.small_hub source|worker|retry <folder> <database url>
    source   hands over all files of <folder>/handoff/<server>/ and removes each after its receipt
    worker   works until the spool is empty and no job waits
    retry    sends everything in quarantine on its way again
"""

import multiprocessing
import os
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from hub import steps
from hub.alerts.board import Board
from hub.audit import Actor
from hub.db.database import Database
from hub.db.errors import DatabaseAway
from hub.ingest.drain import Drain
from hub.ingest.entry import write_attempts
from hub.ingest.quarantine import Quarantine
from hub.ingest.spool import Spool
from hub.ingest.work import DrainSettings
from hub.jobs.job import Rule
from hub.jobs.listing import count_open
from hub.jobs.worker import Worker, WorkerSettings
from hub.runtime.state import KeyedState
from hub.sdk import MediaFile, RecordingDraft, RetryLater
from hub.steps import watch_removals
from hub.vault.copies import COPY, REMOVE, Copies
from hub.vault.stores import Stores
from plugins.connectors.local.plugin import LocalFolder
from tests.doubles.stores import StoreContext, local_store

PRIMARY, SECOND = 11, 12
SERVERS = {"head-office": 7, "branch": 8}
DEADLY = "deadly"  # a file of this name is treated as one over which workers died
_STARTED = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Devices:
    """They have no names here."""

    def name(self, instance_id: int) -> str:
        return f"device {instance_id}"

    def timezone(self, _instance_id: int) -> str:
        return "UTC"


def live(role: str, folder: Path, url: str, kill_at: str, deadline_s: float) -> tuple[int, str]:
    """One life of a process, which dies where `kill_at` says.

    Returns: its exit code, negative for a signal; what it printed. Raises: TimeoutError.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    printed = folder / "printed"
    process = context.Process(target=_live, args=(role, folder, url, kill_at, printed))
    process.start()
    process.join(deadline_s)
    if process.exitcode is None:
        process.kill()
        raise TimeoutError(f"{role} works on after {deadline_s:.0f} s: {printed.read_text()[-4000:]}")
    return process.exitcode, printed.read_text()


def _live(role: str, folder: Path, url: str, kill_at: str, printed: Path) -> None:
    output = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.environ[steps.KILL_VARIABLE] = kill_at
    steps._step, steps._remaining = steps._read_order()
    play(role, folder, url)


def empty_handoff(folder: Path) -> None:
    """What a hand-off source does, with nothing left out: submit, wait for the receipt, remove."""
    spool = Spool(folder / "spool")
    watch_removals(spool.folder)
    for server, device in SERVERS.items():
        for path in sorted((folder / "handoff" / server).iterdir()):
            draft = RecordingDraft(
                origin_id=path.name,
                origin_name=path.name,
                origin_server=server,
                started_at=_STARTED,
                media=(MediaFile(path=path),),
                merge_same_media=True,
            )
            while True:
                try:
                    receipt = spool.submit(device, draft)
                    break
                except RetryLater:
                    (folder / "refused").touch()
                    time.sleep(0.05)
            if path.name.startswith(DEADLY) and not receipt.duplicate and spool.contains(receipt.id):
                write_attempts(spool.ready / receipt.id, 9, 0)
            path.unlink()


def work(folder: Path, db: Database) -> None:
    """Drain, copy and tidy until nothing is left to do."""
    _wait_for(db)
    board, spool = Board(db), Spool(folder / "spool")
    states = {store_id: KeyedState(folder / f"state-{store_id}.sqlite3") for store_id in (PRIMARY, SECOND)}

    def open_store(store_id: int) -> LocalFolder:
        return local_store(folder / f"store-{store_id}", StoreContext(f"store {store_id}", states[store_id]))

    stores = Stores(open_store)
    drain = Drain(
        spool, db, stores, board, Devices(), DrainSettings(look_s=0.02, first_pause_s=0.1, longest_pause_s=0.5)
    )
    draining = threading.Thread(target=drain.run)
    draining.start()
    handlers = Copies(db, stores, board, lambda: False).handlers()
    patient = {COPY: Rule(crashes=1000, first_wait_s=0.1), REMOVE: Rule(crashes=1000, first_wait_s=0.1)}
    with Worker(db, handlers, settings=WorkerSettings(threads=2, poll_s=0.05, lease_s=1.0, rules=patient)):
        while spool.count() or _is_awaited(folder) or _open_jobs(db):
            time.sleep(0.02)
    drain.stop()
    draining.join()
    stores.close()
    for state in states.values():
        state.close()
    board.close()


def retry(folder: Path, db: Database) -> None:
    """Send all that was set aside on its way again."""
    board = Board(db)
    quarantine = Quarantine(Spool(folder / "spool"), db, board)
    for item in quarantine.list():
        quarantine.retry(item.id, Actor(1, "maria", "web"))
    board.close()


def _is_awaited(folder: Path) -> bool:
    """Whether a source that was refused still has files to hand over."""
    return (folder / "refused").exists() and any(path.is_file() for path in (folder / "handoff").rglob("*"))


def _wait_for(db: Database) -> None:
    while True:
        try:
            db.check()
        except DatabaseAway:
            time.sleep(0.05)
        else:
            return


def _open_jobs(db: Database) -> int:
    try:
        with db.read() as session:
            return sum(count_open(session).values())
    except DatabaseAway:
        return 1


def play(role: str, folder: Path, url: str) -> None:
    """Be one of the three."""
    if role == "source":
        empty_handoff(folder)
        return
    db = Database(url, timeout_s=1.0)
    (work if role == "worker" else retry)(folder, db)
    db.close()


if __name__ == "__main__":
    play(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
