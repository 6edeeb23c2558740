"""The interface of runners, which train jobs. The server does not depend on an implementation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Protocol

from pulumi_openai_ft.server.api_limits import METHODS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pulumi_openai_ft.server.training_data import Problem


@dataclass(frozen=True)
class Dataset:
    """An uploaded file. `open` raises `FileNotFoundError` if the file was deleted."""

    file_id: str
    open: Callable[[], BinaryIO]


@dataclass(frozen=True)
class TrainingRequest:
    """A training run to perform. `method` is the API's method object; `base` is the base model of `model`."""

    job_id: str
    project: str
    model: str
    base: str
    method: Mapping[str, Any]
    seed: int
    training: Dataset
    validation: Dataset | None
    integrations: Sequence[Mapping[str, Any]] = ()

    @property
    def kind(self) -> str:
        """Return the method: supervised, dpo or reinforcement. A method of another service is emulated as supervised."""
        kind = str(self.method["type"])
        return kind if kind in METHODS else METHODS[0]

    @property
    def hyperparameters(self) -> Mapping[str, Any]:
        """Return the requested hyperparameters: numbers, or "auto"."""
        found: Mapping[str, Any] = self.method[self.method["type"]]["hyperparameters"]
        return found


@dataclass(frozen=True)
class Notice:
    """A message of a runner for the job's events. `level` is info, warn or error."""

    at: float
    message: str
    level: str = "info"


@dataclass(frozen=True)
class Progress:
    """The progress of a run.

    Attributes:
        status: A job status of the API.
        at: Time of the newest step, in Unix seconds.
        reached: Time of the current and each earlier status, in Unix seconds.
        step: Number of finished steps.
        total_steps: Number of all steps.
        hyperparameters: Resolved hyperparameters, once the run has left the queue.
        estimated_finish: Estimated time of completion, in Unix seconds.
        problem: Reason of a failure, if any.
        notices: All messages so far, oldest first.
        checkpoints: Time of each checkpoint made before the end, in Unix seconds, by step.
        removed: Steps whose checkpoints were deleted.
    """

    status: str
    at: float
    reached: Mapping[str, float] = field(default_factory=dict)
    step: int = 0
    total_steps: int = 0
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    estimated_finish: float | None = None
    problem: Problem | None = None
    notices: Sequence[Notice] = ()
    checkpoints: Mapping[int, float] = field(default_factory=dict)
    removed: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Outcome:
    """The result of a finished run: number of billed tokens, steps with a checkpoint, and the metrics of all steps."""

    trained_tokens: int
    checkpoint_steps: list[int]
    steps: Iterable[Mapping[str, float | None]]


class Runner(Protocol):
    """A runner that trains jobs.

    It stores its state, so that runs survive the process. Each call passes the request. All calls except `check` return
    immediately, because they run inside a transaction of the store: a runner performs slow work in the background.

    Attributes:
        progresses_on_read: Whether a run progresses when its job is read. If not, the owner of the runner calls
            `Lifecycle.settle` for each run that has progressed, and reads cost no work.
    """

    progresses_on_read: ClassVar[bool]

    def check(self, order: TrainingRequest) -> None:
        """Raise an `ApiError` if this runner cannot train such a job. This may read the files."""

    def submit(self, order: TrainingRequest) -> None:
        """Start a run. The run also validates the files."""

    def poll(self, order: TrainingRequest) -> Progress:
        """Return the progress of a run."""

    def cancel(self, order: TrainingRequest) -> None:
        """Cancel a run."""

    def pause(self, order: TrainingRequest) -> None:
        """Pause a run after its current step."""

    def resume(self, order: TrainingRequest) -> None:
        """Queue a paused run again. It continues after its last step."""

    def metrics(self, order: TrainingRequest, steps: Iterable[int]) -> list[dict[str, float]]:
        """Return the metrics of finished steps, with the API's names."""

    def outcome(self, order: TrainingRequest) -> Outcome:
        """Return the result of a succeeded run."""

    def discard(self, order: TrainingRequest, step: int, name: str) -> None:
        """Delete the weights of the checkpoint at a step. Its model was deleted."""
