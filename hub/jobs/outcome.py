"""What became of an attempt, and how that is written down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy.orm import Session

from hub.db.errors import DatabaseAway
from hub.errors import HubError
from hub.jobs import claims
from hub.jobs.errors import ClaimLost, JobCancelled, JobHopeless, JobInterrupted
from hub.jobs.job import Job, Progress, Rule
from hub.sdk import PluginError, RetryLater


class Result(StrEnum):
    """How an attempt ended."""

    DONE = "done"
    FINISHED = "finished"  # done, and written by the handler itself
    PUT_OFF = "put_off"
    FAILED = "failed"
    HOPELESS = "hopeless"
    CANCELLED = "cancelled"
    RELEASED = "released"
    LOST = "lost"


_RESULTS: tuple[tuple[type[BaseException], Result], ...] = (
    (JobCancelled, Result.CANCELLED),
    (JobInterrupted, Result.RELEASED),
    (ClaimLost, Result.LOST),
    (RetryLater, Result.PUT_OFF),
    (DatabaseAway, Result.PUT_OFF),
    (JobHopeless, Result.HOPELESS),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one attempt.

    after_s: when the other side wants to be asked again, None for the rule's wait. progress: the last report, None if
    it is shown already.
    """

    job: Job
    result: Result
    reason: str = ""
    after_s: float | None = None
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What the table took: jobs that were given up with it, and those that had gone to another worker."""

    buried: tuple[Job, ...]
    lost: tuple[Job, ...]


def outcome_of(job: Job, error: BaseException | None) -> Outcome:
    """What the handler's return (None) or error means."""
    if error is None:
        return Outcome(job, Result.DONE)
    result = next((result for kind, result in _RESULTS if isinstance(error, kind)), Result.FAILED)
    after = error.after if isinstance(error, RetryLater) else None
    return Outcome(job, result, _words(error), None if after is None else max(after.total_seconds(), 0.0))


def is_expected(error: BaseException) -> bool:
    """Whether it was raised on purpose, in words for people; otherwise the log wants the traceback."""
    return isinstance(error, HubError | PluginError)


def write_outcomes(session: Session, outcomes: Sequence[Outcome], rules: Mapping[str, Rule], now: datetime) -> Written:
    """Write what became of jobs; of one that is not its claim's any more nothing is written."""
    for outcome in outcomes:
        if outcome.progress is not None:
            claims.report(session, outcome.job, outcome.progress)
    done = [outcome.job for outcome in outcomes if outcome.result is Result.DONE]
    finished = claims.finish(session, done, now)
    lost = [job for job in done if job.id not in finished]
    lost += [outcome.job for outcome in outcomes if outcome.result is Result.LOST]
    buried = []
    for outcome in outcomes:
        job, rule = outcome.job, rules[outcome.job.kind]
        if outcome.result in (Result.DONE, Result.FINISHED, Result.LOST):
            continue
        if _is_last(outcome, rule):
            was_ours = claims.bury(session, job, outcome.reason, now)
            buried.extend([job] if was_ours else [])
        else:
            was_ours = _write_other(session, outcome, rule, now)
        if not was_ours:
            lost.append(job)
    return Written(tuple(buried), tuple(lost))


def _is_last(outcome: Outcome, rule: Rule) -> bool:
    if outcome.result is Result.FAILED:
        return outcome.job.attempts >= rule.attempts
    return outcome.result is Result.HOPELESS


def _write_other(session: Session, outcome: Outcome, rule: Rule, now: datetime) -> bool:
    job = outcome.job
    if outcome.result is Result.CANCELLED:
        return claims.end_cancelled(session, job, now)
    if outcome.result is Result.RELEASED:
        return claims.release(session, job)
    if outcome.result is Result.FAILED:
        return claims.fail(session, job, outcome.reason, now + timedelta(seconds=rule.wait_s(job.attempts)))
    wait_s = rule.delay_s(job.delays + 1) if outcome.after_s is None else outcome.after_s
    return claims.put_off(session, job, outcome.reason, now + timedelta(seconds=wait_s))


def _words(error: BaseException) -> str:
    """The error in words: its own and what to do, or its name where nobody meant people to read it."""
    if is_expected(error):
        return f"{error} {getattr(error, 'hint', '')}".strip()
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
