"""The threads of a worker."""

import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace

import structlog
from structlog.contextvars import bound_contextvars

from hub.jobs.context import Handler, JobContext
from hub.jobs.outcome import Outcome, Result, is_expected, outcome_of

_log = structlog.get_logger(__name__)
_SHORT_S, _FLOWING_S = 0.02, 0.5
_SMOOTHING = 0.2


class Crew:
    """Runs handlers in threads: jobs go in, outcomes come out.

    Threads are daemons, so a handler that never returns cannot keep the process alive.
    """

    def __init__(self, handlers: Mapping[str, Handler], size: int, name: str) -> None:
        self._handlers = handlers
        self._size = size
        self._name = name
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._news = threading.Condition(self._lock)
        self._waiting: deque[JobContext] = deque()
        self._running: dict[JobContext, float] = {}
        self._outcomes: list[Outcome] = []
        self._mean_s = 1.0
        self._ended_s = 0.0
        self._rung = False
        self._ending = False

    def start(self) -> None:
        """Start the threads."""
        for _ in range(self._size):
            self._start_thread()

    def end(self) -> None:
        """Let every thread end once its handler returns."""
        with self._lock:
            self._ending = True
            self._work.notify_all()

    def room(self, batch: int) -> int:
        """How many jobs can be given: one for each idle thread, or up to a batch in advance while short ones flow."""
        with self._lock:
            idle = self._size - len(self._running) - len(self._waiting)
            is_flowing = idle > 0 or time.monotonic() - self._ended_s < _FLOWING_S
            ahead = batch - len(self._waiting) if self._mean_s < _SHORT_S and is_flowing else 0
            return max(idle, ahead, 0)

    def give(self, contexts: Iterable[JobContext]) -> None:
        """Jobs to do."""
        with self._lock:
            self._waiting.extend(contexts)
            self._work.notify_all()

    def take_back(self, older_than_s: float) -> None:
        """Turn jobs that no thread has begun for so long into outcomes: another worker may have time for them."""
        limit_s = time.monotonic() - older_than_s
        with self._lock:
            while self._waiting and self._waiting[0].given_s <= limit_s:
                self._outcomes.append(Outcome(self._waiting.popleft().job, Result.RELEASED))

    def contexts(self) -> dict[JobContext, float]:
        """The jobs in hand, each with the seconds since it was begun (0 if it was not)."""
        now_s = time.monotonic()
        with self._lock:
            begun = {context: now_s - begun_s for context, begun_s in self._running.items()}
            return dict.fromkeys(self._waiting, 0.0) | begun

    def abandon(self, context: JobContext) -> None:
        """Leave a handler that takes too long to itself, and put another thread into its place."""
        with self._lock:
            if self._running.pop(context, None) is None:
                return
        context.interrupt()
        self._start_thread()

    def outcomes(self) -> list[Outcome]:
        """What has ended and was not forgotten yet, in order."""
        with self._lock:
            return list(self._outcomes)

    def forget(self, count: int) -> None:
        """The first so many outcomes are written."""
        with self._lock:
            del self._outcomes[:count]

    def wait(self, timeout_s: float) -> None:
        """Wait for an outcome or for `ring`."""
        with self._lock:
            self._news.wait_for(lambda: self._rung or self._outcomes, timeout_s)
            self._rung = False

    def pause(self, timeout_s: float) -> None:
        """Wait for `ring` only."""
        with self._lock:
            self._news.wait_for(lambda: self._rung, timeout_s)
            self._rung = False

    def ring(self) -> None:
        """End a `wait` or `pause`."""
        with self._lock:
            self._rung = True
            self._news.notify_all()

    def _start_thread(self) -> None:
        threading.Thread(target=self._run, name=f"job {self._name}", daemon=True).start()

    def _run(self) -> None:
        while True:
            with self._lock:
                self._work.wait_for(lambda: self._waiting or self._ending)
                if not self._waiting:
                    return
                context = self._waiting.popleft()
                self._running[context] = time.monotonic()
            outcome = self._attempt(context)
            with self._lock:
                begun_s = self._running.pop(context, None)
                if begun_s is None:
                    return
                self._ended_s = time.monotonic()
                self._mean_s += _SMOOTHING * (self._ended_s - begun_s - self._mean_s)
                self._outcomes.append(outcome)
                self._news.notify()

    def _attempt(self, context: JobContext) -> Outcome:
        job = context.job
        with bound_contextvars(job=job.id, job_kind=job.kind):
            try:
                self._handlers[job.kind](context)
            except BaseException as exc:  # noqa: BLE001 - whatever a handler raises ends its attempt only
                return self._outcome(context, exc)
            return self._outcome(context, None)

    def _outcome(self, context: JobContext, error: BaseException | None) -> Outcome:
        if error is None and context.is_finished:
            return Outcome(context.job, Result.FINISHED)
        if error is not None and not is_expected(error):
            _log.error("job.crashed", attempt=context.job.attempts, exc_info=error)
        return replace(outcome_of(context.job, error), progress=context.news())
