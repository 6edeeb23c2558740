"""Polling of many jobs with few requests.

One waiting thread polls the jobs of all waiting threads. A list contains up to 100 jobs, so N jobs need ⌈N/100⌉
requests per poll. Each poll also reads the events of a few followed jobs, in turn. No background thread is used, so
polling ends with the last wait.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from threading import Condition
from typing import TYPE_CHECKING

from pulumi_openai_ft._client.retries import is_repeatable
from pulumi_openai_ft._shared.clock import REAL_TIME, TimeSource
from pulumi_openai_ft.errors import JobTimeoutError, OpenAIFTError, RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Event, Job

    Follow = Callable[[Job, Sequence[Event]], None]

FIRST_INTERVAL, BACKOFF_SHARE = 0.25, 0.1
"""First interval in seconds, and its growth as a share of the time waited."""
DUE_SPEEDUP = 8
"""Factor by which polls are more frequent around the estimated finish of a job."""
PAGE = 100
EVENTS_AT_A_TIME = 4
"""Maximum number of jobs whose events are read in a poll."""
BEFORE_TRAINING = frozenset({"validating_files", "queued"})
"""Statuses in which a job's events add no information to its status."""
MAX_OUTAGE = 300.0
"""Seconds without a response after which waiting ends. The jobs keep running."""


@dataclass(slots=True)
class _Watch:
    job: Job
    deadline: float | None
    waiters: int = 0
    is_followed: bool = False
    events: list[Event] = field(default_factory=list)
    events_at: int = 0


