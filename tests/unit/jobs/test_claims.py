import threading
from datetime import timedelta

import pytest

from hub.db.database import Database
from hub.jobs import claims, queue
from hub.jobs.job import Progress, Rule
from hub.jobs.models import JobState
from tests.unit.jobs.conftest import COPY, RULES, Desk, SetClock


def test_a_claimed_job_is_nobody_elses(desk: Desk) -> None:
    desk.ask()
    desk.take()
    assert desk.claim().jobs == ()


def test_workers_that_claim_at_the_same_moment_never_take_the_same_job(
    desk: Desk, db: Database, clock: SetClock
) -> None:
    with db.write() as session:
        wanted = set(queue.enqueue_all(session, [queue.NewJob(kind=COPY, payload={})] * 200))
    start = threading.Barrier(4)
    taken: list[int] = []

    def work(name: str) -> None:
        start.wait()
        for number in range(100):
            with db.write() as session:
                found = claims.claim(session, RULES, token=f"{name}/{number}", limit=7, lease_s=60, now=clock.now).jobs
            taken.extend(job.id for job in found)
            if not found:
                return

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(wanted)


def test_a_worker_does_not_wait_for_a_job_that_another_is_just_claiming(postgres_db: Database, clock: SetClock) -> None:
    desk = Desk(postgres_db, clock)
    first, second = desk.ask(), desk.ask()
    with postgres_db.write() as session:
        mine = claims.claim(session, RULES, token="a", limit=1, lease_s=60, now=clock.now).jobs
        assert [job.id for job in mine] == [first]
        assert desk.take().id == second


def test_only_kinds_with_a_rule_are_taken(desk: Desk) -> None:
    desk.ask("export")
    mine = desk.ask()
    assert [job.id for job in desk.claim(10).jobs] == [mine]


def test_a_dead_workers_job_is_taken_by_another_after_its_lease(desk: Desk, clock: SetClock) -> None:
    job_id = desk.ask()
    lost = desk.take(lease_s=60)
    clock.move(seconds=59)
    assert desk.claim().jobs == ()
    clock.move(seconds=1)
    found = desk.take()
    assert (found.id, found.attempts, found.crashes) == (job_id, 2, 1)
    assert found.claim != lost.claim


def test_a_claim_that_was_lost_cannot_end_the_next_one(desk: Desk, clock: SetClock) -> None:
    job_id = desk.ask()
    lost = desk.take()
    clock.move(minutes=2)
    desk.take()
    assert desk.finish(lost) == set()
    assert not desk.end(claims.fail, lost, "late", clock.now)
    assert not desk.end(claims.put_off, lost, "late", clock.now)
    assert not desk.end(claims.release, lost)
    assert not desk.end(claims.bury, lost, "late", clock.now)
    assert not desk.end(claims.end_cancelled, lost, clock.now)
    desk.end(claims.report, lost, Progress(9, 9, "late"))
    job = desk.find(job_id)
    assert (job.state, job.error, job.progress) == (JobState.RUNNING, "", Progress())


def test_a_renewed_lease_keeps_the_job(desk: Desk, clock: SetClock, db: Database) -> None:
    desk.ask()
    job = desk.take(lease_s=60)
    clock.move(seconds=50)
    with db.write() as session:
        assert claims.extend(session, [job], 60, clock.now) == {job.id: ""}
    clock.move(seconds=50)
    assert desk.claim().jobs == ()
    assert desk.finish(job) == {job.id}


def test_a_lease_that_ended_unnoticed_can_still_be_renewed_and_a_lost_one_cannot(
    desk: Desk, clock: SetClock, db: Database
) -> None:
    desk.ask()
    job = desk.take()
    clock.move(minutes=5)
    with db.write() as session:
        assert claims.extend(session, [job], 60, clock.now) == {job.id: ""}
    clock.move(minutes=5)
    other = desk.take()
    with db.write() as session:
        assert claims.extend(session, [job], 60, clock.now) == {}
        assert claims.extend(session, [job, other], 60, clock.now) == {other.id: ""}


def test_renewing_a_lease_tells_who_wants_the_job_to_end(desk: Desk, clock: SetClock, db: Database) -> None:
    job_id = desk.ask()
    job = desk.take()
    with db.write() as session:
        queue.cancel(session, job_id, "maria")
        assert claims.extend(session, [job], 60, clock.now) == {job_id: "maria"}


