"""Showing how far something is, in the row of its resource."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pulumi_openai_ft._provider.progress.job_progress import JobProgress, Throttle
from pulumi_openai_ft._provider.progress.transfers import ReadingProgress
from pulumi_openai_ft.errors import CommandInterruptedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_openai_ft._client.objects import Event, Job
    from pulumi_openai_ft._provider.host_interface import Host

LONG = 1.0
"""Seconds that a file may be read for before anything is shown of it."""


class Progress(Protocol):
    """How far something is."""

    @property
    def status(self) -> str:
        """What is shown at once when it has changed."""

    def line(self) -> str:
        """All of it."""

    def stable_part(self) -> str:
        """The line without what changes by the mere passing of time."""


@dataclass(slots=True)
class Row:
    """The row of the resource that this thread works on.

    Attributes:
        host: Where it is shown.
    """

    host: Host
    _throttle: Throttle = field(init=False)

    def __post_init__(self) -> None:
        self._throttle = Throttle(self.host.time)

    def show(self, progress: Progress) -> None:
        """Shows how far something is, unless nothing has changed or the last line is too young."""
        if self._throttle.due(progress.stable_part(), progress.status):
            self.host.set_status(progress.line())


@dataclass(slots=True)
class JobProgressReporter:
    """Shows a job while somebody waits for it, and keeps its milestones.

    Attributes:
        progress: How far it is.
        row: Where it is shown.
    """

    progress: JobProgress
    row: Row

    @classmethod
    def of(cls, job: Job, host: Host) -> JobProgressReporter:
        """The follower of a job."""
        return cls(JobProgress(job.id, job.created_at, host.time), Row(host))

    def update(self, job: Job, events: Sequence[Event]) -> None:
        """Shows the job as it is now.

        Args:
            job: The job.
            events: Its newest events, newest first.
        """
        self.progress.update(job, events)
        if milestones := self.progress.milestones():
            self.row.host.info("\n".join(milestones))
        self.row.show(self.progress)


@dataclass(slots=True)
class ReadProgressReporter:
    """Shows how far training data is read, where that takes long, and ends it when the user wants no more.

    Attributes:
        host: Where it is shown.
    """

    host: Host
    _progress: ReadingProgress | None = None
    _row: Row = field(init=False)
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self._row, self._began = Row(self.host), self.host.time.clock()

    def __call__(self, read: int, size: int) -> None:
        """Takes note that so many bytes are read, of so many.

        Raises:
            CommandInterruptedError: The user has interrupted the command.
        """
        if self.host.is_interrupted:
            raise CommandInterruptedError("the command was interrupted while training data was read")
        self._progress = self._progress or ReadingProgress(size, self.host.time)
        self._progress.see(read)
        if self.host.shows_progress and self.host.time.clock() - self._began >= LONG:
            self._row.show(self._progress)
