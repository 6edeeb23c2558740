"""The interface between the training loop and an engine, which runs the trainers.

An engine must not block the loop: it answers from its own knowledge, and the loop asks again in the next round.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_openai_ft.serve.job_folder import JobFolder

LOCKED = 73
"""Exit code of a trainer: another trainer runs in the folder."""
SAVED = 75
"""Exit code of a trainer after SIGTERM."""


@dataclass(frozen=True)
class Attempt:
    """An attempt to train a job.

    Attributes:
        folder: Folder of the job. Its name is the job's id.
        number: Number of the attempt, from 1.
    """

    folder: JobFolder
    number: int


class Cause(Enum):
    """Why an attempt ended, as far as its engine knows. The job folder has the result."""

    STOPPED = "stopped on request"
    LOCKED = "another trainer runs in the folder"
    CRASHED = "the trainer ended unexpectedly"
    NOT_STARTED = "the trainer was never started"
    UNKNOWN = "the engine did not observe the end"


@dataclass(frozen=True)
class End:
    """The end of an attempt.

    Attributes:
        cause: Cause.
        exit_code: Exit code of the trainer, if it is known.
        detail: A sentence about a crash for the job's error, if known.
    """

    cause: Cause
    exit_code: int | None = None
    detail: str = ""


@dataclass(frozen=True)
class State:
    """The state of an attempt.

    Attributes:
        end: How the attempt ended. None if it has not ended, or the engine cannot find out now.
        waits: Whether the trainer has not started.
        notice: A sentence for the job's events about a wait or a fault, or an empty string.
        level: Level of the notice, info or warn.
    """

    end: End | None = None
    waits: bool = False
    notice: str = ""
    level: str = "info"


class Engine(ABC):
    """Starts, observes and stops trainers, which survive the server."""

    def open(self) -> None:  # noqa: B027  # most engines need no preparation
        """Prepare the engine. Called once, before all other methods."""

    def close(self) -> None:  # noqa: B027
        """Release the engine's own resources. Trainers continue."""

    def forget(self, folder: JobFolder) -> None:  # noqa: B027
        """Release the resources of a run that has ended."""

    @abstractmethod
    def start(self, attempt: Attempt, environment: Mapping[str, str]) -> None:
        """Start a trainer, or find the trainer that an earlier call started for the same attempt.

        Raises:
            OSError: The trainer cannot be started, and no later attempt would succeed.
        """

    @abstractmethod
    def state(self, attempt: Attempt) -> State:
        """Return the state of an attempt."""

    @abstractmethod
    def stop(self, attempt: Attempt, *, kill: bool = False) -> None:
        """Ask a trainer to save and exit, or kill it."""


def end_of(exit_code: int, detail: str = "") -> End:
    """Return the end of a trainer that exited with a code other than by a signal from its engine."""
    causes = {LOCKED: Cause.LOCKED, SAVED: Cause.STOPPED}
    return End(causes.get(exit_code, Cause.CRASHED), exit_code, detail)