def test_a_job_that_kills_its_workers_is_given_up(desk: Desk, clock: SetClock) -> None:
    job_id = desk.ask()
    for crashes in (0, 1, 2):
        assert desk.take().crashes == crashes
        clock.move(minutes=2)
    claimed = desk.claim()
    assert claimed.jobs == ()
    assert [job.id for job in claimed.buried] == [job_id]
    job = desk.find(job_id)
    assert (job.state, job.error) == (JobState.DEAD, "Its worker stopped 3 times while doing it.")


def test_a_failed_attempt_counts_and_waits(desk: Desk, clock: SetClock) -> None:
    job_id = desk.ask()
    assert desk.end(claims.fail, desk.take(), "No route\x00.", clock.now + timedelta(seconds=30))
    job = desk.find(job_id)
    assert (job.state, job.error, job.attempts) == (JobState.QUEUED, "No route\\x00.", 1)
    assert desk.claim().jobs == ()
    clock.move(seconds=30)
    assert desk.take().attempts == 2


def test_a_job_that_is_put_off_has_used_no_attempt(desk: Desk, clock: SetClock) -> None:
    desk.ask()
    for delays in range(5):
        job = desk.take()
        assert (job.attempts, job.delays) == (1, delays)
        assert desk.end(claims.put_off, job, "The NAS is away.", clock.now)


def test_a_released_job_is_as_if_it_had_not_been_claimed(desk: Desk) -> None:
    job_id = desk.ask()
    before = desk.find(job_id)
    assert desk.end(claims.release, desk.take())
    after = desk.find(job_id)
    assert (after.state, after.attempts, after.run_at, after.error) == (before.state, 0, before.run_at, "")


def test_progress_is_seen_while_the_job_runs(desk: Desk) -> None:
    job_id = desk.ask()
    job = desk.take()
    desk.end(claims.report, job, Progress(3, 10, "call\udcff " * 200))
    progress = desk.find(job_id).progress
    assert (progress.done, progress.of, len(progress.note)) == (3, 10, 500)
    assert progress.note.startswith("call\\udcff call")


def test_finished_jobs_of_several_claims_end_in_one_go(desk: Desk, clock: SetClock) -> None:
    ids = {desk.ask() for _ in range(6)}
    jobs = [*desk.claim(2).jobs, *desk.claim(4).jobs]
    lost = desk.ask()
    lost_job = desk.take(lease_s=1)
    clock.move(seconds=2)
    desk.take()
    assert desk.finish(*jobs, lost_job) == ids
    assert desk.find(lost).state is JobState.RUNNING
    assert all(
        desk.find(job_id).finished_at == clock.now.replace(microsecond=clock.now.microsecond // 1000 * 1000)
        for job_id in ids
    )


def test_a_look_tells_whether_there_is_work_without_taking_it(desk: Desk, clock: SetClock, db: Database) -> None:
    def waits(*kinds: str) -> bool:
        with db.read() as session:
            return claims.is_work_waiting(session, kinds, clock.now)

    assert not waits(COPY)
    desk.ask(run_at=clock.now + timedelta(seconds=5))
    assert not waits(COPY)
    clock.move(seconds=5)
    assert waits(COPY)
    assert not waits("export")
    desk.take(lease_s=10)
    assert not waits(COPY)
    clock.move(seconds=10)
    assert waits(COPY)


@pytest.mark.parametrize(
    ("failures", "wait_s"), [(0, 5), (1, 5), (2, 10), (3, 20), (10, 2560), (11, 3600), (10**6, 3600)]
)
def test_waits_double_up_to_the_longest(failures: int, wait_s: float) -> None:
    assert Rule().wait_s(failures) == wait_s
    assert Rule().delay_s(failures) == min(wait_s, 300)


def test_jobs_of_a_worker_that_is_known_to_be_dead_are_free_at_once(desk: Desk, clock: SetClock, db: Database) -> None:
    orphan, other = desk.ask(), desk.ask()
    lost = desk.take(lease_s=3600)
    desk.take(lease_s=3600)
    with db.write() as session:
        claims.free_orphans(session, lambda token: token == lost.claim, clock.now)
    found = desk.take()
    assert (found.id, found.crashes) == (orphan, 1)
    assert desk.find(other).crashes == 0
