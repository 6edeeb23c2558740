"""Search for jobs by idempotency key.

A single search sends a request that is filtered by the key. Concurrent searches share a list of the newest jobs.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING

from pulumi_openai_ft._shared.clock import REAL_TIME, TimeSource
from pulumi_openai_ft._shared.state_names import TOKEN_KEY
from pulumi_openai_ft.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Job

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

    def reaches(self, created_at: int) -> bool:
        """Return whether the list contains every job created at that time, in Unix seconds."""
        return self.is_complete or self.jobs[-1].created_at < created_at - CREATED_AT_SLACK


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
        try:
            jobs = list(islice(self.api.jobs(), limit))
        except RequestError as error:
            return _Listing(began, [], is_complete=False, failure=error)
        return _Listing(began, jobs, is_complete=limit is None or len(jobs) < limit)


@dataclass(slots=True)
class JobLookup:
    """A search for the jobs of a service by idempotency key.

    Attributes:
        api: The client.
        timing: Clock and sleep.
    """

    api: Client
    timing: TimeSource = REAL_TIME
    _lock: Lock = field(default_factory=Lock)
    _searching: int = 0
    _before: _SharedList = field(init=False)
    _created: _SharedList = field(init=False)

    def __post_init__(self) -> None:
        self._before = _SharedList(self.api, self.timing)
        self._created = _SharedList(self.api, self.timing)

    def find(self, key: str) -> list[Job]:
        """Return the jobs with an idempotency key, newest first. Always sends a request."""
        profile = self.api.settings.profile
        if not profile.supports("metadata"):
            return []
        # a service that does not support the filter returns all jobs
        jobs = self.api.jobs(metadata={TOKEN_KEY: key} if profile.supports("metadata_filter") else None)
        return _with_key(key, jobs)

    def find_before_create(self, key: str) -> list[Job]:
        """Return the jobs with an idempotency key, newest first.

        An empty result may be up to `LISTING_TTL` seconds old.
        """
        with self._counting_callers() as is_concurrent:
            if not is_concurrent or self._before.is_long:
                return self.find(key)
            listing = self._before.since(self.timing.clock() - LISTING_TTL)
        is_absent = listing.is_complete and not _with_key(key, listing.jobs)
        return [] if is_absent else self.find(key)

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
        return _with_key(key, listing.jobs) if listing.reaches(job.created_at) else self.find(key)

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


def _with_key(key: str, jobs: Iterable[Job]) -> list[Job]:
    return [job for job in jobs if (job.metadata or {}).get(TOKEN_KEY) == key]
