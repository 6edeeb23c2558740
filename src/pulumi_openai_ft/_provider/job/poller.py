"""Waiting for many jobs with few requests.

Whoever waits first looks for all who wait: one list shows up to 100 jobs, so N jobs cost ⌈N/100⌉ requests an
interval. The events of those that somebody follows are asked for in turn, a few each interval. There is no thread of
its own that could outlive the wait.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from threading import Condition
from typing import TYPE_CHECKING

from pulumi_openai_ft._client.retries import is_repeatable, jitter_rng
from pulumi_openai_ft._shared.clock import REAL_TIME, TimeSource
from pulumi_openai_ft.errors import JobTimeoutError, OpenAIFTError, RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Event, Job

    Follow = Callable[[Job, Sequence[Event]], None]

FIRST_INTERVAL, BACKOFF_SHARE, JITTER = 0.25, 0.1, 0.1
"""Seconds, and shares: an end is seen late by a quarter of a second and a tenth of the time that it was waited for."""
MIN_INTERVAL = 0.05
"""Seconds to the next look where one has found the end of a job: jobs that began together end together."""
DUE_SPEEDUP = 8
"""How many times more often than usually jobs are looked at that should have come to their end by now."""
IDLE_FACTOR = 2.0
"""How many times as long as a look the pause after it is at least, so that there is room for what else is to be done."""
PAGE = 100
EVENTS_AT_A_TIME = 4
"""Jobs whose events are asked for in an interval, however many are followed."""
BEFORE_TRAINING = frozenset({"validating_files", "queued"})
"""Statuses in which a job's events tell nothing that its status does not."""
MAX_OUTAGE = 300.0
"""Seconds without any answer after which waiting ends; the jobs go on."""


@dataclass
class _Watch:
    job: Job
    deadline: float | None
    waiters: int = 0
    is_followed: bool = False
    events: list[Event] = field(default_factory=list)
    events_at: int = 0


@dataclass
class Poller:
    """Follows all jobs of one service that somebody in this process waits for.

    Attributes:
        api: The service.
        timing: Clock and sleep.
    """

    api: Client
    timing: TimeSource = REAL_TIME
    _condition: Condition = field(default_factory=Condition)
    _watched: dict[str, _Watch] = field(default_factory=dict)
    _last_seen: dict[str, Job] = field(default_factory=dict)
    _looking: bool = False
    _looks: int = 0
    _interval: float = FIRST_INTERVAL
    _has_seen_an_end: bool = False
    _look_took: float = 0.0
    _silent_since: float | None = None
    _failure: OpenAIFTError | None = None

    def wait(
        self,
        job: Job,
        done: Callable[[Job], bool],
        *,
        deadline: float | None = None,
        follow: Follow | None = None,
    ) -> Job:
        """Looks at a job until it is done.

        Args:
            job: The job as it was last seen.
            done: Whether waiting can end.
            deadline: Unix seconds at which waiting ends in any case.
            follow: Is shown the job and its newest events, newest first, after each look.

        Raises:
            JobTimeoutError: The deadline has passed and the job is not done.
            ServiceError: The service refuses to show the job, or has been failing for long.
            ServiceConnectionError: The service has not answered for long.
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
                self._next_look()
            return watch.job
        finally:
            self._last_seen[job.id] = watch.job
            self._leave(job.id)

    def last_seen(self, job_id: str) -> Job | None:
        """Return a job as this process saw it last while waiting, None if it never waited for it."""
        with self._condition:
            watch = self._watched.get(job_id)
            return watch.job if watch else self._last_seen.get(job_id)

    def _enter(self, job: Job, deadline: float | None, *, is_followed: bool) -> _Watch:
        with self._condition:
            if not self._watched:
                self._silent_since = None
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

    def _next_look(self) -> None:
        """Looks, or waits until whoever looks now has looked."""
        with self._condition:
            if self._looking:
                looks = self._looks
                self._condition.wait_for(lambda: self._looks != looks or not self._looking)
                if self._looks != looks and self._failure:
                    raise self._failure
                return
            self._looking = True
        try:
            self.timing.sleep(self._pause())
            self._poll()
        finally:
            with self._condition:
                self._looking = False
                self._condition.notify_all()

    def _pause(self) -> float:
        with self._condition:
            interval = MIN_INTERVAL if self._has_seen_an_end else self._until_an_end_is_due()
            interval = max(interval, IDLE_FACTOR * self._look_took)
            pause = min(interval, self.api.settings.poll_interval) * (1 + JITTER * jitter_rng.random())
            self._interval = min(self._interval + BACKOFF_SHARE * pause, self.api.settings.poll_interval)
            deadlines = [
                watch.deadline - self.timing.wall() for watch in self._watched.values() if watch.deadline
            ]
        return max(0.0, min([pause, *deadlines]))

    def _until_an_end_is_due(self) -> float:
        """The usual interval, or less where the service expects an end sooner, or a moment ago."""
        now, a_moment = self.timing.wall(), 1 + self._interval  # estimates are whole seconds
        finishes = [watch.job.estimated_finish for watch in self._watched.values()]
        due = [at - now for at in finishes if at is not None and at - now > -a_moment]
        return min([self._interval, *(max(left, MIN_INTERVAL, self._interval / DUE_SPEEDUP) for left in due)])

    def _poll(self) -> None:
        with self._condition:
            ids = set(self._watched)
        began = self.timing.clock()
        found, failure = self._ask(ids)
        self._look_took = self.timing.clock() - began
        has_ended = any(job.is_terminal for job in found)
        events = {} if failure or has_ended else self._ask_for_events(found)
        with self._condition:
            for job in found:
                if job.id in self._watched:
                    self._watched[job.id].job = job
            self._has_seen_an_end = has_ended
            if has_ended:
                self._interval = max(FIRST_INTERVAL, self._interval / 2)
            for job_id in events.keys() & self._watched.keys():
                self._watched[job_id].events = events[job_id]
            self._failure = failure
            self._looks += 1
            self._condition.notify_all()
        if failure:
            raise failure

    def _ask(self, ids: set[str]) -> tuple[list[Job], OpenAIFTError | None]:
        """The jobs as they are now. Trouble that may pass is borne for a while."""
        try:
            found = self._list(ids)
        except RequestError as error:
            now = self.timing.clock()
            self._silent_since = self._silent_since or now
            borne = is_repeatable(error, "GET") and now - self._silent_since < MAX_OUTAGE
            return [], None if borne else error
        self._silent_since = None
        return found, None

    def _ask_for_events(self, jobs: Sequence[Job]) -> dict[str, list[Event]]:
        """The newest events of the few jobs whose turn it is. They are not worth failing for."""
        telling = {job.id for job in jobs if job.status not in BEFORE_TRAINING}
        with self._condition:
            followed = [watch for id_, watch in self._watched.items() if watch.is_followed and id_ in telling]
            turn = sorted(followed, key=lambda watch: watch.events_at)[:EVENTS_AT_A_TIME]
            for watch in turn:
                watch.events_at = self._looks + 1
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
