"""Finding jobs by the tokens that they carry: whoever searches alone asks for a token, many at a time share one list."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING

from pulumi_openai_ft._shared.clock import REAL_TIME, TimeSource
from pulumi_openai_ft._shared.locked_property import locked_cached_property
from pulumi_openai_ft.errors import CommandInterruptedError, RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Job

TOKEN_KEY = "pulumi_openai_ft_token"  # noqa: S105 - a metadata key
PAGE = 100
"""Jobs of a shared list: what one request gives."""
LISTING_TTL = 1.0
"""Seconds for which a list still tells that no job is there from an earlier run; what a job has become is asked anew."""
BATCH_WINDOW = 0.2
"""Seconds that whoever has bought waits for others who buy at the same moment."""
CREATED_AT_SLACK = 900
"""Seconds by which a list must reach back beyond a purchase, which may have been long in the making."""


@dataclass(frozen=True)
class _Listing:
    began: float
    jobs: list[Job]
    is_whole: bool
    failure: RequestError | None = None

    def reaches(self, created_at: int) -> bool:
        """Whether no job of that moment can be missing."""
        return self.is_whole or self.jobs[-1].created_at < created_at - CREATED_AT_SLACK


@dataclass
class _SharedList:
    """The newest jobs of a service, for many who ask at the same moment."""

    api: Client
    timing: TimeSource
    _lock: Lock = field(default_factory=Lock)
    _last: _Listing | None = None

    @property
    def is_long(self) -> bool:
        """Whether there were more jobs than a list shows when somebody last asked."""
        return self._last is not None and not (self._last.is_whole or self._last.failure)

    def since(self, clock: float, pause: float = 0.0) -> _Listing:
        """A list that was begun since then. Who come while it is waited for share it, and its failure."""
        with self._lock:
            if self._last is None or self._last.began < clock:
                with suppress(CommandInterruptedError):  # what was bought is looked after in any case
                    self.timing.sleep(pause)
                self._last = self._ask()
            if self._last.failure:
                raise self._last.failure
            return self._last

    def _ask(self) -> _Listing:
        began = self.timing.clock()
        most = PAGE if self.api.settings.profile.supports("metadata_filter") else None
        try:
            jobs = list(islice(self.api.jobs(), most))
        except RequestError as error:
            return _Listing(began, [], is_whole=False, failure=error)
        return _Listing(began, jobs, is_whole=most is None or len(jobs) < most)


@dataclass
class JobLookup:
    """Finds the jobs of one service by their tokens.

    Attributes:
        api: The service.
        timing: Clock and sleep.
    """

    api: Client
    timing: TimeSource = REAL_TIME
    _lock: Lock = field(default_factory=Lock)
    _searching: int = 0

    @locked_cached_property
    def _before(self) -> _SharedList:
        return _SharedList(self.api, self.timing)

    @locked_cached_property
    def _bought(self) -> _SharedList:
        return _SharedList(self.api, self.timing)

    def find(self, token: str) -> list[Job]:
        """The jobs that carry a token, as of now, newest first."""
        profile = self.api.settings.profile
        if not profile.supports("metadata"):
            return []
        # a service that does not know the filter answers with all jobs
        jobs = self.api.jobs(metadata={TOKEN_KEY: token} if profile.supports("metadata_filter") else None)
        return _carrying(token, jobs)

    def find_before_create(self, token: str) -> list[Job]:
        """The same, but that nobody carries it may be as of a moment ago."""
        with self._counting_callers() as others:
            if not others or self._before.is_long:
                return self.find(token)
            listing = self._before.since(self.timing.clock() - LISTING_TTL)
        is_absent = listing.is_whole and not _carrying(token, listing.jobs)
        return [] if is_absent else self.find(token)

    def find_created_with(self, job: Job, token: str) -> list[Job]:
        """The jobs that carry a token and were created at the moment of a job of this process, itself among them."""
        with self._counting_callers() as others:
            if not others:
                return self.find(token)
            listing = self._bought.since(self.timing.clock(), pause=BATCH_WINDOW)
        return _carrying(token, listing.jobs) if listing.reaches(job.created_at) else self.find(token)

    @contextmanager
    def _counting_callers(self) -> Iterator[bool]:
        """Tells whether others search meanwhile."""
        with self._lock:
            self._searching += 1
            others = self._searching > 1
        try:
            yield others and self.api.settings.profile.supports("metadata")
        finally:
            with self._lock:
                self._searching -= 1


def _carrying(token: str, jobs: Iterable[Job]) -> list[Job]:
    return [job for job in jobs if (job.metadata or {}).get(TOKEN_KEY) == token]
