"""Search for jobs by idempotency key, or by the key of their content.

A single search sends a request that is filtered by the key. Concurrent searches share a list of the newest jobs.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from math import inf
from threading import Lock
from typing import TYPE_CHECKING

from pulumi_openai_ft._shared.clock import REAL_TIME, TimeSource
from pulumi_openai_ft._shared.state_names import TOKEN_KEY
from pulumi_openai_ft.errors import InvalidResponseError, RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Job

ENDED_WITHOUT_MODEL = frozenset({"failed", "cancelled"})
OK = 200
HIDDEN = 5
"""Number of jobs that are requested one by one because a filtered list does not show their metadata."""
PAGE = 100
"""Jobs in a shared list, the maximum of a single request."""
LISTING_TTL = 1.0
"""Seconds for which a list may prove that an earlier run created no job. A job that it does contain is read again."""
CREATED_AT_SLACK = 900
"""Seconds by which a list must extend beyond the creation of a job, because a create request can take long."""


@dataclass(frozen=True)
class _Listing:
    began: float
    jobs: list[Job]
    is_complete: bool
    failure: RequestError | None = None

    def reaches(self, created_at: int | None) -> bool:
        """Return whether the list contains every job created at that time, in Unix seconds."""
        oldest = self.jobs[-1].created_at if self.jobs else None
        is_older = None not in (oldest, created_at) and oldest < created_at - CREATED_AT_SLACK  # type: ignore[operator]
        return self.is_complete or is_older


@dataclass(slots=True)
class _SharedList:
    """The newest jobs of a service, listed with a single request for concurrent searches."""

    api: Client
    timing: TimeSource
    _lock: Lock = field(default_factory=Lock)
    _last: _Listing | None = None

    @property
    def is_long(self) -> bool:
        """Whether the service had more jobs than the last list could contain."""
        return self._last is not None and not (self._last.is_complete or self._last.failure)

    def since(self, clock: float) -> _Listing:
        """Return a list that was requested at `clock` or later.

        Concurrent callers share the list, or its failure.
        """
        with self._lock:
            if self._last is None or self._last.began < clock:
                self._last = self._list()
            if self._last.failure:
                raise self._last.failure
            return self._last

    def _list(self) -> _Listing:
        began = self.timing.clock()
        limit = PAGE if self.api.settings.profile.supports("metadata_filter") else None
        unreadable: list[str] = []
        try:
            jobs = list(islice(self.api.jobs(unreadable=unreadable), limit))
        except RequestError as error:
            return _Listing(began, [], is_complete=False, failure=error)
        is_complete = (limit is None or len(jobs) < limit) and not _unreadable(jobs, unreadable)
        return _Listing(began, jobs, is_complete)


@dataclass(slots=True)
class JobLookup:
    """A search for the jobs of a service by idempotency key.

    Attributes:
        api: The client.
        timing: Clock and sleep.
        saw_unlabelled: Whether a search by key returned a job without metadata, so that the service may not store it.
    """

    api: Client
    timing: TimeSource = REAL_TIME
    _lock: Lock = field(default_factory=Lock)
    saw_unlabelled: bool = False
    _searching: int = 0
    _before: _SharedList = field(init=False)
    _created: _SharedList = field(init=False)

    def __post_init__(self) -> None:
        self._before = _SharedList(self.api, self.timing)
        self._created = _SharedList(self.api, self.timing)

    def find(self, key: str, name: str = TOKEN_KEY) -> list[Job]:
        """Return the jobs with a key, newest first. Always sends a request.

        Args:
            key: The key.
            name: Name of the pair in the metadata that contains the key. Defaults to that of the idempotency key.

        Raises:
            InvalidResponseError: No live job has the key, but the list has a job whose id or metadata cannot be read.
        """
        profile = self.api.settings.profile
        if not profile.supports("metadata"):
            return []
        # a service that does not support the filter returns all jobs
        query, unreadable = {name: key} if profile.supports("metadata_filter") else None, list[str]()
        jobs = list(self.api.jobs(metadata=query, unreadable=unreadable))
        if query:
            jobs = self._with_metadata(jobs)
        self.saw_unlabelled |= any(not job.metadata for job in jobs)
        found, problems = _with_key(name, key, jobs), _unreadable(jobs, unreadable)
        if problems and all(job.status in ENDED_WITHOUT_MODEL for job in found):
            raise InvalidResponseError(
                f"the list of jobs from {self.api.settings.base_url} has a job that cannot be read ({problems[0]}), so it "
                f"is not known whether this job already exists: look for it at the service, and report the response to "
                f"the service's support",
                status=OK,
                may_have_acted=False,
            )
        return found

    def _with_metadata(self, jobs: list[Job]) -> list[Job]:
        """Return jobs that the service selected by their metadata, with the metadata that the list does not show.

        A service may ignore the query and store no metadata, so only the newest jobs are requested one by one.
        """
        hidden = [job for job in jobs if job.metadata is None and "metadata" not in job.unreadable]
        complete = {job.id: self.api.job(job.id) for job in hidden[:HIDDEN]}
        return [complete.get(job.id, job) for job in jobs]

    def unlabelled(self, training_file: str, since: float | None) -> list[Job]:
        """Return the jobs on a training file that have no idempotency key. Always sends requests.

        A service that drops the metadata of jobs has such jobs, so that a search by key finds nothing there.

        Args:
            training_file: Id of the training file. A job that does not show its file counts as well.
            since: The service's time, in Unix seconds, before which jobs do not count. By default, all count.
        """
        earliest = -inf if since is None else since - CREATED_AT_SLACK
        return [
            job
            for job in self.api.jobs()
            if job.training_file in (None, training_file)
            and TOKEN_KEY not in (job.metadata or {})
            and (not job.created_at or job.created_at >= earliest)
        ]

    def find_before_create(self, key: str, name: str = TOKEN_KEY) -> list[Job]:
        """Return the jobs with a key, newest first. See `find` for the arguments.

        An empty result may be up to `LISTING_TTL` seconds old.
        """
        with self._counting_callers() as is_concurrent:
            if not is_concurrent or self._before.is_long:
                return self.find(key, name)
            listing = self._before.since(self.timing.clock() - LISTING_TTL)
        is_absent = listing.is_complete and all(
            job.metadata and job.metadata.get(name) != key for job in listing.jobs
        )
        return [] if is_absent else self.find(key, name)

    def find_created_with(self, job: Job, key: str) -> list[Job]:
        """Return the jobs with an idempotency key that were created at the same time as `job`, including `job`.

        Args:
            job: A job that this process created.
            key: Its idempotency key.
        """
        with self._counting_callers() as is_concurrent:
            if not is_concurrent:
                return self.find(key)
            listing = self._created.since(self.timing.clock())
        return _with_key(TOKEN_KEY, key, listing.jobs) if listing.reaches(job.created_at) else self.find(key)

    @contextmanager
    def _counting_callers(self) -> Iterator[bool]:
        """Count a search while it runs, and yield whether it can share a list with a concurrent search."""
        with self._lock:
            self._searching += 1
            is_concurrent = self._searching > 1
        try:
            yield is_concurrent and self.api.settings.profile.supports("metadata")
        finally:
            with self._lock:
                self._searching -= 1


def _unreadable(jobs: Iterable[Job], reasons: Sequence[str]) -> list[str]:
    """Return why jobs of a list cannot be compared with an idempotency key: no readable id or metadata."""
    without_metadata = [
        f"{job.id}: metadata: Input should be a valid dictionary"
        for job in jobs
        if "metadata" in job.unreadable
    ]
    return [*reasons, *without_metadata]


def _with_key(name: str, key: str, jobs: Iterable[Job]) -> list[Job]:
    return [job for job in jobs if (job.metadata or {}).get(name) == key]
