"""What a handler gets to work with."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.orm import Session

from hub.clock import utc_now
from hub.jobs import claims
from hub.jobs.errors import ClaimLost, JobCancelled, JobInterrupted
from hub.jobs.job import Job, Progress


class JobContext:
    """One attempt at a job. The lease is renewed in the background while the attempt lasts.

    A handler that works for long calls `check` between its steps, and `report` to show how far it has come.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self._ending = threading.Event()
        self._cancelled_by = ""
        self._progress = self._shown = Progress()
        self._finished = False
        self.given_s = time.monotonic()

    @property
    def payload(self) -> Mapping[str, Any]:
        """What the job was queued with."""
        return self.job.payload

    @property
    def is_ending(self) -> bool:
        """Whether the attempt should end now; `check` then raises the reason."""
        return self._ending.is_set()

    @property
    def is_finished(self) -> bool:
        """Whether the handler has said in a transaction of its own that the job is done."""
        return self._finished

    def check(self) -> None:
        """Return if the work is to go on.

        Raises: JobCancelled, JobInterrupted; a handler lets them pass.
        """
        if not self._ending.is_set():
            return
        if self._cancelled_by:
            raise JobCancelled(f"{self._cancelled_by} ended this job.")
        raise JobInterrupted("The worker has to let go of this job.")

    def wait(self, timeout_s: float) -> None:
        """Wait, unless the attempt is to end.

        Raises: as `check` does.
        """
        self._ending.wait(timeout_s)
        self.check()

    def report(self, done: int, of: int = 0, note: str = "") -> None:
        """Say how far the work has come; call it as often as you like, people see the latest within seconds.

        of: 0 where the whole is not known.
        """
        self._progress = Progress(done, of, note)

    def finish(self, session: Session) -> None:
        """Say in the handler's own transaction that the job is done: what it wrote and this come true together.

        Raises: ClaimLost if another worker has the job now; let it pass, so that the transaction is rolled back.
        """
        if self.job.id not in claims.finish(session, [self.job], utc_now()):
            raise ClaimLost("Another worker has this job now.")
        self._finished = True

    def cancel(self, login: str) -> None:
        """Somebody wants the job to end."""
        self._cancelled_by = login
        self._ending.set()

    def interrupt(self) -> None:
        """The worker has to let go of the job."""
        self._ending.set()

    def news(self) -> Progress | None:
        """What was reported and is not shown yet."""
        progress = self._progress
        return None if progress == self._shown else progress

    def note_shown(self, progress: Progress) -> None:
        """People can see it now."""
        self._shown = progress


Handler = Callable[[JobContext], None]
"""Does the work of one kind of job. It may be called again for a job that it did before, so it must not matter twice.

It returns when the job is done; RetryLater and DatabaseAway put the job off, JobHopeless gives it up, anything else
that it raises is a failed attempt.
"""
