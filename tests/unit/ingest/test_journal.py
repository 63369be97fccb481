import subprocess
import sys

import pytest

from hub.ingest.entry import read_attempts
from hub.ingest.journal import Journal
from hub.ingest.spool import Spool

CODE = (
    "import sys, os, signal; from pathlib import Path; from hub.ingest.journal import Journal;"
    "from hub.ingest.spool import Spool; journal = Journal(Spool(Path(sys.argv[1])));"
    "[journal.begin(name) for name in ('a', 'b', 'c')]; journal.end('b'); os.kill(os.getpid(), signal.SIGKILL)"
)


@pytest.fixture
def spool(tmp_path):
    spool = Spool(tmp_path / "spool")
    for name in "abc":
        (spool.ready / name).mkdir()
    return spool


def attempts(spool):
    return {name: read_attempts(spool.ready / name)[0] for name in "abc"}


def test_what_a_dead_worker_was_at_is_counted_once(spool):
    for times in (1, 2):
        subprocess.run([sys.executable, "-c", CODE, str(spool.folder)], check=False)
        journal = Journal(spool)
        assert journal.recover() == 2
        assert journal.recover() == 0
        assert attempts(spool) == {"a": times, "b": 0, "c": times}
        journal.close()


def test_a_living_worker_is_left_alone(spool):
    one, other = Journal(spool), Journal(spool)
    one.begin("a")
    assert other.recover() == 0
    assert attempts(spool)["a"] == 0
    one.end("a")
    for journal in (one, other):
        journal.close()


def test_an_entry_that_is_gone_is_no_trouble(spool):
    subprocess.run([sys.executable, "-c", CODE, str(spool.folder)], check=False)
    (spool.ready / "a").rmdir()
    journal = Journal(spool)
    assert journal.recover() == 1
    journal.close()


def test_a_journal_is_empty_when_nothing_is_in_work(spool):
    journal = Journal(spool)
    for number in range(1000):
        journal.begin(f"entry-{number}")
        journal.end(f"entry-{number}")
    [path] = (spool.folder / "working").iterdir()
    assert path.stat().st_size == 0
    journal.close()
    assert list((spool.folder / "working").iterdir()) == []
