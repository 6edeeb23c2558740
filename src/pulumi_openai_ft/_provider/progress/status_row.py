"""Display of progress in the status row of a resource."""

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
"""Seconds of reading a file after which its progress is displayed."""


class Progress(Protocol):
    """Progress of an operation."""

    @property
    def status(self) -> str:
        """Status of the operation. A change is displayed immediately."""

    def line(self) -> str:
        """Return the full line."""

    def stable_part(self) -> str:
        """Return the line without the parts that change only because time passes."""


@dataclass(slots=True)
class Row:
    """The status row of the resource that the current thread processes.

    Attributes:
        host: The host that displays the row.
    """

    host: Host
    _throttle: Throttle = field(init=False)

    def __post_init__(self) -> None:
        self._throttle = Throttle(self.host.time)

    def show(self, progress: Progress) -> None:
        """Display the progress, unless it is unchanged or the last update was too recent."""
        if self._throttle.due(progress.stable_part(), progress.status):
            self.host.set_status(progress.line())


@dataclass(slots=True)
class JobProgressReporter:
    """A reporter that displays a job's progress in its row and its milestones as messages.

    Attributes:
        progress: Progress of the job.
        row: Row of the resource.
    """

    progress: JobProgress
    row: Row

    @classmethod
    def of(cls, job: Job, host: Host) -> JobProgressReporter:
        """Return a reporter for a job."""
        return cls(JobProgress(job.id, host.time), Row(host))

    def update(self, job: Job, events: Sequence[Event]) -> None:
        """Display the current job and print new milestones.

        Args:
            job: The job.
            events: Its latest events, newest first.
        """
        self.progress.update(job, events)
        if milestones := self.progress.milestones():
            self.row.host.info("\n".join(milestones))
        self.row.show(self.progress)


@dataclass(slots=True)
class ReadProgressReporter:
    """A callback that displays the progress of reading training data, and raises an error after an interrupt.

    The display begins after one second of reading.

    Attributes:
        host: The host that displays the progress.
    """

    host: Host
    _progress: ReadingProgress | None = None
    _row: Row = field(init=False)
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self._row, self._began = Row(self.host), self.host.time.clock()

    def __call__(self, read: int, size: int) -> None:
        """Record that `read` of `size` bytes were read.

        Raises:
            CommandInterruptedError: The user interrupted the command.
        """
        if self.host.is_interrupted:
            raise CommandInterruptedError("the command was interrupted while reading training data")
        self._progress = self._progress or ReadingProgress(size, self.host.time)
        self._progress.see(read)
        if self.host.shows_progress and self.host.time.clock() - self._began >= LONG:
            self._row.show(self._progress)
