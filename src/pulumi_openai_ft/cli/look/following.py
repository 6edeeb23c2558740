"""Following a job: its state and its new events, until it ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from pulumi_openai_ft._client.event_order import newest_first
from pulumi_openai_ft._client.refusals import UNSUPPORTED_STATUSES
from pulumi_openai_ft._client.retries import is_repeatable
from pulumi_openai_ft._provider.job.poller import MAX_OUTAGE
from pulumi_openai_ft._provider.progress.job_progress import event_key
from pulumi_openai_ft._shared.clock import REAL_TIME, TimeSource
from pulumi_openai_ft.errors import RequestError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Event, Job

FIRST_PAUSE, GROWTH = 1.0, 1.2
"""Seconds between the first reads, and their growth while nothing changes."""
SUCCEEDED, NOT_SUCCEEDED = 0, 1
"""Exit codes by the end of the job."""


class Update(NamedTuple):
    """The result of reading a job.

    Attributes:
        job: The job.
        events: Events that no earlier update contained, oldest first.
        outage: Reason why the service could not be read this time; the job is then that of the last update.
        missing: Statement that the service has no events, or empty.
    """

    job: Job
    events: list[Event]
    outage: str = ""
    missing: str = ""


@dataclass(slots=True)
class JobFollower:
    """Reads of a job and its events.

    Attributes:
        api: The client.
        job: The job as last read.
        timing: Clock and sleep.
    """

    api: Client
    job: Job
    timing: TimeSource = REAL_TIME
    _seen: set[tuple[object, ...]] = field(default_factory=set)
    _latest: int = -1
    _lacks_events: bool = False
    _failing_since: float | None = None
    _pause: float = FIRST_PAUSE

    def __post_init__(self) -> None:
        self._lacks_events = not self.api.settings.profile.supports("events")

    def updates(self) -> Iterator[Update]:
        """Yield an update after each read. The last update has a job that has ended, and its last events.

        Failures that may be temporary are reported as outages, for up to `MAX_OUTAGE` seconds.

        Raises:
            RequestError: The service returned a permanent error, or was not available for `MAX_OUTAGE` seconds.
        """
        update = self.read()
        yield update
        while update.outage or not update.job.is_terminal:
            self.timing.sleep(self._pause)
            update = self._read_again()
            yield update

    def read(self) -> Update:
        """Return the events of the job as last read, without the events of earlier updates."""
        new = self._new_events()
        missing = self.api.settings.profile.lacks_message("events") if self._lacks_events else ""
        return Update(self.job, new, missing=missing)

    def _read_again(self) -> Update:
        before = self.job
        try:
            self.job = self.api.job(self.job.id)
            update = self.read()  # the job was read first, so that no event of an ended job is missed
        except RequestError as error:
            self._tolerate(error)
            self.job = before
            return Update(before, [], outage=str(error))
        self._failing_since = None
        has_changed = bool(update.events) or before.status != self.job.status
        longest = max(FIRST_PAUSE, self.api.settings.poll_interval)
        self._pause = FIRST_PAUSE if has_changed else min(self._pause * GROWTH, longest)
        return update

    def _tolerate(self, error: RequestError) -> None:
        now = self.timing.clock()
        self._failing_since = now if self._failing_since is None else self._failing_since
        if not is_repeatable(error, "GET") or now - self._failing_since >= MAX_OUTAGE:
            raise error

    def _new_events(self) -> list[Event]:
        """Return the events that are new, oldest first.

        The service lists the newest first. Events of the same second may be listed in any order, so that reading ends
        with a known event of an earlier second.
        """
        if self._lacks_events:
            return []
        new: list[Event] = []
        try:
            for event in self.api.events(self.job.id, unreadable=[]):
                if event_key(event) not in self._seen:
                    new.append(event)
                elif event.created_at is None or event.created_at < self._latest:
                    break
        except ServiceError as error:
            if error.status not in UNSUPPORTED_STATUSES:
                raise
            self._lacks_events = True
        self._seen.update(map(event_key, new))
        self._latest = max([self._latest, *(event.created_at or 0 for event in new)])
        return newest_first(new)[::-1]


def exit_code(job: Job) -> int:
    """Return the exit code of a command that followed a job to its end."""
    return SUCCEEDED if job.status == "succeeded" else NOT_SUCCEEDED