@dataclass(slots=True)
class Poller:
    """A poller for all jobs of a service that this process waits for.

    Attributes:
        api: The client.
        timing: Clock and sleep.
    """

    api: Client
    timing: TimeSource = REAL_TIME
    _condition: Condition = field(default_factory=Condition)
    _watched: dict[str, _Watch] = field(default_factory=dict)
    _last_seen: dict[str, Job] = field(default_factory=dict)
    _polling: bool = False
    _polls: int = 0
    _interval: float = FIRST_INTERVAL
    _failing_since: float | None = None
    _failure: OpenAIFTError | None = None

    def wait(
        self,
        job: Job,
        done: Callable[[Job], bool],
        *,
        deadline: float | None = None,
        follow: Follow | None = None,
    ) -> Job:
        """Poll a job until it is done, and return it.

        Args:
            job: The job as last read.
            done: Returns whether waiting can end.
            deadline: Unix seconds at which waiting ends in any case.
            follow: Called after each poll with the job and its latest events, newest first.

        Raises:
            JobTimeoutError: The deadline has passed, and the job is not done.
            ServiceError: The service returns a permanent error, or has returned errors for `MAX_OUTAGE` seconds.
            ServiceConnectionError: The service has not responded for `MAX_OUTAGE` seconds.
        """
        if done(job):
            return job
        watch = self._enter(job, deadline, is_followed=follow is not None)
        try:
            while not done(watch.job):
                if follow and watch.job is not job:
                    follow(watch.job, watch.events)
                if deadline is not None and self.timing.wall() >= deadline:
                    raise JobTimeoutError(f"job {job.id} is still {watch.job.status} at its deadline")
                self._await_poll()
            return watch.job
        finally:
            self._last_seen[job.id] = watch.job
            self._leave(job.id)

    def last_seen(self, job_id: str) -> Job | None:
        """Return a job as this process last read it while waiting, or None if the process never waited for it."""
        with self._condition:
            watch = self._watched.get(job_id)
            return watch.job if watch else self._last_seen.get(job_id)

    def _enter(self, job: Job, deadline: float | None, *, is_followed: bool) -> _Watch:
        with self._condition:
            if not self._watched:
                self._failing_since = None
            watch = self._watched.setdefault(job.id, _Watch(job, deadline))
            watch.waiters += 1
            watch.deadline = deadline
            watch.is_followed |= is_followed
            self._interval = FIRST_INTERVAL
            return watch

    def _leave(self, job_id: str) -> None:
        with self._condition:
            self._watched[job_id].waiters -= 1
            if not self._watched[job_id].waiters:
                del self._watched[job_id]
            self._condition.notify_all()

    def _await_poll(self) -> None:
        """Poll, or wait for the next poll of another thread."""
        with self._condition:
            if self._polling:
                polls = self._polls
                self._condition.wait_for(lambda: self._polls != polls or not self._polling)
                if self._polls != polls and self._failure:
                    raise self._failure
                return
            self._polling = True
        try:
            self.timing.sleep(self._pause())
            self._poll()
        finally:
            with self._condition:
                self._polling = False
                self._condition.notify_all()

    def _pause(self) -> float:
        with self._condition:
            pause = min(self._due_interval(), self.api.settings.poll_interval)
            self._interval = min(self._interval + BACKOFF_SHARE * pause, self.api.settings.poll_interval)
            deadlines = [
                watch.deadline - self.timing.wall() for watch in self._watched.values() if watch.deadline
            ]
        return max(0.0, min([pause, *deadlines]))

    def _due_interval(self) -> float:
        """Return the interval, shortened if the estimated finish of a job is near or has just passed."""
        now, tolerance = self.timing.wall(), 1 + self._interval  # estimates are whole seconds
        finishes = [watch.job.estimated_finish for watch in self._watched.values()]
        due = [at - now for at in finishes if at is not None and at - now > -tolerance]
        return min([self._interval, *(max(left, self._interval / DUE_SPEEDUP) for left in due)])

    def _poll(self) -> None:
        with self._condition:
            ids = set(self._watched)
        found, failure = self._read_jobs(ids)
        has_ended = any(job.is_terminal for job in found)
        events = {} if failure or has_ended else self._read_events(found)
        with self._condition:
            for job in found:
                if job.id in self._watched:
                    self._watched[job.id].job = job
            if has_ended:  # jobs that were created together end together
                self._interval = max(FIRST_INTERVAL, self._interval / 2)
            for job_id in events.keys() & self._watched.keys():
                self._watched[job_id].events = events[job_id]
            self._failure = failure
            self._polls += 1
            self._condition.notify_all()
        if failure:
            raise failure

    def _read_jobs(self, ids: set[str]) -> tuple[list[Job], OpenAIFTError | None]:
        """Return the current jobs and an error, if any. Temporary errors are ignored for `MAX_OUTAGE` seconds."""
        try:
            found = self._list(ids)
        except RequestError as error:
            now = self.timing.clock()
            self._failing_since = self._failing_since or now
            is_tolerated = is_repeatable(error, "GET") and now - self._failing_since < MAX_OUTAGE
            return [], None if is_tolerated else error
        self._failing_since = None
        return found, None

    def _read_events(self, jobs: Sequence[Job]) -> dict[str, list[Event]]:
        """Return the latest events of the jobs whose turn it is. Errors are ignored."""
        started = {job.id for job in jobs if job.status not in BEFORE_TRAINING}
        with self._condition:
            followed = [watch for id_, watch in self._watched.items() if watch.is_followed and id_ in started]
            turn = sorted(followed, key=lambda watch: watch.events_at)[:EVENTS_AT_A_TIME]
            for watch in turn:
                watch.events_at = self._polls + 1
        found = {}
        for watch in turn:
            with suppress(RequestError):
                found[watch.job.id] = list(self.api.events(watch.job.id, limit=PAGE))
        return found

    def _list(self, ids: set[str]) -> list[Job]:
        if len(ids) == 1:
            return [self.api.job(next(iter(ids)))]
        pages = -(-len(ids) // PAGE)
        found = [job for job in islice(self.api.jobs(), pages * PAGE) if job.id in ids]
        missing = ids - {job.id for job in found}
        return found + [self.api.job(job_id) for job_id in sorted(missing)]
