from datetime import timedelta

from hub.db.database import Database
from hub.jobs import claims, listing
from hub.jobs.listing import DeadJobs
from hub.jobs.models import JobState
from tests.unit.jobs.conftest import COPY, Desk, SetClock


def test_jobs_are_listed_newest_first_in_pages(desk: Desk, db: Database) -> None:
    ids = [desk.ask() for _ in range(5)]
    seen, before = [], None
    for _ in range(3):
        with db.read() as session:
            page = listing.list_jobs(session, before=before, limit=2)
        seen += [job.id for job in page.items]
        before = page.older
    assert seen == ids[::-1]
    assert before is None


def test_a_list_can_be_of_some_states_and_kinds(desk: Desk, db: Database) -> None:
    done = desk.ask()
    desk.finish(desk.take())
    waiting = desk.ask()
    other = desk.ask("export")
    with db.read() as session:
        assert [job.id for job in listing.list_jobs(session, states=[JobState.DONE]).items] == [done]
        assert [job.id for job in listing.list_jobs(session, kinds=[COPY]).items] == [waiting, done]
        assert [job.id for job in listing.list_jobs(session, kinds=["export"], states=[JobState.QUEUED]).items] == [
            other
        ]
        assert listing.find(session, other + 99) is None


def test_jobs_are_counted_by_state_and_open_ones_by_kind(desk: Desk, db: Database) -> None:
    desk.ask()
    desk.take()
    desk.ask()
    desk.ask("export")
    with db.read() as session:
        counts = listing.count_jobs(session)
        assert listing.count_open(session) == {COPY: 2, "export": 1}
    assert counts == {
        JobState.QUEUED: 2,
        JobState.RUNNING: 1,
        JobState.DONE: 0,
        JobState.CANCELLED: 0,
        JobState.DEAD: 0,
    }


def test_the_dead_are_told_by_kind_with_the_last_reason(desk: Desk, db: Database, clock: SetClock) -> None:
    for reason in ("one", "two"):
        desk.ask()
        desk.end(claims.bury, desk.take(), reason, clock.now)
    with db.read() as session:
        assert listing.dead_jobs(session) == [DeadJobs(COPY, 2, "two")]


def test_ended_jobs_are_forgotten_in_their_time_and_open_ones_never(desk: Desk, db: Database, clock: SetClock) -> None:
    open_id = desk.ask(run_at=clock.now + timedelta(days=100))
    done, dead = desk.ask(), desk.ask()
    job, other = desk.claim(2).jobs
    desk.finish(job)
    desk.end(claims.bury, other, "x", clock.now)
    clock.move(seconds=1)

    def prune(**ages: float) -> int:
        moments = {name: clock.now - timedelta(days=age) for name, age in ages.items()}
        with db.write() as session:
            return listing.prune(session, **moments)

    assert prune(done_before=1, dead_before=1) == 0
    assert prune(done_before=0, dead_before=1) == 1
    with db.read() as session:
        assert listing.find(session, done) is None
        assert listing.find(session, dead) is not None
    assert prune(done_before=0, dead_before=0) == 1
    clock.move(days=50)
    assert prune(done_before=0, dead_before=0) == 0
    assert desk.find(open_id).state is JobState.QUEUED
